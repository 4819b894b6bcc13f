package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

func errorsPage(codes []code, closes []wire.CloseInfo, notes comments) string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "<!-- %s -->\n\n# Error codes\n\n", generated)
	fmt.Fprint(b, "A call that fails rejects with a `LetheError`: `code`, `name`, `message`, `retryable`, and `data` where a batch reports\n")
	fmt.Fprint(b, "its items. `retryable` says that the same call may succeed later with nothing changed by the caller.\n\n")
	fmt.Fprint(b, "| code | name | retryable | meaning |\n|---|---|---|---|\n")
	for _, c := range codes {
		retry := "no"
		if c.Retryable {
			retry = "yes"
		}
		fmt.Fprintf(b, "| %d | `%s` | %s | %s |\n", c.Code, c.Name, retry, cell(c.text))
	}
	fmt.Fprint(b, "\n# Close codes\n\n")
	fmt.Fprint(b, "How a server or a client ends the WebSocket. After 3000–3499, and when a connection breaks, the client comes back with\n")
	fmt.Fprint(b, "jitter; after 3500–3999 it does not by itself: the app logs in again. The error is what `NET_STATE` and waiting calls say.\n\n")
	fmt.Fprint(b, "| close code | comes back | error | meaning |\n|---|---|---|---|\n")
	for _, c := range closes {
		back := "yes"
		if c.Close.Terminal() || c.Close == wire.CloseNormal {
			back = "no"
		}
		meaning := notes[fmt.Sprint(c.Close)]
		if meaning == "" {
			panic(fmt.Sprintf("no comment says what %d means", c.Close))
		}
		fmt.Fprintf(b, "| %d | %s | `%s` | %s |\n", c.Close, back, c.Close.Code().Name(), cell(meaning))
	}
	return b.String()
}

const apiIntroduction = `# API

` + "`Lethe.create({url, appID, wasmURL, workerURL, worker})`" + ` resolves to a ` + "`chat`" + ` once its core is ready. Every call below resolves
` + "`{code: 0, data}`" + ` and rejects with a ` + "`LetheError`" + ` ([codes](errors.md)). The tables give what goes to the core. In JavaScript
some calls take less than an object, and some stand on others (js/chat.ts):

| in JavaScript | is |
|---|---|
| ` + "`chat.deleteConversation('C2Ca')`" + ` | ` + "`deleteConversation({conversationIDList: ['C2Ca']})`" + `, with data ` + "`{conversationID}`" + ` |
| ` + "`chat.clearHistoryMessage('C2Ca')`, `chat.getConversation('C2Ca')`, `chat.inspectConversation('C2Ca')`" + ` | the same with ` + "`{conversationID}`" + ` |
| ` + "`chat.deleteMessage(messageList)`" + ` | ` + "`deleteMessages({messages})`" + `, scope both, with data ` + "`{messageList, failed}`" + ` |
| ` + "`chat.deleteMessages(selector, {scope})`" + ` | ` + "`deleteMessages({...selector, scope})`" + ` |
| ` + "`chat.setOnline(false)`" + ` | ` + "`setOnline({online: false})`" + ` |
| ` + "`chat.createTextMessage({to, conversationType, payload: {text}})`, `chat.createCustomMessage(…)`" + ` | a message for ` + "`sendMessage`" + `, at once, without the core |
| ` + "`chat.on(EVENT.MESSAGE_RECEIVED, handler)`, `chat.off(…)`" + ` | ` + "`handler({name, data})`" + ` |
| ` + "`chat.destroy()`" + ` | ends the core and its worker; the device's copy stays |

An argument that a call does not know is refused with 10004: a misspelt ` + "`before`" + ` must not delete everything.

`

func apiPage(shapes []shape, methods []method) string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "<!-- %s -->\n\n%s## Calls\n\n", generated, apiIntroduction)
	for _, m := range methods {
		request, result := shapeOf(shapes, m.request), shapeOf(shapes, m.result)
		fmt.Fprintf(b, "### %s\n\n%s\n\n", m.name, m.doc)
		writeFields(b, "argument", request)
		writeFields(b, "data", result)
	}
	fmt.Fprint(b, "## Events\n\n| event | data | meaning |\n|---|---|---|\n")
	for _, e := range sdk.EventTypes {
		s := shapeOf(shapes, reflect.TypeOf(e.Data).Elem())
		var names []string
		for _, f := range s.fields {
			names = append(names, f.name)
		}
		_, meaning, _ := strings.Cut(s.doc, ": ")
		fmt.Fprintf(b, "| `%s` | `{%s}` | %s |\n", e.Name, strings.Join(names, ", "), cell(meaning))
	}
	fmt.Fprint(b, "\n## Objects\n\n")
	for _, s := range shapes {
		if !carried(s.name, methods) {
			fmt.Fprintf(b, "### %s\n\n%s\n\n", s.name, s.doc)
			writeFields(b, "field", s)
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// carried tells whether a shape was already described with its call or event.
func carried(name string, methods []method) bool {
	for _, m := range methods {
		if m.request.Name() == name || m.result.Name() == name {
			return true
		}
	}
	for _, e := range sdk.EventTypes {
		if reflect.TypeOf(e.Data).Elem().Name() == name {
			return true
		}
	}
	return false
}

func writeFields(b *strings.Builder, title string, s shape) {
	if len(s.fields) == 0 {
		return
	}
	fmt.Fprintf(b, "| %s | type | |\n|---|---|---|\n", title)
	for _, f := range s.fields {
		mark := ""
		if f.optional {
			mark = "?"
		}
		fmt.Fprintf(b, "| `%s%s` | `%s` | %s |\n", f.name, mark, cell(f.kind), cell(f.doc))
	}
	fmt.Fprint(b, "\n")
}

func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
