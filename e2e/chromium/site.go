//go:build !js

package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

var (
	//go:embed page.html
	page []byte
	//go:embed program.js
	program []byte
)

// ending is how the program ended.
type ending struct {
	code int
	err  error
}

// site serves the page that runs the program, and takes what it says.
type site struct {
	http.ServeMux
	ended chan ending // the first ending counts
}

// finish ends the run, once.
func (s *site) finish(code int, err error) {
	select {
	case s.ended <- ending{code, err}:
	default:
	}
}

func newSite(worker bool, args []string) (*site, error) {
	glue, err := wasmExec()
	if err != nil {
		return nil, err
	}
	wasm, err := os.ReadFile(args[0])
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	for _, e := range os.Environ() {
		if name, value, _ := strings.Cut(e, "="); strings.HasPrefix(name, "LETHE_") {
			env[name] = value
		}
	}
	how, err := json.Marshal(map[string]any{"args": append([]string{"program"}, args[1:]...), "env": env, "worker": worker})
	if err != nil {
		return nil, err
	}
	s := &site{ended: make(chan ending, 1)}
	serve := func(path, kind string, content []byte) {
		s.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Write(content)
		})
	}
	serve("/{$}", "text/html; charset=utf-8", page)
	serve("/program.js", "text/javascript", program)
	serve("/wasm_exec.js", "text/javascript", glue)
	serve("/program.wasm", "application/wasm", wasm)
	serve("/how.json", "application/json", how)
	s.HandleFunc("POST /output", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(os.Stdout, r.Body); err != nil {
			s.finish(0, err)
		}
	})
	s.HandleFunc("POST /exit/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.PathValue("code"))
		s.finish(code, err)
	})
	// The page keeps this request open, so its end is the page's.
	s.HandleFunc("GET /alive", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		if err := http.NewResponseController(w).Flush(); err != nil {
			s.finish(0, err)
		}
		<-r.Context().Done()
		s.finish(0, errors.New("the page is gone: it crashed or was closed"))
	})
	return s, nil
}
