package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a program that runs beside the bench.
type process struct {
	command *exec.Cmd
	drained chan struct{} // closed when it says nothing more

	mu   sync.Mutex
	said []string // the last lines
}

const (
	// startWait is how long a program may take until it is ready.
	startWait = 60 * time.Second
	// remembered is how many lines of a program are kept, to be told when it fails.
	remembered = 20
)

// launch starts a program and waits until it says that it is ready, in a line that the expression matches. It returns what the
// expression's first group found. The program ends with the bench, however that ends.
// Errors: that the program ends or is not ready in time, with its last lines.
func launch(ready *regexp.Regexp, environment []string, name string, args ...string) (p *process, found string, err error) {
	read, write := io.Pipe()
	command := exec.Command(name, args...)
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = write, write
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := command.Start(); err != nil {
		return nil, "", err
	}
	p = &process{command: command, drained: make(chan struct{})}
	is := make(chan string, 1)
	go func() {
		defer close(p.drained)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			p.remember(lines.Text())
			if match := ready.FindStringSubmatch(lines.Text()); match != nil {
				select {
				case is <- match[1]:
				default: // it said so before
				}
			}
		}
	}()
	ended := make(chan error, 1)
	go func() {
		ended <- command.Wait()
		_ = write.Close() // it never fails
	}()
	select {
	case found = <-is:
		return p, found, nil
	case <-ended:
	case <-time.After(startWait):
		_ = p.command.Process.Kill() // if it has ended meanwhile, that is what is wanted
	}
	<-p.drained
	return nil, "", fmt.Errorf("%s is not ready:\n%s", name, p.last())
}

func (p *process) remember(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said = append(p.said, line); len(p.said) > remembered {
		p.said = p.said[1:]
	}
}

func (p *process) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said, "\n")
}

func (p *process) pid() int { return p.command.Process.Pid }

// stop ends it in good order and waits for it.
func (p *process) stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s had ended by itself: %w\n%s", p.command.Path, err, p.last())
	}
	<-p.drained
	return nil
}
