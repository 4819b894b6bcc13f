//go:build js && wasm

package idb

import (
	"fmt"
	"syscall/js"
)

// One callback serves every event of every IndexedDB object, since each js.Func costs time to make and leaks if it is
// not released. An object that is listened to carries a number, under which its listener stands here. Callbacks run one
// at a time and Go code on one thread, so the map needs no lock.
var (
	listeners    = map[int]func(event string){}
	lastListener int
	dispatch     = js.FuncOf(func(this js.Value, args []js.Value) any {
		guard(func() {
			// What listens behind us is go-indexeddb, which would close the database at a version change too, and log it.
			args[0].Call("stopImmediatePropagation")
			if fn := listeners[this.Get(listenerNumber).Int()]; fn != nil {
				event := args[0].Get("type").String()
				if event == "versionchange" && args[0].Get("newVersion").IsNull() {
					event = deletion
				}
				fn(event)
			}
		})
		return nil
	})
)

// deletion is what listeners hear instead of a versionchange to no version.
const deletion = "deletion"

const listenerNumber = "letheListener"

// listen calls fn for the events of the object. fn must not wait.
func listen(object js.Value, fn func(event string), events ...string) (number int) {
	lastListener++
	listeners[lastListener] = fn
	object.Set(listenerNumber, lastListener)
	for _, event := range events {
		object.Set("on"+event, dispatch)
	}
	return lastListener
}

// unlisten ends it.
func unlisten(object js.Value) { delete(listeners, object.Get(listenerNumber).Int()) }

// tell calls somebody else's function on a goroutine of its own.
func tell(fn func()) {
	if fn != nil {
		go guard(fn)
	}
}

// guard runs fn; a panic becomes a line in the browser's console, where it would end the program.
func guard(fn func()) {
	if err := recovered(func() error { fn(); return nil }); err != nil {
		js.Global().Get("console").Call("error", "lethe: "+err.Error())
	}
}

// recovered runs fn and turns a panic into an error.
func recovered(fn func() error) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case error:
			err = fmt.Errorf("panic: %w", r)
		default:
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return fn()
}
