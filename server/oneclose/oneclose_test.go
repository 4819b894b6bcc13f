package oneclose

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// sink is the part of a net.Conn that Write uses.
type sink struct {
	net.Conn
	got bytes.Buffer
}

func (s *sink) Write(b []byte) (int, error) { return s.got.Write(b) }

func frame(first byte, payload []byte) []byte {
	switch n := len(payload); {
	case n < 126:
		return append([]byte{first, byte(n)}, payload...)
	case n < 1<<16:
		return append(binary.BigEndian.AppendUint16([]byte{first, 126}, uint16(n)), payload...)
	default:
		return append(binary.BigEndian.AppendUint64([]byte{first, 127}, uint64(n)), payload...)
	}
}

func TestNothingFollowsAClose(t *testing.T) {
	confusing := bytes.Repeat([]byte{0x88}, 70000) // looks like close frames
	before := [][]byte{
		frame(0x82, []byte{0x88, 2, 3, 232}), frame(0x82, nil), frame(0x02, confusing[:125]), frame(0x80, confusing[:126]),
		frame(0x82, confusing), frame(0x89, []byte("ping")), frame(0x82, confusing[:65535]),
	}
	for _, payload := range [][]byte{nil, {0x0d, 0xac}, []byte("\x0d\xacbecause")} {
		first := frame(0x88, payload)
		want := append(bytes.Join(before, nil), first...)
		all := append(bytes.Clone(want), frame(0x88, []byte{3, 232})...)
		all = append(all, frame(0x82, []byte("more"))...)
		for _, piece := range []int{1, 2, 3, 7, 100, 4096, len(all)} {
			t.Run(fmt.Sprint(len(payload), " in pieces of ", piece), func(t *testing.T) {
				to := &sink{}
				c := &conn{Conn: to}
				for rest := all; len(rest) > 0; {
					n := min(piece, len(rest))
					written, err := c.Write(rest[:n])
					require.NoError(t, err)
					require.Equal(t, n, written, "what is dropped counts as written")
					rest = rest[n:]
				}
				require.True(t, bytes.Equal(want, to.got.Bytes()))
			})
		}
	}
}
