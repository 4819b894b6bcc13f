//go:build js && wasm

package idb

import (
	"context"
	"sync"
	"syscall/js"

	"github.com/lethe-im/lethe/sdk/tabs"
)

// Tabs is what tabs of one origin need of the browser beside the database: Web Locks, which the browser takes from a tab that
// dies, and a BroadcastChannel. A tab is any page or worker.
//
// Without Web Locks (a page that is no secure context) nothing is locked, and nobody holds anything: transactions still keep single
// steps apart, and what needs more must not rely on a second tab being kept out.
type Tabs struct{}

// Join implements tabs.Tabs. Where the browser has no BroadcastChannel nothing is heard.
func (Tabs) Join(name string, heard func(tabs.Poke)) (poke func(tabs.Poke), leave func()) {
	channel := NewChannel(name)
	channel.OnPoke(heard)
	return channel.Post, channel.Close
}

// Hold implements tabs.Tabs.
func (Tabs) Hold(ctx context.Context, name string) (release func(), err error) {
	letGo, over, err := lock(ctx, name, "shared", tabs.Wait)
	if err != nil {
		return nil, err
	}
	return func() {
		letGo()
		<-over
	}, nil
}

// Lock implements tabs.Tabs.
func (Tabs) Lock(ctx context.Context, name string, mode tabs.Mode) (*tabs.Lease, error) {
	letGo, over, err := lock(ctx, name, "exclusive", mode)
	if err != nil {
		return nil, err
	}
	return &tabs.Lease{Over: over, Release: letGo}, nil
}

// Held implements tabs.Tabs.
func (Tabs) Held(ctx context.Context, name string) (bool, error) {
	locks := navigator("locks")
	if !locks.Truthy() {
		return false, nil
	}
	state, err := settled(ctx, locks.Call("query"))
	if err != nil {
		return false, err
	}
	held := state.Get("held")
	for i := range held.Length() {
		if held.Index(i).Get("name").String() == name {
			return true, nil
		}
	}
	return false, nil
}

// Channel is a BroadcastChannel for pokes.
type Channel struct {
	object js.Value // BroadcastChannel

	mu       sync.Mutex
	callback js.Func
	closed   bool
}

// NewChannel opens the channel of that name.
func NewChannel(name string) *Channel {
	c := &Channel{}
	if constructor := js.Global().Get("BroadcastChannel"); constructor.Truthy() {
		c.object = constructor.New(name)
	}
	return c
}

// Post pokes the others, not this Channel itself.
func (c *Channel) Post(p tabs.Poke) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.object.Truthy() && !c.closed {
		c.object.Call("postMessage", int(p))
	}
}

// OnPoke has fn called for each poke. It must not wait.
func (c *Channel) OnPoke(fn func(tabs.Poke)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.object.Truthy() || c.closed {
		return
	}
	c.callback = js.FuncOf(func(_ js.Value, args []js.Value) any {
		poke := tabs.Changed
		if data := args[0].Get("data"); data.Type() == js.TypeNumber { // tabs of before post null
			poke = tabs.Poke(data.Int())
		}
		guard(func() { fn(poke) })
		return nil
	})
	c.object.Set("onmessage", c.callback)
}

// Close ends it.
func (c *Channel) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.object.Truthy() || c.closed {
		return
	}
	c.closed = true
	c.object.Set("onmessage", js.Null())
	c.object.Call("close")
	c.callback.Release()
}

// lock asks for a Web Lock, which is taken before a transaction, never inside one. letGo gives it back and does not wait; it may
// be called twice. When the browser has it back, or another tab has stolen it, over is closed.
func lock(ctx context.Context, name, kind string, mode tabs.Mode) (letGo func(), over <-chan struct{}, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, context.Cause(ctx)
	}
	released := make(chan struct{})
	locks := navigator("locks")
	if !locks.Truthy() {
		return sync.OnceFunc(func() { close(released) }), released, nil
	}
	// The lock is held until the promise that the callback returns is settled.
	var resolve js.Value
	executor := js.FuncOf(func(_ js.Value, args []js.Value) any {
		resolve = args[0]
		return nil
	})
	held := js.Global().Get("Promise").New(executor)
	executor.Release()
	granted := make(chan struct{})
	callback := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if args[0].IsNull() {
			return nil // it is not free
		}
		close(granted)
		return held
	})
	options := map[string]any{"mode": kind}
	var abort js.Value
	switch mode {
	case tabs.Wait:
		abort = js.Global().Get("AbortController").New()
		options["signal"] = abort.Get("signal")
	case tabs.IfFree:
		options["ifAvailable"] = true
	case tabs.Steal:
		options["steal"] = true
	}
	var request js.Value
	err = try(func() { request = locks.Call("request", name, options, callback) })
	if err != nil {
		callback.Release()
		return nil, nil, err
	}
	ended := make(chan error, 1) // the lock was released, or not granted
	go func() {
		_, err := settled(context.Background(), request)
		callback.Release()
		ended <- err
		close(released)
	}()
	letGo = sync.OnceFunc(func() { resolve.Invoke() })
	select {
	case <-granted:
		return letGo, released, nil
	case err := <-ended:
		if err == nil {
			err = tabs.ErrTaken
		}
		return nil, nil, err
	case <-ctx.Done():
		letGo() // in case it is being granted
		if abort.Truthy() {
			abort.Call("abort")
		}
		return nil, nil, context.Cause(ctx)
	}
}

func navigator(part string) js.Value {
	if n := js.Global().Get("navigator"); n.Truthy() {
		return n.Get(part)
	}
	return js.Undefined()
}

// settled waits for a promise.
func settled(ctx context.Context, promise js.Value) (js.Value, error) {
	type outcome struct {
		value js.Value
		err   error
	}
	result := make(chan outcome, 1)
	var fulfilled, rejected js.Func
	done := func(o outcome) any {
		result <- o
		fulfilled.Release()
		rejected.Release()
		return nil
	}
	fulfilled = js.FuncOf(func(_ js.Value, args []js.Value) any { return done(outcome{value: args[0]}) })
	rejected = js.FuncOf(func(_ js.Value, args []js.Value) any { return done(outcome{err: thrown(args[0])}) })
	promise.Call("then", fulfilled, rejected)
	select {
	case o := <-result:
		return o.value, o.err
	case <-ctx.Done():
		return js.Undefined(), context.Cause(ctx)
	}
}
