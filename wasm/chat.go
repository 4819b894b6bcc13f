//go:build js && wasm

package main

import (
	"context"
	"sync"
	"syscall/js"

	"github.com/lethe-im/lethe/idb"
	"github.com/lethe-im/lethe/sdk"
)

// chat is one sdk.Client as JavaScript holds it.
type chat struct {
	client *sdk.Client
	ctx    context.Context // ends with the program
	exit   context.CancelFunc
	calls  sync.WaitGroup // under way
}

func newChat(client *sdk.Client) *chat {
	ctx, exit := context.WithCancel(context.Background())
	return &chat{client: client, ctx: ctx, exit: exit}
}

// handOver gives JavaScript its two functions and returns when the program shall end: its calls have ended, and what the browser
// gave it is given back. A page goes on without it, and would keep all that.
func (c *chat) handOver(host js.Value) {
	call := js.FuncOf(func(_ js.Value, in []js.Value) any {
		name, args := in[0].String(), toGo(in[1])
		c.calls.Add(1)
		// Call turns every failure, panics included, into a reply with a code, so the Promise never rejects.
		return promise(func() []byte {
			defer c.calls.Done()
			return c.client.Call(c.ctx, name, args)
		})
	})
	defer call.Release()
	exit := js.FuncOf(func(js.Value, []js.Value) any {
		c.exit()
		return nil
	})
	defer exit.Release()
	host.Call("ready", map[string]any{"call": call, "exit": exit})
	<-c.ctx.Done()
	c.calls.Wait()
	_ = c.client.Close() // nobody is left to be told
	idb.Abandoned()
}
