package sdk

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// FuzzCall is what a page may pass to any call of a chat that is logged in, off the network: it is answered, with a code that
// is known, and nothing in it panics.
func FuzzCall(f *testing.F) {
	text := func(fields ...string) []byte {
		b := msgp.AppendMapHeader(nil, uint32(len(fields)/2))
		for _, s := range fields {
			b = msgp.AppendString(b, s)
		}
		return b
	}
	for i := range Methods {
		f.Add(uint8(i), text("conversationID", "C2Cb"))
		f.Add(uint8(i), text("userID", "a", "token", "t"))
	}
	f.Add(uint8(0), []byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	var panics []string
	c := New(Options{
		OpenStore: func(context.Context, string, func()) (kv.Store, string, error) {
			return kv.NewMemory(vault.Tables...), "memory", nil
		},
		Dial: func(context.Context, string) (Conn, error) { return nil, &Closed{} },
		Emit: func(event string, data []byte) {
			if event == EventError && strings.Contains(string(data), "panic") {
				panics = append(panics, string(data))
			}
		},
	})
	_, err := c.Open(context.Background(), &OpenRequest{URL: "http://127.0.0.1", AppID: "lethe"})
	require.NoError(f, err)
	_, err = c.Login(context.Background(), &LoginRequest{UserID: "a", Token: "t"})
	require.NoError(f, err)
	_, err = c.SetOnline(context.Background(), &OnlineRequest{})
	require.NoError(f, err)
	f.Cleanup(func() { _, _ = c.Logout(context.Background(), &LogoutRequest{}) })
	f.Fuzz(func(t *testing.T, which uint8, arguments []byte) {
		m := Methods[int(which)%len(Methods)]
		if m.Name == "open" || m.Name == "setOnline" || m.Name == "logout" {
			t.Skip("it would change what the others are tried on")
		}
		reply := c.Call(t.Context(), m.Name, arguments)
		require.Empty(t, panics)
		code, err := replyCode(reply)
		require.NoError(t, err)
		require.NotEqual(t, wire.Internal, code, m.Name)
		require.True(t, code == wire.OK || code.Name() != "UNKNOWN", "%s: %d", m.Name, code)
	})
}

// replyCode reads the code of a reply.
func replyCode(reply []byte) (wire.Code, error) {
	n, rest, err := msgp.ReadMapHeaderBytes(reply)
	var code int
	for ; n > 0 && err == nil; n-- {
		var name string
		if name, rest, err = msgp.ReadStringBytes(rest); err != nil {
			break
		}
		if name == "code" {
			code, rest, err = msgp.ReadIntBytes(rest)
		} else {
			rest, err = msgp.Skip(rest)
		}
	}
	return wire.Code(code), err
}
