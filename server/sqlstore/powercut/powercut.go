// Package powercut is a disk for SQLite whose power fails. It notes every write, sync, truncation, creation and removal of the
// real files, and makes of the notes, for any moment, the files as a power cut then might have left them: all that was synced,
// and of the rest nothing, everything, or any part, the last write torn. It also has steps fail, as a full or broken disk does.
package powercut

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/lethe-im/lethe/fault"
)

var errNoVFS = errors.New("powercut: SQLite takes no VFS")

// ErrFull is a full disk: a write fails with SQLITE_FULL. With any other error a step fails with SQLITE_IOERR.
var ErrFull = errors.New("the disk is full")

// Disk is a folder that SQLite uses by the VFS Name. Steps are writes, syncs, truncations, creations and removals of files.
type Disk struct {
	Name   string
	Folder string
	Steps  *fault.Counter

	mu     sync.Mutex
	events []event
	inodes int
	names  map[string]int // the inode that has a name now
	wal    map[int]bool   // inodes whose first sync syncs the folder too, as SQLite's VFS for Unix does
}

// event is one thing that happened to the disk.
type event struct {
	kind   kind
	inode  int
	name   string
	offset int64 // of a write; the size of a truncation
	data   []byte
	lost   bool // a sync that failed: the kernel has given up what it was to write
	folder bool // a sync of the folder too
}

type kind uint8

const (
	create kind = iota
	remove
	write
	truncate
	syncs
)

var made atomic.Int64

// New makes a disk of an empty folder.
func New(folder string) (*Disk, error) {
	d := &Disk{
		Name: fmt.Sprintf("powercut%d", made.Add(1)), Folder: folder, Steps: &fault.Counter{},
		names: map[string]int{}, wal: map[int]bool{},
	}
	tls := libc.NewTLS()
	defer tls.Close()
	return d, register(tls, d, d.Name)
}

// Moment is how much has happened.
func (d *Disk) Moment() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.events)
}

// step runs a step of SQLite's, with its fault. A torn one takes effect by half.
func (d *Disk) step(code int32, do, half func() int32) (rc int32) {
	err := d.Steps.Tear(func() error { return failed(do(), &rc) }, func() error { return failed(half(), &rc) })
	switch {
	case err == nil || rc != sqlite3.SQLITE_OK:
		return rc
	case errors.Is(err, ErrFull) && code == sqlite3.SQLITE_IOERR_WRITE:
		return sqlite3.SQLITE_FULL
	default:
		return code
	}
}

// failed is a result code as an error.
func failed(code int32, rc *int32) error {
	if *rc = code; code != sqlite3.SQLITE_OK {
		return fmt.Errorf("SQLite's VFS says %d", code)
	}
	return nil
}

func nothing() int32 { return sqlite3.SQLITE_OK }

func (d *Disk) open(path string, creates, wal bool, inode *int, do func() int32) int32 {
	if path == "" || filepath.Dir(path) != d.Folder {
		return do()
	}
	name := filepath.Base(path)
	d.mu.Lock()
	defer d.mu.Unlock()
	known, ok := d.names[name]
	if ok {
		*inode = known
		return do()
	}
	if !creates {
		return do()
	}
	return d.step(sqlite3.SQLITE_CANTOPEN, func() int32 {
		rc := do()
		if rc == sqlite3.SQLITE_OK {
			*inode = d.inodes
			d.inodes++
			d.names[name], d.wal[*inode] = *inode, wal
			d.events = append(d.events, event{kind: create, inode: *inode, name: name})
		}
		return rc
	}, nothing)
}

func (d *Disk) remove(path string, syncFolder bool, do func() int32) int32 {
	name := filepath.Base(path)
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.names[name]; !ok {
		return do()
	}
	return d.step(sqlite3.SQLITE_IOERR_DELETE, func() int32 {
		rc := do()
		if rc == sqlite3.SQLITE_OK {
			delete(d.names, name)
			d.events = append(d.events, event{kind: remove, name: name, folder: syncFolder})
		}
		return rc
	}, nothing)
}

func (f *file) write(data []byte, offset int64, do func(n int32) int32) int32 {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	part := func(n int) func() int32 {
		return func() int32 {
			rc := do(int32(n))
			if rc == sqlite3.SQLITE_OK {
				d.events = append(d.events, event{kind: write, inode: f.inode, offset: offset, data: data[:n]})
			}
			return rc
		}
	}
	return d.step(sqlite3.SQLITE_IOERR_WRITE, part(len(data)), part(len(data)/2))
}

func (f *file) truncate(size int64, do func() int32) int32 {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.step(sqlite3.SQLITE_IOERR_TRUNCATE, func() int32 {
		rc := do()
		if rc == sqlite3.SQLITE_OK {
			d.events = append(d.events, event{kind: truncate, inode: f.inode, offset: size})
		}
		return rc
	}, nothing)
}

func (f *file) sync(do func() int32) int32 {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	synced := false
	rc := d.step(sqlite3.SQLITE_IOERR_FSYNC, func() int32 {
		rc := do()
		synced = rc == sqlite3.SQLITE_OK
		return rc
	}, nothing)
	d.events = append(d.events, event{kind: syncs, inode: f.inode, lost: !synced, folder: synced && d.wal[f.inode]})
	if synced {
		d.wal[f.inode] = false
	}
	return rc
}

// Cut says what a power cut leaves of what was not synced.
type Cut uint8

// The cuts.
const (
	Nothing    Cut = iota
	Everything     // as when the server dies and the machine does not
	Anything       // any of the writes and names, the last of them torn
)

// Leave makes, in an empty folder, the files as a power cut at a moment might have left them.
func (d *Disk) Leave(folder string, moment int, cut Cut, random *rand.Rand) error {
	d.mu.Lock()
	events := d.events[:moment]
	d.mu.Unlock()
	inodes := map[int]*inode{}
	lasting, current := map[string]int{}, map[string]int{}
	of := func(n int) *inode {
		if inodes[n] == nil {
			inodes[n] = &inode{}
		}
		return inodes[n]
	}
	for _, e := range events {
		switch e.kind {
		case create:
			current[e.name] = e.inode
		case remove:
			delete(current, e.name)
		case write, truncate:
			of(e.inode).changes = append(of(e.inode).changes, change{event: e})
		case syncs:
			of(e.inode).settle(e.lost)
		}
		if e.folder {
			lasting = map[string]int{}
			for name, n := range current {
				lasting[name] = n
			}
		}
	}
	names := map[string]bool{}
	for _, m := range []map[string]int{lasting, current} {
		for name := range m {
			names[name] = true
		}
	}
	for name := range names {
		n, ok := lasting[name]
		if cut == Everything || cut == Anything && random.IntN(2) == 0 {
			n, ok = current[name]
		}
		if !ok {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name), of(n).content(cut, random), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// inode is a file's content as a list of what was done to it.
type inode struct{ changes []change }

type change struct {
	event
	synced, lost bool
}

// settle is a sync: what was written is on the disk, or, where it failed, will never be written by a later one.
func (i *inode) settle(failed bool) {
	for c := range i.changes {
		if change := &i.changes[c]; !change.synced && !change.lost {
			change.synced, change.lost = !failed, failed
		}
	}
}

func (i *inode) content(cut Cut, random *rand.Rand) (content []byte) {
	for n, c := range i.changes {
		if !c.synced && (cut == Nothing || cut == Anything && random.IntN(2) == 0) {
			continue
		}
		data := c.data
		if !c.synced && cut == Anything && (n == len(i.changes)-1 || random.IntN(8) == 0) && len(data) > 0 {
			data = data[:random.IntN(len(data))]
		}
		size := c.offset + int64(len(data))
		switch {
		case c.kind == truncate && size < int64(len(content)):
			content = content[:size]
		case size > int64(len(content)):
			content = append(content, make([]byte, size-int64(len(content)))...)
		}
		copy(content[c.offset:], data)
	}
	return content
}
