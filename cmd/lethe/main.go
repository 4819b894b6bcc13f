// Command lethe is Lethe's server in one binary: it keeps everything in one folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const help = `lethe is the server of the Lethe chat SDK. It keeps everything in one folder.

Usage:

  lethe serve --data DIR [options]          run the server
  lethe token --data DIR --user U [options] print a token with which user U can log in
  lethe doctor --data DIR [options]         look for what is wrong with configuration, machine and store
  lethe backup FILE --data DIR              write the store into a file, while the server runs
  lethe restore FILE --data DIR             make the store from such a file
  lethe load --url URL [options]            open many connections to a server, send and delete, and measure

"lethe help serve" lists the options of serve, and so on. docs/ops.md explains them.
`

// errUsage is a wrong call: its text has been printed.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, errUnwell):
		os.Exit(1)
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "lethe:", err)
		os.Exit(1)
	}
}

// run runs the command that args name.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	command := "help"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "serve":
		return serve(ctx, args, stdout, stderr)
	case "token":
		return token(args, stdout, stderr)
	case "backup":
		return backup(ctx, args, stdout, stderr)
	case "restore":
		return restore(ctx, args, stdout, stderr)
	case "doctor":
		return doctor(ctx, args, stdout, stderr)
	case "load":
		return loadServer(ctx, args, stdout, stderr)
	case "help", "-h", "-help", "--help":
		if len(args) > 0 {
			return run(ctx, []string{args[0], "-h"}, stdout, stderr)
		}
		_, err := io.WriteString(stdout, help)
		return err
	default:
		return usage(stderr, "unknown command %q; lethe help lists them", command)
	}
}

// usage says in one line what is wrong with a call.
func usage(stderr io.Writer, format string, args ...any) error {
	fmt.Fprintf(stderr, "lethe: "+format+"\n", args...)
	return errUsage
}

// parse reads a command's options. done: it was asked for help only, and has answered.
func parse(f *flag.FlagSet, args []string, stdout, stderr io.Writer, intro string) (done bool, err error) {
	f.SetOutput(io.Discard) // its own complaints take many lines
	f.Usage = func() {}
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, intro, "\nOptions:\n\n")
		f.SetOutput(stdout)
		f.PrintDefaults()
		return true, nil
	case err != nil:
		return false, usage(stderr, "%s: %v; lethe %s -h lists the options", f.Name(), err, f.Name())
	case f.NArg() > 0:
		return false, usage(stderr, "%s: unexpected %q; lethe %s -h lists the options", f.Name(), f.Arg(0), f.Name())
	}
	return false, nil
}
