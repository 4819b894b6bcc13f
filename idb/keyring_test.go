//go:build js && wasm

package idb

import (
	"bytes"
	"context"
	"runtime"
	"syscall/js"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/e2e/jsfuncs"
	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/keyring/keyringtest"
)

// modes are the two ways to have a keyring: with one handle a tab, and with one a piece of work.
var modes = map[string]bool{"shared": true, "exclusive": false}

func openRing(t testing.TB, name string, shared bool) *ring {
	t.Helper()
	file, err := openKeyring(background, name, shared)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	return file.(*ring)
}

func freshRing(shared bool) func(t *testing.T) func() keyring.File {
	return func(t *testing.T) func() keyring.File {
		name := newName()
		return func() keyring.File { return openRing(t, name, shared) }
	}
}

func TestKeyringContract(t *testing.T) {
	for mode, shared := range modes {
		t.Run(mode, func(t *testing.T) { keyringtest.Contract(t, freshRing(shared)) })
	}
	keyringtest.Shared(t, freshRing(true))
}

// inBothModes runs a test in each mode, on two files of one keyring that holds eight slots of ones.
func inBothModes(t *testing.T, test func(t *testing.T, one, other *ring)) {
	for mode, shared := range modes {
		t.Run(mode, func(t *testing.T) {
			one := openRing(t, newName(), shared)
			other := openRing(t, one.name, shared)
			require.NoError(t, fill(one, 8, 1))
			test(t, one, other)
			require.NoError(t, one.Destroy(background))
		})
	}
}

// fill writes n slots of one byte.
func fill(r *ring, n int, b byte) error {
	keys, err := r.Begin(background, true)
	if err != nil {
		return err
	}
	defer keys.End()
	return keys.Write(keyring.Run{N: uint32(n)}, bytes.Repeat([]byte{b}, n*keyring.SlotSize))
}

// content is what the file holds, as seen from outside: by getFile.
func content(t *testing.T, r *ring) ([]byte, error) {
	t.Helper()
	entry, err := settled(background, r.directory.Call("getFileHandle", r.file))
	if err != nil {
		return nil, err
	}
	file, err := settled(background, entry.Call("getFile"))
	require.NoError(t, err)
	buffer, err := settled(background, file.Call("arrayBuffer"))
	require.NoError(t, err)
	return bytesOf(uint8Array.New(buffer)), nil
}

func TestKeyringSharesWhereItCan(t *testing.T) {
	name := newName()
	r := openRing(t, name, shares())
	require.True(t, r.shared)
	require.NoError(t, r.Destroy(background))

	// A browser that takes no notice of modes.
	replace(t, "FileSystemFileHandle", "createSyncAccessHandle", func(this js.Value, _ []js.Value, original js.Value) any {
		return original.Call("call", this)
	})
	r = openRing(t, name, true)
	require.False(t, r.shared)
	other := openRing(t, name, true)
	require.NoError(t, fill(r, 2, 1))
	require.NoError(t, fill(other, 1, 2))
	require.NoError(t, other.Destroy(background))
}

func TestKeyringUnavailable(t *testing.T) {
	refused := func() {
		t.Helper()
		_, err := OpenKeyring(background, newName())
		require.ErrorIs(t, err, keyring.ErrUnavailable)
	}
	if js.Global().Get("document").Truthy() { // a page, not a worker
		refused()
		return
	}
	before := runtime.NumGoroutine()
	left := jsfuncs.Left(func() {
		for _, missing := range []struct {
			object js.Value
			name   string
		}{
			{js.Global(), "FileSystemSyncAccessHandle"}, {navigator("storage"), "getDirectory"},
			{js.Global().Get("navigator"), "storage"}, {js.Global().Get("navigator"), "locks"},
		} {
			define := func(descriptor any) {
				js.Global().Get("Object").Call("defineProperty", missing.object, missing.name, descriptor)
			}
			was := js.Global().Get("Object").Call("getOwnPropertyDescriptor", missing.object, missing.name)
			define(map[string]any{"value": js.Undefined(), "configurable": true})
			refused()
			missing.object.Delete(missing.name)
			if was.Truthy() {
				define(was)
			}
		}
	})
	require.Zero(t, left())
	replace(t, "StorageManager", "getDirectory", func(js.Value, []js.Value, js.Value) any {
		return js.Global().Get("Promise").Call("reject", domException("SecurityError", "a private window"))
	})
	refused()
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
}

func TestKeyringLeavesNothingBehind(t *testing.T) {
	for _, shared := range modes {
		before, name := runtime.NumGoroutine(), newName()
		left := jsfuncs.Left(func() {
			file, err := openKeyring(background, name, shared)
			require.NoError(t, err)
			r := file.(*ring)
			for i := range 20 {
				require.NoError(t, fill(r, 2, byte(i)))
				keys, err := r.Begin(background, false)
				require.NoError(t, err)
				_, err = keys.Read(keyring.Run{N: 3})
				require.NoError(t, err)
				keys.End()
			}
			require.NoError(t, r.Destroy(background))
			ctx, cancel := context.WithCancel(background)
			cancel()
			_, err = openKeyring(ctx, name, shared)
			require.ErrorIs(t, err, context.Canceled)

			// What was let go without waiting is over when the next one has had it.
			for _, name := range []string{r.openLock(), r.workLock()} {
				alone(t, name)()
			}
			_, err = settled(background, navigator("storage").Call("getDirectory"))
			require.NoError(t, err)
			require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 2*time.Second, 5*time.Millisecond,
				"goroutines left, beside the one that counts")
		})
		require.Zero(t, left())
	}
}

// TestKeyringFileComesLate: when a tab dies, its lock may be given back before its handle.
func TestKeyringFileComesLate(t *testing.T) {
	r := openRing(t, newName(), false)
	refusals := 3
	replace(t, "FileSystemFileHandle", "createSyncAccessHandle", func(this js.Value, args []js.Value, original js.Value) any {
		if refusals--; refusals >= 0 {
			return js.Global().Get("Promise").Call("reject", domException("NoModificationAllowedError", "as if"))
		}
		return original.Call("call", this, args[0])
	})
	require.NoError(t, fill(r, 1, 1))
	refusals = 1000
	require.ErrorContains(t, fill(r, 1, 2), "NoModificationAllowedError")
	require.Positive(t, refusals)
	refusals = 0
	require.NoError(t, r.Destroy(background))
}

// TestKeyringHandleDies: what was under way fails, and the next piece of work opens the file again, but never makes it anew.
func TestKeyringHandleDies(t *testing.T) {
	r := openRing(t, newName(), true)
	require.NoError(t, fill(r, 1, 1))
	for range 2 {
		keys, err := r.Begin(background, true)
		require.NoError(t, err)
		r.handle.Call("close")
		_, err = keys.Read(keyring.Run{N: 1})
		require.ErrorIs(t, err, keyring.ErrLost)
		require.ErrorIs(t, keys.Write(keyring.Run{N: 1}, make([]byte, 32)), keyring.ErrLost)
		require.ErrorIs(t, keys.Flush(), keyring.ErrLost)
		keys.End()
		results := make(chan error, 10)
		for range cap(results) {
			go func() { results <- fill(r, 1, 2) }()
		}
		for range cap(results) {
			require.NoError(t, <-results)
		}
	}
	r.handle.Call("close")
	_, err := settled(background, r.directory.Call("removeEntry", r.file))
	require.NoError(t, err)
	require.ErrorIs(t, fill(r, 1, 3), keyring.ErrLost)
	require.ErrorIs(t, fill(r, 1, 3), keyring.ErrLost)
	_, err = content(t, r)
	require.ErrorContains(t, err, "NotFoundError")
}

// throwing is a JavaScript function that throws a DOMException.
func throwing(name string) js.Value {
	return js.Global().Get("Function").New("throw new DOMException('as if', '" + name + "')")
}

func TestKeyringFull(t *testing.T) {
	inBothModes(t, func(t *testing.T, one, other *ring) {
		prototype := js.Global().Get("FileSystemSyncAccessHandle").Get("prototype")
		original := prototype.Get("write")
		prototype.Set("write", throwing("QuotaExceededError"))
		err := fill(one, 1, 2)
		prototype.Set("write", js.Global().Get("Function").New("return 0"))
		errNothing := fill(one, 1, 2)
		prototype.Set("write", original)
		require.ErrorIs(t, err, keyring.ErrFull)
		require.ErrorIs(t, errNothing, keyring.ErrFull)
		require.NoError(t, fill(other, 1, 2), "nothing is left locked")
	})
}

func TestKeyringShortWrites(t *testing.T) {
	r := openRing(t, newName(), true)
	replace(t, "FileSystemSyncAccessHandle", "write", func(this js.Value, args []js.Value, original js.Value) any {
		return original.Call("call", this, args[0].Call("subarray", 0, (args[0].Length()+2)/3), args[1])
	})
	replace(t, "FileSystemSyncAccessHandle", "read", func(this js.Value, args []js.Value, original js.Value) any {
		return original.Call("call", this, args[0].Call("subarray", 0, (args[0].Length()+1)/2), args[1])
	})
	keys, err := r.Begin(background, true)
	require.NoError(t, err)
	slots := make([]byte, 5000*keyring.SlotSize)
	for i := range slots {
		slots[i] = byte(i * 7)
	}
	require.NoError(t, keys.Write(keyring.Run{From: 1, N: 5000}, slots))
	got, err := keys.Read(keyring.Run{From: 1, N: 5001})
	keys.End()
	require.NoError(t, err)
	require.True(t, bytes.Equal(append(slots, make([]byte, keyring.SlotSize)...), got))
	require.NoError(t, r.Destroy(background))
}

// TestKeyringClosesWhileAnotherWrites: the browser does not read a file that has been written to in a later second than it was
// asked for in. That says nothing about whose the handle is, and one that were left open would keep the file from being removed.
func TestKeyringClosesWhileAnotherWrites(t *testing.T) {
	one := openRing(t, newName(), true)
	other := openRing(t, one.name, true)
	require.NoError(t, fill(one, 8, 1))
	prototype := js.Global().Get("FileSystemFileHandle").Get("prototype")
	original := prototype.Get("getFile")
	hook := js.Global().Get("Function").New("original", "handle", `
		const hook = async function() {
			const file = await original.call(this);
			if (hook.calls++ === 0) {
				await new Promise(done => setTimeout(done, 2000));
				handle.write(new Uint8Array(32).fill(2), {at: 32});
				handle.flush();
			}
			return file;
		};
		hook.calls = 0;
		return hook;
	`).Invoke(original, other.handle)
	prototype.Set("getFile", hook)
	err := one.Close()
	prototype.Set("getFile", original)
	require.NoError(t, err)
	require.Equal(t, 2, hook.Get("calls").Int(), "the first look failed")
	require.NoError(t, other.Destroy(background))
	_, err = content(t, other)
	require.ErrorContains(t, err, "NotFoundError")
}

// TestKeyringStands: a handle on another file is known, also where the file of that name has no key yet.
func TestKeyringStands(t *testing.T) {
	one, other, fresh := openRing(t, newName(), true), openRing(t, newName(), true), openRing(t, newName(), true)
	require.NoError(t, fill(one, 8, 1))
	require.NoError(t, fill(other, 8, 2))
	for _, r := range []*ring{one, other, fresh} {
		for _, handle := range []*ring{one, other, fresh} {
			require.Equal(t, r == handle, r.stands(handle.handle))
		}
	}
	for _, r := range []*ring{one, other, fresh} {
		require.NoError(t, r.Destroy(background))
	}
}
