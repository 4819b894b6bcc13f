package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// keyHeader names the header by which a backend names a call: the same key with the same call answers the first answer for
// 30 days. A refused call has changed nothing and is not remembered.
const keyHeader = "Idempotency-Key"

// ClaimTime is how long a key stays with a call that has not been answered. Then its server is taken for dead, and who asks again
// makes the call.
const ClaimTime = 60 * time.Second

// claimLook is how often a call looks whether another server has answered the same.
const claimLook = 100 * time.Millisecond

// Answer is what a call was answered under its key. Hash is of the call: method, address and body.
type Answer struct {
	Hash []byte
	Body []byte
}

// audit is what the log says of a changing call, besides who made it and how it ended. It never has message text.
type audit struct {
	by    string
	attrs []any
}

type auditKey struct{}

// note adds to the audit line of a call: key and value by turns.
func note(r *http.Request, attrs ...any) {
	if a, ok := r.Context().Value(auditKey{}).(*audit); ok {
		a.attrs = append(a.attrs, attrs...)
	}
}

// change is admin for calls that change something: once per key, and with a line in the log for each. limit bounds the body.
func (s *Server) change(limit int64, fn call) http.HandlerFunc {
	return s.admin(func(r *http.Request, w http.ResponseWriter, app string) (any, error) {
		answer, repeated, err := s.once(r, w, app, limit, fn)
		if err == nil && !repeated {
			s.purgeSoon() // many of them take something from a view
		}
		line := []any{"call", r.Method + " " + r.URL.Path, "app", app, "code", int(wire.CodeOf(err)), "repeated", repeated}
		if a, ok := r.Context().Value(auditKey{}).(*audit); ok {
			line = append(append(line, "by", a.by), a.attrs...)
		}
		s.logger.Info("audit", line...)
		return answer, err
	})
}

// once runs fn unless the call's key has an answer already. Calls of one key wait for each other, on all servers of a store. (When
// a server dies between a change and the keeping of its answer, the change is made again when asked for again: all but notices and
// imports are joins, which then change nothing.) Errors: ParameterInvalid, FrameTooLarge, OperationIDReused.
func (s *Server) once(r *http.Request, w http.ResponseWriter, app string, limit int64, fn call) (answer any, repeated bool, err error) {
	key := r.Header.Get(keyHeader)
	if len(r.Header.Values(keyHeader)) == 0 {
		answer, err = fn(r, w, app)
		return answer, false, err
	}
	if err := wire.CheckIdentifier(key); err != nil {
		return nil, false, wire.Errorf(wire.ParameterInvalid, "%s: %w", keyHeader, err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, false, wire.Errorf(wire.FrameTooLarge, "the body has more than %d bytes", limit)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	defer s.keys.lock(app + "\x00" + key)()

	hash := sha256.Sum256(append([]byte(r.Method+" "+r.URL.Path+"\x00"), body...))
	first, claimed, err := s.claim(r.Context(), app, key, hash[:])
	switch {
	case err != nil:
		return nil, false, err
	case !claimed:
		return json.RawMessage(first.Body), true, nil
	}
	// Kept even when the caller has gone: it will ask again.
	ctx := context.WithoutCancel(r.Context())
	if answer, err = fn(r, w, app); err != nil {
		return nil, false, errors.Join(err, s.store.DropClaim(ctx, app, key, hash[:]))
	}
	return answer, false, s.store.KeepAnswer(ctx, app, key, Answer{hash[:], encode(answer)}, s.now())
}

// claim claims a key for a call, or waits for the answer that the same call gets on another server. Errors: OperationIDReused.
func (s *Server) claim(ctx context.Context, app, key string, hash []byte) (first Answer, claimed bool, err error) {
	for {
		first, claimed, err = s.store.Claim(ctx, app, key, hash, s.now())
		switch {
		case err != nil || claimed:
			return first, claimed, err
		case !bytes.Equal(first.Hash, hash):
			return first, false, wire.Errorf(wire.OperationIDReused, "this %s came before with another call", keyHeader)
		case first.Body != nil:
			return first, false, nil
		}
		select {
		case <-time.After(claimLook):
		case <-ctx.Done():
			return first, false, ctx.Err()
		}
	}
}

// keyLocks are locks by name; a name that nobody holds or waits for takes no room.
type keyLocks struct {
	mu    sync.Mutex
	names map[string]*keyLock
}

type keyLock struct {
	sync.Mutex
	users int
}

func (k *keyLocks) lock(name string) (unlock func()) {
	k.mu.Lock()
	if k.names == nil {
		k.names = map[string]*keyLock{}
	}
	l := k.names[name]
	if l == nil {
		l = &keyLock{}
		k.names[name] = l
	}
	l.users++
	k.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.names, name)
		}
	}
}
