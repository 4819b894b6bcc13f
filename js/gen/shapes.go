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

// method is one call of the API with what its signature and comment say.
type method struct {
	name, doc       string
	request, result reflect.Type
}

// code is one error code with its comment.
type code struct {
	wire.CodeInfo
	text string
}

func describe(notes comments) (methods []method, codes []code) {
	for _, m := range sdk.Methods {
		f, ok := reflect.TypeFor[*sdk.Client]().MethodByName(strings.ToUpper(m.Name[:1]) + m.Name[1:])
		if !ok {
			panic("no Client method for " + m.Name)
		}
		methods = append(methods, method{m.Name, notes.of(m.Name), f.Type.In(2).Elem(), f.Type.Out(0).Elem()})
	}
	for _, c := range wire.Codes {
		codes = append(codes, code{c, notes.of(c.Name)})
	}
	return methods, codes
}

// of is the comment on an entry of a table, which must have one.
func (found comments) of(name string) string {
	text := found[name]
	if text == "" {
		panic("no comment on " + name)
	}
	return text
}

// collectShapes finds every object that a method or an event can carry, in the order of their first use.
func collectShapes(notes comments, methods []method) []shape {
	c := collector{notes: notes, seen: map[reflect.Type]bool{}}
	for _, m := range methods {
		c.kind(m.request)
		c.kind(m.result)
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

func shapeOf(shapes []shape, t reflect.Type) shape {
	for _, s := range shapes {
		if s.name == t.Name() {
			return s
		}
	}
	panic("no shape " + t.Name())
}
