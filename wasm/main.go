//go:build js && wasm

// Command wasm is the core as a browser runs it. It offers one call to JavaScript, name and MessagePack bytes in,
// MessagePack bytes out, and hands events back the same way; js/ makes the typed API of it.
package main

import (
	"os"
	"syscall/js"
	"time"

	"github.com/lethe-im/lethe/idb"
	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/ws"
)

func main() {
	// The loader sets the host object under a name of its own, since several cores may live in one page.
	host := js.Global().Get(os.Args[1])
	newChat(sdk.New(sdk.Options{
		OpenStore:   openStore,
		OpenKeyring: openKeyring,
		OpenReserve: openReserve,
		Dial:        ws.Dial,
		Tabs:        idb.Tabs{},
		Emit:        func(event string, data []byte) { host.Call("event", event, toJS(data)) },
		Yield:       func() { time.Sleep(time.Millisecond) }, // promises go on only when no goroutine does
	})).handOver(host)
}
