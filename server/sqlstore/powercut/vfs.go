package powercut

import (
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// The shim: SQLite's own VFS for Unix does the work, and what it is told to write, sync, cut and delete is noted on the way.
// A file of ours is this header with the file of that VFS behind it.
type header struct {
	methods uintptr
	token   uintptr
}

const headerSize = 16

var (
	mu    sync.Mutex
	next  uintptr
	disks = map[uintptr]*Disk{} // by the VFS's pAppData
	files = map[uintptr]*file{} // by the header's token

	unix    uintptr // the VFS that does the work
	methods *sqlite3.Tsqlite3_io_methods
)

// file is an open file: whose it is, and which inode.
type file struct {
	disk  *Disk
	inode int
}

// at makes a pointer of an address in SQLite's memory, which Go's collector neither moves nor frees.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// address is what SQLite calls a Go function by. Top-level functions only: nothing keeps a closure alive.
func address[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// function is the Go function that SQLite calls by an address.
func function[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&address)) }

func register(tls *libc.TLS, d *Disk, name string) error {
	mu.Lock()
	defer mu.Unlock()
	if unix == 0 {
		if unix = sqlite3.Xsqlite3_vfs_find(tls, 0); unix == 0 {
			return errNoVFS
		}
		methods = &sqlite3.Tsqlite3_io_methods{
			FiVersion: 2, // without mapping the database into memory
			FxClose:   address(xClose), FxRead: address(xRead), FxWrite: address(xWrite), FxTruncate: address(xTruncate),
			FxSync: address(xSync), FxFileSize: address(xFileSize), FxLock: address(xLock), FxUnlock: address(xUnlock),
			FxCheckReservedLock: address(xCheckReservedLock), FxFileControl: address(xFileControl),
			FxSectorSize: address(xSectorSize), FxDeviceCharacteristics: address(xDeviceCharacteristics),
			FxShmMap: address(xShmMap), FxShmLock: address(xShmLock), FxShmBarrier: address(xShmBarrier), FxShmUnmap: address(xShmUnmap),
		}
	}
	cname, err := libc.CString(name)
	if err != nil {
		return err
	}
	vfs := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	v := at[sqlite3.Tsqlite3_vfs](vfs)
	*v = *at[sqlite3.Tsqlite3_vfs](unix)
	next++
	disks[next] = d
	v.FpNext, v.FzName, v.FpAppData = 0, cname, next
	v.FszOsFile += headerSize
	v.FxOpen, v.FxDelete = address(xOpen), address(xDelete)
	if rc := sqlite3.Xsqlite3_vfs_register(tls, vfs, 0); rc != sqlite3.SQLITE_OK {
		return errNoVFS
	}
	return nil
}

func diskOf(vfs uintptr) *Disk {
	mu.Lock()
	defer mu.Unlock()
	return disks[at[sqlite3.Tsqlite3_vfs](vfs).FpAppData]
}

func fileOf(p uintptr) *file {
	mu.Lock()
	defer mu.Unlock()
	return files[at[header](p).token]
}

func xOpen(tls *libc.TLS, vfs, name, p uintptr, flags int32, outFlags uintptr) int32 {
	open := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](at[sqlite3.Tsqlite3_vfs](unix).FxOpen)
	at[header](p).methods = 0
	d := diskOf(vfs)
	path := ""
	if name != 0 {
		path = libc.GoString(name)
	}
	f := &file{disk: d, inode: -1}
	rc := d.open(path, flags&sqlite3.SQLITE_OPEN_CREATE != 0, flags&(sqlite3.SQLITE_OPEN_WAL|sqlite3.SQLITE_OPEN_MAIN_JOURNAL) != 0, &f.inode, func() int32 {
		return open(tls, unix, name, p+headerSize, flags, outFlags)
	})
	// Even after a failure SQLite asks for xClose where the inner VFS has set its methods.
	if at[header](p+headerSize).methods == 0 {
		return rc
	}
	if rc != sqlite3.SQLITE_OK {
		inner(p).close(tls, p)
		return rc
	}
	mu.Lock()
	defer mu.Unlock()
	next++
	files[next] = f
	*at[header](p) = header{methods: uintptr(unsafe.Pointer(methods)), token: next}
	return rc
}

func xDelete(tls *libc.TLS, vfs, name uintptr, syncFolder int32) int32 {
	remove := function[func(*libc.TLS, uintptr, uintptr, int32) int32](at[sqlite3.Tsqlite3_vfs](unix).FxDelete)
	return diskOf(vfs).remove(libc.GoString(name), syncFolder != 0, func() int32 { return remove(tls, unix, name, syncFolder) })
}

func xClose(tls *libc.TLS, p uintptr) int32 {
	mu.Lock()
	delete(files, at[header](p).token)
	mu.Unlock()
	return inner(p).close(tls, p)
}

func xWrite(tls *libc.TLS, p, data uintptr, n int32, offset int64) int32 {
	write := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](inner(p).FxWrite)
	content := append([]byte(nil), unsafe.Slice(at[byte](data), n)...)
	return fileOf(p).write(content, offset, func(n int32) int32 { return write(tls, p+headerSize, data, n, offset) })
}

func xTruncate(tls *libc.TLS, p uintptr, size int64) int32 {
	truncate := function[func(*libc.TLS, uintptr, int64) int32](inner(p).FxTruncate)
	return fileOf(p).truncate(size, func() int32 { return truncate(tls, p+headerSize, size) })
}

func xSync(tls *libc.TLS, p uintptr, flags int32) int32 {
	sync := function[func(*libc.TLS, uintptr, int32) int32](inner(p).FxSync)
	return fileOf(p).sync(func() int32 { return sync(tls, p+headerSize, flags) })
}

// innerMethods are what the VFS for Unix does with one of its files.
type innerMethods struct{ *sqlite3.Tsqlite3_io_methods }

func inner(p uintptr) innerMethods {
	return innerMethods{at[sqlite3.Tsqlite3_io_methods](at[header](p + headerSize).methods)}
}

func (m innerMethods) close(tls *libc.TLS, p uintptr) int32 {
	return function[func(*libc.TLS, uintptr) int32](m.FxClose)(tls, p+headerSize)
}

// The rest changes nothing on the disk.

func xRead(tls *libc.TLS, p, data uintptr, n int32, offset int64) int32 {
	return function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](inner(p).FxRead)(tls, p+headerSize, data, n, offset)
}

func xFileSize(tls *libc.TLS, p, size uintptr) int32 {
	return function[func(*libc.TLS, uintptr, uintptr) int32](inner(p).FxFileSize)(tls, p+headerSize, size)
}

func xLock(tls *libc.TLS, p uintptr, kind int32) int32 {
	return function[func(*libc.TLS, uintptr, int32) int32](inner(p).FxLock)(tls, p+headerSize, kind)
}

func xUnlock(tls *libc.TLS, p uintptr, kind int32) int32 {
	return function[func(*libc.TLS, uintptr, int32) int32](inner(p).FxUnlock)(tls, p+headerSize, kind)
}

func xCheckReservedLock(tls *libc.TLS, p, out uintptr) int32 {
	return function[func(*libc.TLS, uintptr, uintptr) int32](inner(p).FxCheckReservedLock)(tls, p+headerSize, out)
}

func xFileControl(tls *libc.TLS, p uintptr, op int32, arg uintptr) int32 {
	return function[func(*libc.TLS, uintptr, int32, uintptr) int32](inner(p).FxFileControl)(tls, p+headerSize, op, arg)
}

func xSectorSize(tls *libc.TLS, p uintptr) int32 {
	return function[func(*libc.TLS, uintptr) int32](inner(p).FxSectorSize)(tls, p+headerSize)
}

// xDeviceCharacteristics promises what the real VFS does: that a write, cut short or not, leaves the bytes around it alone.
func xDeviceCharacteristics(tls *libc.TLS, p uintptr) int32 {
	return function[func(*libc.TLS, uintptr) int32](inner(p).FxDeviceCharacteristics)(tls, p+headerSize)
}

func xShmMap(tls *libc.TLS, p uintptr, page, size, extend int32, out uintptr) int32 {
	return function[func(*libc.TLS, uintptr, int32, int32, int32, uintptr) int32](inner(p).FxShmMap)(tls, p+headerSize, page, size, extend, out)
}

func xShmLock(tls *libc.TLS, p uintptr, offset, n, flags int32) int32 {
	return function[func(*libc.TLS, uintptr, int32, int32, int32) int32](inner(p).FxShmLock)(tls, p+headerSize, offset, n, flags)
}

func xShmBarrier(tls *libc.TLS, p uintptr) {
	function[func(*libc.TLS, uintptr)](inner(p).FxShmBarrier)(tls, p+headerSize)
}

func xShmUnmap(tls *libc.TLS, p uintptr, remove int32) int32 {
	return function[func(*libc.TLS, uintptr, int32) int32](inner(p).FxShmUnmap)(tls, p+headerSize, remove)
}
