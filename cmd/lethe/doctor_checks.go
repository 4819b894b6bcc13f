package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
)

// machine is what the doctor asks the machine.
type machine struct {
	now   func() time.Time
	files func() (uint64, error)                            // how many files a process may have open
	disk  func(path string) (free, whole uint64, err error) // bytes of the disk that a folder is on
	write func(folder string) error                         // whether files can be made there
}

// Below these a WARN and a FAIL is said.
const (
	fewFiles    = 4096
	littleDisk  = 1 << 30
	noDisk      = 100 << 20
	lateClock   = time.Minute
	firstSecond = 1767225600 // 2026-01-01: before that there was no Lethe
)

// checkFiles looks at the files that options name.
func checkFiles(o *serving, r *report) {
	wrong := false
	if o.Limits != "" {
		if _, err := readLimits(o.Limits); err != nil {
			r.fail("limits", "docs/server.md lists them", "%v", err)
			wrong = true
		}
	}
	if o.Settings != "" {
		if err := checkSettings(o.Settings, o.App); err != nil {
			r.fail("settings", "docs/server.md lists them", "%v", err)
			wrong = true
		}
	}
	if o.Web != "" {
		if _, err := os.Stat(filepath.Join(o.Web, "index.html")); err != nil {
			r.warn("web", "name the folder that has index.html and dist/", "%s has no page: %v", o.Web, errors.Unwrap(err))
			wrong = true
		}
	}
	if !wrong {
		r.ok("files", "the files that the options name can be read")
	}
}

// checkNetwork looks at addresses and at what stands before the server.
func checkNetwork(o *serving, r *report) {
	before := len(*r)
	open := !isLocal(o.Addr)
	if open && o.Dev {
		r.fail("dev", "leave --dev out", "--dev gives anyone who reaches %s a token of any user", o.Addr)
	}
	if open && o.Proxies == "" {
		r.warn("tls", "put a reverse proxy with TLS before it and name that with --proxies, or listen on 127.0.0.1",
			"%s is reached without TLS: tokens and messages travel in the clear", o.Addr)
	}
	if o.Admin != "" && !isLocal(o.Admin) {
		r.warn("admin", "listen on 127.0.0.1, or on a network that only operators reach", "nobody is asked who they are at %s", o.Admin)
	}
	for _, host := range split(o.Origins) {
		if strings.Contains(host, "/") {
			r.fail("origins", "name the host alone, with its port if it is not the scheme's", "%q is no host", host)
		}
	}
	rest := *o
	rest.Web, rest.Limits = "", "" // looked at already
	made, closeWeb, err := rest.core([]byte(strings.Repeat("k", server.MinKey)), nil)
	if err == nil {
		err = errors.Join(made.Check(), closeWeb())
	}
	if err != nil {
		r.fail("options", "docs/ops.md explains them", "%v", err)
	}
	for _, a := range []string{o.Addr, o.Admin} {
		if a == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(a); err != nil {
			r.fail("address", "write host:port", "%v", err)
		}
	}
	if len(*r) == before {
		r.ok("network", "%s", o.Addr)
	}
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// isLocal tells whether only this machine reaches an address.
func isLocal(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return true // said elsewhere
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkLimits looks at what the machine lets a process do, and at its clock.
func checkLimits(m machine, r *report) {
	switch n, err := m.files(); {
	case err != nil:
		r.warn("files-limit", "look at ulimit -n", "cannot be read: %v", err)
	case n < fewFiles:
		r.warn("files-limit", "raise it: LimitNOFILE= of the systemd unit, or ulimit -n", "%d files may be open, and each connection is one", n)
	default:
		r.ok("files-limit", "%d files may be open", n)
	}
	if now := m.now(); now.Unix() < firstSecond {
		r.fail("clock", "set it, and keep it with NTP: tokens and messages carry its time", "it says %s", now.UTC().Format(time.RFC3339))
	}
}

// checkFolder looks at the data folder and tells whether there is one.
func checkFolder(o *serving, m machine, r *report) bool {
	info, err := os.Stat(o.Data)
	switch {
	case o.Data == "" && o.Store != "":
		return false // nothing is kept on this machine
	case o.Data == "":
		r.fail("data", "say --data, or --store", "there is no folder to keep everything in")
		return false
	case errors.Is(err, fs.ErrNotExist):
		r.warn("data", "nothing, if this is a new server: it is made at the first start", "%s is missing", o.Data)
		return false
	case err != nil:
		r.fail("data", "let the server's user reach it", "%v", err)
		return false
	case !info.IsDir():
		r.fail("data", "name a folder", "%s is no folder", o.Data)
		return false
	}
	before := len(*r)
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		r.warn("data", "chmod 700 "+o.Data, "others than the server's user reach %s (%o)", o.Data, mode)
	}
	if err := m.write(o.Data); err != nil {
		r.fail("data", "let the server's user write there", "%v", err)
	}
	if len(*r) == before {
		r.ok("data", "%s", o.Data)
	}
	switch free, whole, err := m.disk(o.Data); {
	case err != nil:
		r.warn("disk", "look at df", "its space cannot be read: %v", err)
	case free < noDisk:
		r.fail("disk", "make room: without it messages and deletions are refused", "%d MiB are free", free>>20)
	case free < littleDisk || free < whole/20:
		r.warn("disk", "make room soon", "%d MiB of %d are free", free>>20, whole>>20)
	default:
		r.ok("disk", "%d MiB are free", free>>20)
	}
	return true
}

// checkKeyFile looks at the key that signs tokens. It is never printed.
func checkKeyFile(o *serving, r *report) {
	key, err := readKey(o.KeyFile, o.Data, false)
	file := o.KeyFile
	if file == "" && os.Getenv(keyVariable) == "" {
		file = filepath.Join(o.Data, "key")
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.KeyFile == "":
		r.warn("key", "nothing, if this is a new server: it is made at the first start", "there is none in %s", o.Data)
		return
	case err != nil:
		r.fail("key", "make one: head -c 32 /dev/urandom | base64", "%v", err)
		return
	case distinct(key) < 10:
		r.fail("key", "make one: head -c 32 /dev/urandom | base64", "it has only %d different bytes and can be guessed", distinct(key))
		return
	}
	if file != "" {
		if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
			r.warn("key", "chmod 600 "+file, "others than the server's user read %s (%o)", file, info.Mode().Perm())
			return
		}
	}
	r.ok("key", "%d bytes", len(key))
}

// distinct is how many different bytes there are.
func distinct(b []byte) int {
	seen := map[byte]bool{}
	for _, x := range b {
		seen[x] = true
	}
	return len(seen)
}

// checkPostgres looks into the database of --store.
func checkPostgres(ctx context.Context, o *serving, m machine, r *report) {
	x, err := sqlstore.ExaminePostgres(ctx, o.Store)
	switch {
	case errors.Is(err, sqlstore.ErrNewer):
		r.fail("schema", "run the newer version of lethe again", "%v", err)
	case err != nil:
		r.fail("store", "look at its address, and whether it runs", "%v", err)
	case x.Version == 0:
		r.warn("store", "nothing, if this is a new server: its tables are made at the first start", "the database is empty")
	default:
		r.ok("store", "PostgreSQL answers, epoch %d", x.Epoch)
		checkFound(x, m, r)
	}
}

// checkStore looks into the store's file.
func checkStore(ctx context.Context, o *serving, m machine, r *report) {
	file := filepath.Join(o.Data, storeName)
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		r.warn("store", "nothing, if this is a new server: it is made at the first start", "%s is missing", file)
		return
	}
	if err != nil {
		r.fail("store", "let the server's user read it", "%v", err)
		return
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && folderIsOpen(o.Data) {
		r.warn("store", "chmod 600 "+file, "others than the server's user read %s (%o)", file, mode)
	}
	x, err := sqlstore.Examine(ctx, file)
	switch {
	case errors.Is(err, sqlstore.ErrNewer):
		r.fail("schema", "run the newer version of lethe again", "%v", err)
		return
	case err != nil:
		r.fail("store", "restore a backup: lethe restore FILE --replace --data "+o.Data, "%s cannot be read: %v", file, err)
		return
	case len(x.Problems) > 0:
		r.fail("store", "restore a backup: lethe restore FILE --replace --data "+o.Data, "%s is damaged: %s", file, x.Problems[0])
	default:
		r.ok("store", "%s is whole, epoch %d", file, x.Epoch)
	}
	checkFound(x, m, r)
}

// checkFound looks at a store's version and times.
func checkFound(x sqlstore.Examination, m machine, r *report) {
	if x.Version < x.Schema {
		r.warn("schema", "back it up: the next start brings it up to date, and older versions then refuse it", "version %d, this program writes %d", x.Version, x.Schema)
	} else {
		r.ok("schema", "version %d", x.Version)
	}
	if late := time.UnixMilli(x.Newest).Sub(m.now()); late > lateClock {
		r.fail("clock", "set it, and keep it with NTP: new messages get the time of the newest until it has caught up",
			"it is %s behind the newest message", late.Round(time.Second))
	} else {
		r.ok("clock", "%s", m.now().UTC().Format(time.RFC3339))
	}
}

func folderIsOpen(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o077 != 0
}
