//go:build js && wasm

// Command streams shows what stands in for os in the wasm, with which Go's testing does not compile, and for log: make test runs
// it in Chromium and compares what comes out, and the status, with Go's own.
package main

import (
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	log.Println("to the error:", 1, nil, "ä")
	fmt.Println("to the output:", os.Args[1:], "ä")
	n, err := os.Stdout.Write(nil)
	f, failed := os.Open("/nowhere")
	fmt.Println(n, err, f == nil, failed != nil)
	os.Exit(3)
}
