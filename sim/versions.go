package sim

import (
	"slices"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/wire"
)

// age is which version of the protocol a device or a node speaks best, beside the one of this build.
type age int8

const (
	older age = iota - 1 // wire.Version-1, of which this build still speaks all that is not for traces
	same
	newer // wire.Version+1: has a field more in everything, an event more and an operation more
)

// later is what a newer version calls all that it has more.
const later = "later"

// ageOf is the version of the nth device or node of a plan with several.
func (p *Plan) ageOf(n int, of ...age) age {
	if !p.Mixed {
		return same
	}
	return of[(n+int(p.Seed%7))%len(of)]
}

// beyond is the id of a request that a newer device makes beside its others.
const beyond = 1 << 31

// said makes of what the client writes what a device of its version would.
func (l *link) said(message []byte) (frames [][]byte) {
	speaks := l.tab.device.speaks
	if speaks == same {
		return [][]byte{message}
	}
	f := l.read(message)
	if f.Type == wire.OpHello {
		var hello wire.Hello
		if err := wire.DecodeBody(f.Body, hello.UnmarshalMsg); err != nil {
			l.w.fail("a hello: %v", err)
		}
		hello.Versions = []uint8{wire.Version - 1}
		if speaks == newer {
			hello.Versions = []uint8{wire.Version, wire.Version + 1}
		}
		f.Body = l.write(hello.MarshalMsg)
	}
	if speaks == older {
		return [][]byte{l.write(f.MarshalMsg)}
	}
	frames = [][]byte{l.grown(f)}
	if f.Type == wire.OpPage || f.Type == wire.OpDelete {
		frames = append(frames, l.write((&wire.Frame{Kind: wire.Request, ID: beyond, Type: later, Body: []byte{0x80}}).MarshalMsg))
	}
	return frames
}

// told makes of what the server writes what a node of its version would. What a newer device alone has asked for does not reach
// the client of this one.
func (l *link) told(message []byte) (frames [][]byte) {
	device, node := l.tab.device.speaks, l.host.speaks
	if device == same && node == same {
		return [][]byte{message}
	}
	f := l.read(message)
	if f.ID == beyond {
		if f.Code != wire.OperationUnknown {
			l.w.fail("an operation that is unknown was answered with %d", f.Code)
		}
		l.w.bite("unknown operation")
		return nil
	}
	if f.Kind == wire.Response && f.ID == 1 && f.Code == wire.OK {
		l.checkWelcome(f)
	}
	if node == same {
		return [][]byte{message}
	}
	frames = [][]byte{l.grown(f)}
	if f.Type == wire.EventRows {
		l.w.bite("unknown event")
		frames = slices.Insert(frames, 0, l.write((&wire.Frame{Kind: wire.Event, Type: later, Body: []byte{0x80}}).MarshalMsg))
	}
	return frames
}

// checkWelcome holds the version that was picked to the best of both. It is the answer to a link's first request.
func (l *link) checkWelcome(f wire.Frame) {
	var welcome wire.Welcome
	if err := wire.DecodeBody(f.Body, welcome.UnmarshalMsg); err != nil {
		l.w.fail("a welcome: %v", err)
	}
	want, name := wire.Version, "newer device"
	if l.tab.device.speaks == older {
		want, name = wire.Version-1, "older device"
	}
	if l.tab.device.speaks == same {
		name = "newer node"
	}
	if welcome.Version != want {
		l.w.fail("version %d was picked, not %d", welcome.Version, want)
	}
	l.w.bite(name)
}

// grown is the frame with a field more than this version has, in itself and in its body.
func (l *link) grown(f wire.Frame) []byte {
	if len(f.Body) > 0 {
		f.Body = l.grow(f.Body)
	}
	return l.grow(l.write(f.MarshalMsg))
}

// grow adds a field to an encoded map.
func (l *link) grow(encoded []byte) []byte {
	n, fields, err := msgp.ReadMapHeaderBytes(encoded)
	if err != nil {
		l.w.fail("what travels is no map: %v", err)
		return encoded
	}
	grown := msgp.AppendMapHeader(nil, n+1)
	grown = msgp.AppendString(msgp.AppendString(grown, later), "what it says, nobody here knows")
	return append(grown, fields...)
}

func (l *link) read(message []byte) wire.Frame {
	f, err := wire.DecodeFrame(message, wire.MaxServerFrame)
	if err != nil {
		l.w.fail("a frame: %v", err)
	}
	return f
}

func (l *link) write(encode wire.Encoder) []byte {
	b, err := encode(nil)
	if err != nil {
		l.w.fail("a frame: %v", err)
	}
	return b
}
