package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/lethe-im/lethe/sdk"
)

const generated = "Made by js/gen from sdk/api.go, sdk/method.go, wire/errors.go and wire/close.go. Change those and run make generate."

func typeScript(shapes []shape, methods []method, codes []code) string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "// %s\n\nimport type { Payload } from './message.js';\n\n", generated)
	fmt.Fprint(b, "/** A message by its ID (string) or its messageID (number); in reports, any item as the caller named it. */\n")
	fmt.Fprint(b, "export type MessageRef = string | number;\n\n")
	for _, s := range shapes {
		writeInterface(b, s)
	}
	writeMethods(b, shapes, methods)
	writeEvents(b)
	writeCodes(b, codes)
	return b.String()
}

func writeInterface(b *strings.Builder, s shape) {
	writeDoc(b, "", s.doc)
	if len(s.fields) == 0 {
		fmt.Fprintf(b, "export type %s = Record<string, never>;\n\n", s.name)
		return
	}
	fmt.Fprintf(b, "export interface %s {\n", s.name)
	for _, f := range s.fields {
		writeDoc(b, "  ", f.doc)
		mark := ""
		if f.optional {
			mark = "?"
		}
		fmt.Fprintf(b, "  %s%s: %s;\n", f.name, mark, f.kind)
	}
	fmt.Fprint(b, "}\n\n")
}

func writeDoc(b *strings.Builder, indent, doc string) {
	if doc != "" {
		fmt.Fprintf(b, "%s/** %s */\n", indent, doc)
	}
}

func writeMethods(b *strings.Builder, shapes []shape, methods []method) {
	fmt.Fprint(b, "/** The core's calls, by name. */\nexport interface Methods {\n")
	for _, m := range methods {
		writeDoc(b, "  ", m.doc)
		fmt.Fprintf(b, "  %s: { request: %s; result: %s };\n", m.name, shapeOf(shapes, m.request).name, shapeOf(shapes, m.result).name)
	}
	fmt.Fprint(b, "}\n\n")
	fmt.Fprint(b, "/** The arguments of each call, so that a misspelt one is refused instead of overlooked. */\n")
	fmt.Fprint(b, "export const ARGUMENTS: { readonly [M in keyof Methods]: readonly string[] } = {\n")
	for _, m := range methods {
		var names []string
		for _, f := range shapeOf(shapes, m.request).fields {
			names = append(names, "'"+f.name+"'")
		}
		fmt.Fprintf(b, "  %s: [%s],\n", m.name, strings.Join(names, ", "))
	}
	fmt.Fprint(b, "};\n\n")
}

func writeEvents(b *strings.Builder) {
	fmt.Fprint(b, "/** The names of the events, for on and off. */\nexport const EVENT = {\n")
	for _, e := range sdk.EventTypes {
		fmt.Fprintf(b, "  %s: '%s',\n", e.Name, e.Name)
	}
	fmt.Fprint(b, "} as const;\n\n/** What each event carries as data. */\nexport interface EventData {\n")
	for _, e := range sdk.EventTypes {
		fmt.Fprintf(b, "  %s: %s;\n", e.Name, reflect.TypeOf(e.Data).Elem().Name())
	}
	fmt.Fprint(b, "}\n\n")
}

func writeCodes(b *strings.Builder, codes []code) {
	fmt.Fprint(b, "/** The codes of errors. docs/errors.md explains them. */\nexport const ErrorCode = {\n")
	var retryable []string
	for _, c := range codes {
		fmt.Fprintf(b, "  /** %s */\n  %s: %d,\n", c.text, c.Name, c.Code)
		if c.Retryable {
			retryable = append(retryable, fmt.Sprint(c.Code))
		}
	}
	fmt.Fprint(b, "} as const;\n\n/** The codes after which the same call may succeed later, with nothing changed by the caller. */\n")
	fmt.Fprintf(b, "export const RETRYABLE: readonly number[] = [%s];\n", strings.Join(retryable, ", "))
}
