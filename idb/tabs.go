//go:build js && wasm

package idb

import (
	"context"
	"sync"
	"syscall/js"
)

// What tabs of one origin need of the browser beside the database.

// Channel pokes the other tabs (and workers) that have a Channel of the same name. A poke is a hint that something has
// changed: it carries nothing, may come late or be lost, and who hears it reads the database. Where the browser has no
// BroadcastChannel nothing is heard.
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
func (c *Channel) Post() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.object.Truthy() && !c.closed {
		c.object.Call("postMessage", js.Null())
	}
}

// OnPoke has fn called, on a goroutine of its own, for each poke, instead of the fn before.
func (c *Channel) OnPoke(fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.object.Truthy() || c.closed {
		return
	}
	before := c.callback
	c.callback = js.FuncOf(func(js.Value, []js.Value) any {
		tell(fn)
		return nil
	})
	c.object.Set("onmessage", c.callback)
	before.Release()
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

// Lock waits for the Web Lock of that name, which one tab (or worker) of the origin holds at a time, and which the
// browser takes from a tab that dies. Release may be called twice. Take it before a transaction, never inside one.
// Without Web Locks (a page that is no secure context) nothing is locked: transactions still keep single steps apart, and
// what needs more must not rely on a second tab being kept out.
func Lock(ctx context.Context, name string) (release func(), err error) {
	return waiting(lock(ctx, name, "exclusive"))
}

// Hold is Lock, but together with others who Hold the name. Release waits until it is let go.
func Hold(ctx context.Context, name string) (release func(), err error) {
	return waiting(lock(ctx, name, "shared"))
}

// Held tells whether any tab (or worker) of the origin, this one included, has the Web Lock of that name. Without Web Locks
// nobody has.
func Held(ctx context.Context, name string) (bool, error) {
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

// waiting makes of what lock returns a release that waits until the lock is let go.
func waiting(letGo func(), over <-chan struct{}, err error) (release func(), _ error) {
	if err != nil {
		return nil, err
	}
	return func() {
		letGo()
		<-over
	}, nil
}

// lock waits for a Web Lock. letGo gives it back and does not wait; it may be called twice. When the browser has it back, over
// is closed.
func lock(ctx context.Context, name, mode string) (letGo func(), over <-chan struct{}, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, context.Cause(ctx)
	}
	released := make(chan struct{})
	locks := navigator("locks")
	if !locks.Truthy() {
		close(released)
		return func() {}, released, nil
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
	callback := js.FuncOf(func(js.Value, []js.Value) any {
		close(granted)
		return held
	})
	abort := js.Global().Get("AbortController").New()
	var request js.Value
	err = try(func() {
		request = locks.Call("request", name, map[string]any{"signal": abort.Get("signal"), "mode": mode}, callback)
	})
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
		return nil, nil, err
	case <-ctx.Done():
		letGo() // in case it is being granted
		abort.Call("abort")
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
