//go:build !js

// Command serve runs a command beside wstest's server, whose address it gives it in the environment:
//
//	GOOS=js GOARCH=wasm go test -exec "bin/wsserve bin/chromium" ./ws/
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/lethe-im/lethe/ws/wstest"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: wsserve command [arguments]")
		os.Exit(2)
	}
	err := run(os.Args[1:])
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "wsserve:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	server, err := wstest.Start()
	if err != nil {
		return err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), wstest.ServerVariable+"="+server.URL)
	if err := cmd.Start(); err != nil {
		return err
	}
	// The command has the terminal's signals too; go test's come to this process alone.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	go func() {
		for s := range signals {
			cmd.Process.Signal(s)
		}
	}()
	return errors.Join(cmd.Wait(), server.Close())
}
