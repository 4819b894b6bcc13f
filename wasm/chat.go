//go:build js && wasm

package main

import (
	"context"
	"syscall/js"

	"github.com/lethe-im/lethe/sdk"
)

// chat is one sdk.Client as JavaScript holds it.
type chat struct {
	client *sdk.Client
	ctx    context.Context // ends with the program
	exit   context.CancelFunc
}

func newChat(client *sdk.Client) *chat {
	ctx, exit := context.WithCancel(context.Background())
	return &chat{client, ctx, exit}
}

// handOver gives JavaScript its two functions and returns when the program shall end.
func (c *chat) handOver(host js.Value) {
	call := js.FuncOf(func(_ js.Value, in []js.Value) any {
		name, args := in[0].String(), toGo(in[1])
		// Call turns every failure, panics included, into a reply with a code, so the Promise never rejects.
		return promise(func() []byte { return c.client.Call(c.ctx, name, args) })
	})
	defer call.Release()
	exit := js.FuncOf(func(js.Value, []js.Value) any {
		c.exit()
		return nil
	})
	defer exit.Release()
	host.Call("ready", map[string]any{"call": call, "exit": exit})
	<-c.ctx.Done()
}
