package server

import (
	_ "embed" // the document
	"net/http"
)

// openapi.json describes every call under /v1. A test walks it against the running server.
//
//go:embed openapi.json
var openAPIDocument []byte

// openAPI answers with the document.
func openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(openAPIDocument) // a client that has gone needs no answer
}
