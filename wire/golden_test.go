package wire

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Golden frames are what this version has put on the wire. They must decode for ever, and encode to the same bytes while the
// version lasts.
func TestGoldenFrames(t *testing.T) {
	for i, x := range travelling {
		file := filepath.Join("testdata", "golden", x.name+".hex")
		data, err := NewRequest(uint32(i+1), x.name, x.body.MarshalMsg)
		require.NoError(t, err)
		if os.Getenv("UPDATE") != "" {
			require.NoError(t, os.WriteFile(file, []byte(hex.EncodeToString(data)+"\n"), 0o644))
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
		require.NoError(t, err)
		require.Equal(t, golden, data, x.name)

		f, err := DecodeFrame(golden, MaxClientFrame)
		require.NoError(t, err)
		require.Equal(t, x.name, f.Type)
		got := empty(x.body)
		require.NoError(t, DecodeBody(f.Body, got.UnmarshalMsg))
		require.Equal(t, x.body, got, x.name)
	}
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	data := []byte{0x83, 0xa1, 'k', 0x01, 0xa3, 'n', 'e', 'w', 0x92, 0x01, 0xc0, 0xa1, 't', 0xa4, 'p', 'i', 'n', 'g'}
	f, err := DecodeFrame(data, MaxClientFrame)
	require.NoError(t, err)
	require.Equal(t, "ping", f.Type)
}

func TestDecoderRefuses(t *testing.T) {
	good, err := NewRequest(1, OpPing, (&Ping{}).MarshalMsg)
	require.NoError(t, err)
	for name, x := range map[string]struct {
		data []byte
		code Code
	}{
		"nothing":         {nil, FrameInvalid},
		"not MessagePack": {[]byte("{}"), FrameInvalid},
		"an array":        {[]byte{0x91, 0x01}, FrameInvalid},
		"cut short":       {good[:len(good)-1], FrameInvalid},
		"more after it":   {append(append([]byte{}, good...), 0xc0), FrameInvalid},
		"no kind":         {[]byte{0x80}, FrameInvalid},
		"unknown kind":    {[]byte{0x81, 0xa1, 'k', 0x09}, FrameInvalid},
		"too large":       {make([]byte, MaxClientFrame+1), FrameTooLarge},
	} {
		_, err := DecodeFrame(x.data, MaxClientFrame)
		require.Equal(t, x.code, CodeOf(err), name)
	}
}

// A few bytes must not make the decoder set aside what only a large frame could fill.
func TestDecoderLimitsLists(t *testing.T) {
	huge := []byte{0x81, 0xa1, 'r', 0xdd, 0x7f, 0xff, 0xff, 0xff} // Delete.Ranges of 2^31 segments
	require.Equal(t, FrameInvalid, CodeOf(DecodeBody(huge, new(Delete).UnmarshalMsg)))
}

func FuzzDecode(f *testing.F) {
	for i, x := range travelling {
		data, err := NewRequest(uint32(i), x.name, x.body.MarshalMsg)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := DecodeFrame(data, MaxClientFrame)
		if err != nil {
			require.NotEqual(t, Internal, CodeOf(err))
			return
		}
		for _, x := range travelling {
			b := empty(x.body)
			if err := DecodeBody(frame.Body, b.UnmarshalMsg); err != nil {
				require.Equal(t, FrameInvalid, CodeOf(err))
				continue
			}
			again, err := b.MarshalMsg(nil)
			require.NoError(t, err)
			c := empty(x.body)
			require.NoError(t, DecodeBody(again, c.UnmarshalMsg), "what was decoded encodes and decodes again")
			if page, ok := b.(*Page); ok {
				for i := range page.Batches {
					_, _ = page.Batches[i].Messages()
				}
			}
		}
	})
}
