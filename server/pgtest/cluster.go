// Package pgtest gives tests a PostgreSQL server of their own, made from the binaries of Debian's package.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a PostgreSQL server in a temporary folder, reached by a Unix socket there, and so by nobody else.
type Cluster struct {
	bin, folder string
	settings    []string
	as          *syscall.Credential // PostgreSQL refuses to run as root
	log         bytes.Buffer
	process     *exec.Cmd
	databases   atomic.Int32
}

// startWait is how long a server may take to answer.
const startWait = 60 * time.Second

// Start makes a server and starts it. settings are PostgreSQL's ("fsync=off"). Stop removes it.
func Start(settings ...string) (*Cluster, error) {
	folder, err := os.MkdirTemp("", "lethe-pg-")
	if err != nil {
		return nil, err
	}
	return startIn(folder, settings...)
}

// startIn is Start in an empty folder, which is the server's from then on.
func startIn(folder string, settings ...string) (*Cluster, error) {
	c := &Cluster{folder: folder, settings: settings}
	var err error
	c.bin, err = binaries()
	if err == nil && os.Geteuid() == 0 {
		if c.as, err = unprivileged(); err == nil {
			err = os.Chown(c.folder, int(c.as.Uid), int(c.as.Gid))
		}
	}
	if err == nil {
		err = c.initialize()
	}
	if err == nil {
		err = c.Launch()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.folder))
	}
	return c, nil
}

// binaries finds the folder with the newest PostgreSQL.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(newest), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", errors.New("no PostgreSQL here: scripts/setup.sh postgresql installs it")
	}
	return filepath.Dir(path), nil
}

// unprivileged is the user that a server runs as where the tests run as root.
func unprivileged() (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(c.bin, name), args...)
	command.Dir = c.folder
	// It dies with the test, however that ends.
	command.SysProcAttr = &syscall.SysProcAttr{Credential: c.as, Pdeathsig: syscall.SIGQUIT}
	return command
}

func (c *Cluster) initialize() error {
	out, err := c.command("initdb", "--pgdata", c.Data(), "--auth", "trust", "--username", "lethe", "--encoding", "UTF8",
		"--locale", "C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// Launch starts the server that Start made, after Kill, and waits until it answers.
func (c *Cluster) Launch() error {
	args := []string{"-D", c.Data(), "-k", c.folder, "-c", "listen_addresses=", "-c", "max_connections=200"}
	for _, setting := range c.settings {
		args = append(args, "-c", setting)
	}
	c.log.Reset()
	c.process = c.command("postgres", args...)
	c.process.Stdout, c.process.Stderr = &c.log, &c.log
	if err := c.process.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	for {
		connection, err := pgx.Connect(ctx, c.address("postgres"))
		if err == nil {
			return connection.Close(ctx)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, c.Kill())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Data is the folder with everything that the server keeps.
func (c *Cluster) Data() string { return filepath.Join(c.folder, "data") }

func (c *Cluster) address(database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User("lethe"), Path: "/" + database, RawQuery: url.Values{"host": {c.folder}}.Encode()}).String()
}

// Database makes an empty database and returns its address.
func (c *Cluster) Database(ctx context.Context) (address string, err error) {
	return c.create(ctx, "")
}

func (c *Cluster) create(ctx context.Context, how string) (address string, err error) {
	name := fmt.Sprintf("lethe%d", c.databases.Add(1))
	return c.address(name), c.run(ctx, `CREATE DATABASE `+name+how)
}

// copyOf makes a copy of a database, and a way to remove it.
func (c *Cluster) copyOf(ctx context.Context, address string) (copied string, remove func() error, err error) {
	name := func(address string) string {
		u, err := url.Parse(address)
		if err != nil {
			return ""
		}
		return u.Path[1:]
	}
	copied, err = c.create(ctx, ` TEMPLATE `+name(address)+``)
	return copied, func() error { return c.run(context.Background(), `DROP DATABASE `+name(copied)+` WITH (FORCE)`) }, err
}

// run runs a statement on the server.
func (c *Cluster) run(ctx context.Context, statement string) (err error) {
	connection, err := pgx.Connect(ctx, c.address("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close(ctx)) }()
	_, err = connection.Exec(ctx, statement)
	return err
}

// Kill ends the server as kill -9 or a power cut does: all of its processes at once, without a word to anybody. It returns
// what the server has logged.
func (c *Cluster) Kill() (log string) {
	return c.end(syscall.SIGKILL)
}

// Quit ends the server in good order, cutting its connections.
func (c *Cluster) Quit() (log string) {
	return c.end(syscall.SIGINT)
}

func (c *Cluster) end(how syscall.Signal) (log string) {
	if c.process == nil {
		return ""
	}
	ended := []int{c.process.Process.Pid}
	if how == syscall.SIGKILL {
		ended = append(ended, children(ended[0])...)
	}
	for _, pid := range ended {
		_ = syscall.Kill(pid, how) // one that has ended by itself is what is wanted
	}
	_ = c.process.Wait() // it was killed: that is no failure
	c.process = nil
	return c.log.String()
}

// children are the processes that a process has started. PostgreSQL's would live on for a while without their parent.
func children(parent int) (pids []int) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	for _, path := range all {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent …
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if string(fields[1]) != strconv.Itoa(parent) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Stop ends the server and removes all that it kept.
func (c *Cluster) Stop() error {
	c.end(syscall.SIGQUIT)
	return os.RemoveAll(c.folder)
}

// Program is the path of one of PostgreSQL's programs.
func (c *Cluster) Program(name string) string { return filepath.Join(c.bin, name) }
