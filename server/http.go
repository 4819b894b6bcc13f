package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/lethe-im/lethe/wire"
)

// The HTTP API is JSON both ways. Errors are {code, name, message} with a fitting status. The backend shows its app's
// key by a token with the role admin, as bearer.

// bodyLimit bounds a request's body in bytes, importLimit that of an import.
const (
	bodyLimit   = 2 << 20
	importLimit = 32 << 20
)

// call answers a backend's call for an app. It reads no body but by readJSON.
type call func(r *http.Request, w http.ResponseWriter, app string) (any, error)

// admin lets in who has an admin token, and answers with what fn returns.
func (s *Server) admin(fn call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				s.logger.Error("panic", "path", r.URL.Path, "panic", panicked(p), "stack", string(debug.Stack()))
				refuse(w, http.StatusInternalServerError, wire.Errorf(wire.Internal, "internal error"))
			}
		}()
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			token = ""
		}
		app := appOf(token)
		c, err := s.checkToken(token, app)
		if err == nil && c.Role != RoleAdmin {
			err = wire.Errorf(wire.PermissionDenied, "an admin token is needed")
		}
		if err == nil {
			err = s.checkRevoked(r.Context(), s.grantOf(c, app, ""))
		}
		var answer any
		if err == nil {
			answer, err = fn(r.WithContext(context.WithValue(r.Context(), auditKey{}, &audit{by: c.Subject})), w, app)
		}
		if err != nil {
			if wire.CodeOf(err) == wire.Internal {
				s.logger.Error("request failed", "path", r.URL.Path, "app", app, "err", err)
			}
			refuse(w, status(wire.CodeOf(err)), err)
			return
		}
		reply(w, http.StatusOK, answer)
	}
}

// panicked is what the log says of a panic: what the runtime says, else only its type, since it may carry a message.
func panicked(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", p)
}

// status is the HTTP status of an error's code.
func status(code wire.Code) int {
	switch code {
	case wire.TokenMissing, wire.TokenInvalid, wire.TokenExpired, wire.TokenOtherApp, wire.TokenOtherUser, wire.TokenRevoked:
		return http.StatusUnauthorized
	case wire.PermissionDenied:
		return http.StatusForbidden
	case wire.GroupNotFound, wire.RoomNotFound, wire.ConversationNotFound, wire.MessageNotFound:
		return http.StatusNotFound
	case wire.OperationIDReused, wire.StorageNotEnabled:
		return http.StatusConflict
	case wire.MessageTooLarge, wire.FrameTooLarge:
		return http.StatusRequestEntityTooLarge
	case wire.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

// refusal is the body of every error.
type refusal struct {
	Code    wire.Code `json:"code"`
	Name    string    `json:"name"`
	Message string    `json:"message"`
}

func refuse(w http.ResponseWriter, status int, err error) {
	e := wire.AsError(err)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	reply(w, status, refusal{e.Code, e.Code.Name(), e.Text})
}

func reply(w http.ResponseWriter, status int, body any) {
	raw := encode(body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n')) // a client that has gone needs no answer
}

func encode(body any) []byte {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // only our own types come here
	}
	return raw
}

// readJSON reads one JSON object of at most limit bytes. Unknown names are refused: they are misspelt ones.
// Errors: FrameTooLarge, ParameterInvalid.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	d.DisallowUnknownFields()
	d.UseNumber()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err == nil {
			err = errors.New("more than one value")
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return wire.Errorf(wire.FrameTooLarge, "the body has more than %d bytes", limit)
	}
	return wire.Errorf(wire.ParameterInvalid, "body: %v", wire.AsError(err).Text)
}
