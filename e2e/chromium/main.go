//go:build !js

// Command chromium runs a Go js/wasm program in headless Chromium, as go test's -exec:
//
//	GOOS=js GOARCH=wasm go test -exec "bin/chromium" ./idb/
//	GOOS=js GOARCH=wasm go test -exec "bin/chromium -worker" ./idb/
//
// The program's output and exit code become this command's. It sees only the environment variables whose names begin
// with LETHE_: wasm_exec.js has room for few. Its page is http://127.0.0.1:PORT, a secure context, so that Web Locks and
// OPFS are there. CHROMIUM names another browser.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	worker := flag.Bool("worker", false, "run the program in a dedicated worker instead of the page")
	flag.Parse()
	if flag.NArg() < 1 {
		fmt.Fprintln(os.Stderr, "usage: chromium [-worker] program.wasm [arguments]")
		os.Exit(2)
	}
	code, err := run(*worker, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "chromium:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run(worker bool, args []string) (code int, err error) {
	// go test interrupts with SIGQUIT when its own time is over.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	defer stop()

	site, err := newSite(worker, args)
	if err != nil {
		return 0, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := &http.Server{Handler: site, ReadHeaderTimeout: time.Minute}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			site.finish(0, err)
		}
	}()
	defer func() { err = errors.Join(err, server.Close()) }()

	stopBrowser, err := startBrowser("http://"+listener.Addr().String()+"/", site)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stopBrowser()) }()

	select {
	case end := <-site.ended:
		return end.code, end.err
	case <-ctx.Done():
		return 0, errors.New("interrupted")
	}
}

// startBrowser opens the address in a browser of its own, with a profile that stop removes.
func startBrowser(address string, site *site) (stop func() error, err error) {
	path, err := browser()
	if err != nil {
		return nil, err
	}
	profile, err := os.MkdirTemp("", "lethe-chromium-")
	if err != nil {
		return nil, err
	}
	flags := []string{"--headless", "--user-data-dir=" + profile, "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-quic", "--disable-extensions", "--disable-breakpad", "--mute-audio",
		"--disable-background-timer-throttling", "--disable-renderer-backgrounding",
		"--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup"} // what drops out of the address bar, drawn before anybody types
	if os.Getuid() == 0 {
		flags = append(flags, "--no-sandbox") // Chromium's sandbox refuses to run as root
	}
	var complaints strings.Builder
	cmd := exec.Command(path, append(flags, address)...)
	cmd.Stderr = &complaints
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that stop reaches the browser's children too
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() {
		err := cmd.Wait()
		close(exited)
		site.finish(0, fmt.Errorf("the browser ended by itself: %v\n%s", err, complaints.String()))
	}()
	return func() error {
		kill := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(kill, syscall.ESRCH) {
			kill = nil
		}
		<-exited
		// A child may still be writing while it dies.
		var removed error
		for range 20 {
			if removed = os.RemoveAll(profile); removed == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		return errors.Join(kill, removed)
	}, nil
}

func browser() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium found: install it (apt-get install chromium) or set CHROMIUM")
}

// wasmExec is the Go distribution's glue for js/wasm programs.
func wasmExec() ([]byte, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	return os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "lib", "wasm", "wasm_exec.js"))
}
