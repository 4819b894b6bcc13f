package wire

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func goldenFile(version uint8, name string) string {
	return filepath.Join("testdata", "golden", fmt.Sprintf("v%d", version), name+".hex")
}

func readGolden(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	return golden
}

// Golden frames are what this version puts on the wire: they encode to the same bytes while the version lasts.
func TestGoldenFrames(t *testing.T) {
	for _, x := range travelling {
		file := goldenFile(Version, x.name)
		data, err := NewRequest(1, x.name, x.body.MarshalMsg)
		require.NoError(t, err)
		if os.Getenv("UPDATE") != "" {
			require.NoError(t, os.WriteFile(file, []byte(hex.EncodeToString(data)+"\n"), 0o644))
		}
		golden := readGolden(t, file)
		require.Equal(t, golden, data, x.name)
		f, err := DecodeFrame(golden, MaxClientFrame)
		require.NoError(t, err)
		require.Equal(t, x.name, f.Type)
		got := empty(x.body)
		require.NoError(t, DecodeBody(f.Body, got.UnmarshalMsg))
		require.Equal(t, x.body, got, x.name)
	}
}

// What any version that is still spoken has put on the wire decodes for ever.
func TestGoldenFramesOfOlderVersions(t *testing.T) {
	for version := MinVersion; version < Version; version++ {
		found := 0
		for _, x := range travelling {
			file := goldenFile(version, x.name)
			if _, err := os.Stat(file); os.IsNotExist(err) {
				continue // the type is younger
			}
			found++
			f, err := DecodeFrame(readGolden(t, file), MaxClientFrame)
			require.NoError(t, err)
			require.NoError(t, DecodeBody(f.Body, empty(x.body).UnmarshalMsg), "v%d %s", version, x.name)
		}
		require.Greater(t, found, 20, "v%d", version)
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
