//go:build js && wasm

package idb

import (
	"encoding/binary"
	"math"
	"slices"
	"syscall/js"

	"github.com/lethe-im/lethe/sdk/kv"
)

var (
	uint8Array   = js.Global().Get("Uint8Array")
	float64Array = js.Global().Get("Float64Array")
	keyRange     = js.Global().Get("IDBKeyRange")
)

// slice is how many records one getAll asks for: the browser builds its answer in one piece.
const slice = 1024

// bound is the IDBKeyRange of a span, ok false if no key is in it.
func bound(span kv.Span) (object js.Value, ok bool) {
	span.To = min(span.To, kv.MaxKey)
	if span.From > span.To {
		return js.Value{}, false
	}
	return keyRange.Call("bound", float64(span.From), float64(span.To)), true
}

// bytesOf copies a Uint8Array to Go. A value of another type is none of ours: it is read as an empty one.
func bytesOf(value js.Value) []byte {
	if !value.InstanceOf(uint8Array) {
		return []byte{}
	}
	b := make([]byte, value.Get("byteLength").Int())
	js.CopyBytesToGo(b, value)
	return b
}

func (t *transaction) Ask(table kv.Table, keys ...kv.Key) { _ = t.ask(table, keys) }

// ask makes the requests that have not been made yet.
func (t *transaction) ask(table kv.Table, keys []kv.Key) error {
	object, err := t.table(table)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if key > kv.MaxKey {
			return kv.ErrKey
		}
	}
	asked := t.asked[table]
	if asked == nil {
		asked = map[kv.Key]js.Value{}
		t.asked[table] = asked
	}
	return try(func() {
		for _, key := range keys {
			if !asked[key].Truthy() {
				asked[key] = object.Call("get", float64(key))
				t.last = asked[key]
			}
		}
	})
}

func (t *transaction) Get(table kv.Table, keys ...kv.Key) ([][]byte, error) {
	err := t.ask(table, keys)
	if err == nil && t.last.Truthy() {
		err = t.wait(t.last)
	}
	if err != nil {
		return nil, err
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		if value := t.asked[table][key].Get("result"); !value.IsUndefined() {
			values[i] = bytesOf(value)
		}
	}
	delete(t.asked, table)
	return values, nil
}

func (t *transaction) Scan(table kv.Table, span kv.Span, limit int, reverse bool) ([]kv.Entry, error) {
	object, err := t.table(table)
	if err != nil {
		return nil, err
	}
	if reverse && limit > 0 {
		if span, err = t.tail(object, span, limit); err != nil {
			return nil, err
		}
	}
	var entries []kv.Entry
	for {
		n := slice
		if limit > 0 {
			n = min(n, limit-len(entries))
		}
		got, last, err := t.rising(object, span, n)
		if err != nil {
			return nil, err
		}
		entries = append(entries, got...)
		if last == kv.MaxKey || len(entries) == limit {
			break
		}
		span.From = last + 1
	}
	if reverse {
		slices.Reverse(entries)
	}
	return entries, nil
}

// rising reads the first n entries of a span, but for those whose key is no whole number: they are none of ours. last is the
// key up to which it has read, MaxKey where nothing is behind it.
func (t *transaction) rising(object js.Value, span kv.Span, n int) (entries []kv.Entry, last kv.Key, err error) {
	within, ok := bound(span)
	if !ok {
		return nil, kv.MaxKey, nil
	}
	var keys, values js.Value
	err = try(func() {
		keys = object.Call("getAllKeys", within, n)
		values = object.Call("getAll", within, n)
	})
	if err == nil {
		err = t.wait(values)
	}
	if err != nil {
		return nil, 0, err
	}
	values = values.Get("result")
	length := values.Length()
	entries = make([]kv.Entry, 0, length)
	// All keys in one crossing.
	numbers := float64Array.Call("from", keys.Get("result"))
	raw := bytesOf(uint8Array.New(numbers.Get("buffer")))
	if last = kv.MaxKey; length == n {
		last = 0
	}
	for i := range length {
		key := math.Float64frombits(binary.LittleEndian.Uint64(raw[i*8:]))
		if length == n {
			last = kv.Key(key)
		}
		if key == math.Trunc(key) {
			entries = append(entries, kv.Entry{Key: kv.Key(key), Value: bytesOf(values.Index(i))})
		}
	}
	return entries, last, nil
}

// tail narrows a span to its last n entries, in two round trips whatever the span holds: 0.5–0.8 ms. (Reading values by
// a cursor takes a round trip each, all keys of 4000 records take 59 ms, and getAllRecords, which needs no tail, is not in
// every browser.)
func (t *transaction) tail(object js.Value, span kv.Span, n int) (kv.Span, error) {
	within, ok := bound(span)
	if !ok {
		return span, nil
	}
	var request js.Value
	err := try(func() { request = object.Call("openKeyCursor", within, "prev") })
	if err == nil {
		err = t.wait(request)
	}
	if err != nil {
		return span, err
	}
	cursor := request.Get("result")
	if cursor.IsNull() {
		return kv.Span{From: 1}, nil // nothing there
	}
	span.To = kv.Key(cursor.Get("key").Float())
	if n > 1 {
		if err := try(func() { cursor.Call("advance", n-1) }); err != nil {
			return span, err
		}
		if err := t.waitAgain(); err != nil {
			return span, err
		}
		if cursor = request.Get("result"); cursor.IsNull() {
			return span, nil // there are fewer
		}
	}
	span.From = kv.Key(math.Ceil(cursor.Get("key").Float()))
	return span, nil
}

func (t *transaction) Count(table kv.Table, span kv.Span) (int, error) {
	object, err := t.table(table)
	if err != nil {
		return 0, err
	}
	within, ok := bound(span)
	if !ok {
		return 0, nil
	}
	var request js.Value
	if err = try(func() { request = object.Call("count", within) }); err == nil {
		err = t.wait(request)
	}
	if err != nil {
		return 0, err
	}
	return request.Get("result").Int(), nil
}

func (t *transaction) Put(table kv.Table, key kv.Key, value []byte) error {
	object, err := t.writable(table)
	if err != nil {
		return err
	}
	if key > kv.MaxKey {
		return kv.ErrKey
	}
	// An array of its own: storing a view would store the whole buffer under it.
	array := uint8Array.New(len(value))
	js.CopyBytesToJS(array, value)
	return try(func() { object.Call("put", array, float64(key)) })
}

func (t *transaction) Delete(table kv.Table, spans ...kv.Span) error {
	object, err := t.writable(table)
	if err != nil {
		return err
	}
	return try(func() {
		for _, span := range spans {
			if within, ok := bound(span); ok {
				object.Call("delete", within)
			}
		}
	})
}

func (t *transaction) writable(table kv.Table) (js.Value, error) {
	object, err := t.table(table)
	if err == nil && !t.write {
		return js.Value{}, kv.ErrReadOnly
	}
	delete(t.asked, table) // what was asked for may be otherwise now
	return object, err
}
