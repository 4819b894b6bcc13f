package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"sync"

	"github.com/lethe-im/lethe/wire"
)

// keyHeader names the header by which a backend names a call: the same key with the same call answers the first answer for
// 30 days. A refused call has changed nothing and is not remembered.
const keyHeader = "Idempotency-Key"

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

// once runs fn unless the call's key has an answer already. Calls of one key wait for each other. (A server that dies
// between a change and the keeping of its answer makes the change again when asked again: all but notices and imports are
// joins, which then change nothing.) Errors: ParameterInvalid, FrameTooLarge, OperationIDReused.
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
	first, ok, err := s.store.Answered(r.Context(), app, key)
	switch {
	case err != nil:
		return nil, false, err
	case ok && !bytes.Equal(first.Hash, hash[:]):
		return nil, false, wire.Errorf(wire.OperationIDReused, "this %s came before with another call", keyHeader)
	case ok:
		return json.RawMessage(first.Body), true, nil
	}
	if answer, err = fn(r, w, app); err != nil {
		return nil, false, err
	}
	// Kept even when the caller has gone: it will ask again.
	ctx := context.WithoutCancel(r.Context())
	return answer, false, s.store.KeepAnswer(ctx, app, key, Answer{hash[:], encode(answer)}, s.now())
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
