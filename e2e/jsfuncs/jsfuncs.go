//go:build js && wasm

// Package jsfuncs finds the js.Funcs that a piece of Go leaves unreleased, for tests.
package jsfuncs

import "syscall/js"

// Left runs fn and returns a func that counts those of the js.Funcs made in it that are not released. It finds them out
// by calling them without arguments, so call it when all is over.
func Left(fn func()) (left func() int) {
	var made []js.Value
	prototype := js.Global().Get("Go").Get("prototype")
	original := prototype.Get("_makeFuncWrapper")
	var hook js.Func
	hook = js.FuncOf(func(this js.Value, args []js.Value) any {
		wrapper := original.Call("call", this, args[0])
		made = append(made, wrapper)
		return wrapper
	})
	prototype.Set("_makeFuncWrapper", hook)
	fn()
	prototype.Set("_makeFuncWrapper", original)
	hook.Release()

	return func() int {
		// Go's own word for a func that was released.
		console := js.Global().Get("console")
		printed, released := console.Get("error"), 0
		silent := js.FuncOf(func(_ js.Value, args []js.Value) any {
			if len(args) > 0 && args[0].String() == "call to released function" {
				released++
			}
			return nil
		})
		console.Set("error", silent)
		for _, wrapper := range made {
			wrapper.Invoke()
		}
		console.Set("error", printed)
		silent.Release()
		return len(made) - released
	}
}
