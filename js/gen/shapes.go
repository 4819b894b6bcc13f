package main

import (
	"reflect"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

// shape is one object of the API.
type shape struct {
	name   string
	doc    string
	fields []field
}

type field struct {
	name     string // as JavaScript spells it
	kind     string // a TypeScript type
	optional bool
	doc      string
}

// special are the Go types that JavaScript sees as something else than their structure.
var special = map[reflect.Type]string{
	reflect.TypeFor[msgp.Raw]():       "Payload",
	reflect.TypeFor[sdk.Number]():     "number",
	reflect.TypeFor[sdk.MessageRef](): "MessageRef",
	reflect.TypeFor[sdk.Wipe]():       "boolean | 'force'",
	reflect.TypeFor[wire.Code]():      "number",
}

// collectShapes finds every object that a method or an event can carry, in the order of their first use.
func collectShapes(notes comments) []shape {
	c := collector{notes: notes, seen: map[reflect.Type]bool{}}
	for _, m := range sdk.Methods {
		c.kind(reflect.TypeOf(m.Request).Elem())
		c.kind(reflect.TypeOf(m.Result).Elem())
	}
	for _, e := range sdk.EventTypes {
		c.kind(reflect.TypeOf(e.Data).Elem())
	}
	return c.shapes
}

type collector struct {
	notes  comments
	seen   map[reflect.Type]bool
	shapes []shape
}

// kind names a Go type in TypeScript and remembers the objects it meets.
func (c *collector) kind(t reflect.Type) string {
	if name, ok := special[t]; ok {
		return name
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return "number"
	case reflect.Pointer:
		return c.kind(t.Elem()) + " | null"
	case reflect.Slice:
		return c.kind(t.Elem()) + "[]"
	case reflect.Struct:
		c.remember(t)
		return t.Name()
	}
	panic("no TypeScript for " + t.String())
}

func (c *collector) remember(t reflect.Type) {
	if c.seen[t] {
		return
	}
	c.seen[t] = true
	made := shape{name: t.Name(), doc: c.notes[t.Name()]}
	for i := range t.NumField() {
		f := t.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("msg"), ",")
		if name == "" || name == "-" {
			continue
		}
		made.fields = append(made.fields, field{
			name:     name,
			kind:     c.fieldKind(f.Type, option == "omitempty"),
			optional: option == "omitempty",
			doc:      c.notes[t.Name()+"."+f.Name],
		})
	}
	c.shapes = append(c.shapes, made)
}

// fieldKind is kind, but an optional pointer is absent or there, never null.
func (c *collector) fieldKind(t reflect.Type, optional bool) string {
	if optional && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return c.kind(t)
}

func shapeOf(shapes []shape, value any) shape {
	name := reflect.TypeOf(value).Elem().Name()
	for _, s := range shapes {
		if s.name == name {
			return s
		}
	}
	panic("no shape " + name)
}
