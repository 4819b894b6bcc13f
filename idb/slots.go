//go:build js && wasm

package idb

import (
	"fmt"
	"sync"
	"syscall/js"

	"github.com/lethe-im/lethe/sdk/keyring"
)

// keys is one piece of work on a ring.
type keys struct {
	ring   *ring
	handle js.Value // FileSystemSyncAccessHandle
	write  bool
	letGo  func() // gives the lock back; nil if it was not taken
	over   bool   // ended
}

// Read implements keyring.Keys.
func (k *keys) Read(run keyring.Run) ([]byte, error) {
	if err := k.usable(run); err != nil {
		return nil, err
	}
	slots := make([]byte, int(run.N)*keyring.SlotSize)
	if err := read(k.handle, int(run.From)*keyring.SlotSize, slots); err != nil {
		return nil, k.failed("read", err)
	}
	return slots, nil
}

// Write implements keyring.Keys.
func (k *keys) Write(run keyring.Run, slots []byte) error {
	if err := k.usable(run); err != nil {
		return err
	}
	if !k.write {
		return keyring.ErrReadOnly
	}
	if len(slots) != int(run.N)*keyring.SlotSize {
		return keyring.ErrRange
	}
	if err := write(k.handle, int(run.From)*keyring.SlotSize, slots); err != nil {
		return k.failed("write", err)
	}
	return nil
}

// Flush implements keyring.Keys.
func (k *keys) Flush() error {
	if err := k.usable(keyring.Run{}); err != nil {
		return err
	}
	if err := try(func() { k.handle.Call("flush") }); err != nil {
		return k.failed("flush", err)
	}
	return nil
}

// End implements keyring.Keys.
func (k *keys) End() {
	if k.over {
		return
	}
	k.over = true
	if !k.ring.shared && k.handle.Truthy() {
		k.handle.Call("close") // before the lock is given back: the next one could not open the file
	}
	if k.letGo != nil {
		k.letGo()
	}
}

func (k *keys) usable(run keyring.Run) error {
	if run.N > keyring.MaxSlots || run.From > keyring.MaxSlots-run.N {
		return keyring.ErrRange
	}
	if k.over {
		return fmt.Errorf("%w: this work has ended", keyring.ErrReadOnly)
	}
	return k.ring.ended()
}

// failed is what an operation's error means. A handle that died is not used again.
func (k *keys) failed(operation string, err error) error {
	if isNamed(err, invalidState) {
		k.ring.forget(k.handle)
	}
	return fmt.Errorf("idb: %s the keyring: %w", operation, keyringError(err))
}

// transfer is what bytes go through between Go and a handle, made once: crossings are most of what a small write costs.
var transfer struct {
	sync.Mutex          // a garbage collection may let another goroutine run in the midst of a call
	buffer     js.Value // Uint8Array
	view       js.Value // the front of buffer, as long as it was last needed
	length     int      // of view
	position   js.Value // {at: number}
}

// transferred is how many bytes go through at a time: all the slots of a million messages.
const transferred = 128 << 10

// front is the first n bytes of the buffer, and the options that say where in the file they belong. The transfer is locked.
func front(n, at int) (view, position js.Value) {
	if transfer.buffer.IsUndefined() {
		transfer.buffer = uint8Array.New(transferred)
		transfer.position = js.Global().Get("Object").New()
	}
	if transfer.length != n {
		transfer.view, transfer.length = transfer.buffer.Call("subarray", 0, n), n
	}
	transfer.position.Set("at", at)
	return transfer.view, transfer.position
}

// read fills slots with the file's bytes from a position on; behind the file's end there are zeros.
func read(handle js.Value, at int, slots []byte) error {
	transfer.Lock()
	defer transfer.Unlock()
	for len(slots) > 0 {
		view, position := front(min(len(slots), transferred), at)
		got := 0
		if err := try(func() { got = handle.Call("read", view, position).Int() }); err != nil {
			return err
		}
		if got == 0 {
			return nil
		}
		js.CopyBytesToGo(slots[:got], view)
		slots, at = slots[got:], at+got
	}
	return nil
}

// write writes all of slots, however little the browser takes at a time.
func write(handle js.Value, at int, slots []byte) error {
	transfer.Lock()
	defer transfer.Unlock()
	for len(slots) > 0 {
		n := min(len(slots), transferred)
		view, position := front(n, at)
		js.CopyBytesToJS(view, slots[:n])
		put := 0
		if err := try(func() { put = handle.Call("write", view, position).Int() }); err != nil {
			return err
		}
		if put == 0 {
			return fmt.Errorf("%w: nothing was written", keyring.ErrFull)
		}
		slots, at = slots[put:], at+put
	}
	return nil
}

// overwrite puts zeros over all of the file, and returns when they are on the disk.
func overwrite(handle js.Value) error {
	size := 0
	if err := try(func() { size = handle.Call("getSize").Int() }); err != nil {
		return keyringError(err)
	}
	zeros := make([]byte, transferred)
	for at := 0; at < size; at += transferred {
		if err := write(handle, at, zeros[:min(transferred, size-at)]); err != nil {
			return keyringError(err)
		}
	}
	return keyringError(try(func() { handle.Call("flush") }))
}
