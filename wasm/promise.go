//go:build js && wasm

package main

import "syscall/js"

// promise runs work in a goroutine and returns a JavaScript Promise of its bytes, so that nothing that work waits for can
// block the event loop.
func promise(work func() []byte) js.Value {
	executor := js.FuncOf(func(_ js.Value, in []js.Value) any {
		resolve := in[0]
		go func() { resolve.Invoke(toJS(work())) }()
		return nil
	})
	// The Promise constructor runs the executor before it returns.
	defer executor.Release()
	return js.Global().Get("Promise").New(executor)
}

func toJS(b []byte) js.Value {
	array := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(array, b)
	return array
}

func toGo(array js.Value) []byte {
	b := make([]byte, array.Length())
	js.CopyBytesToGo(b, array)
	return b
}
