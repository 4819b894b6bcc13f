// Package std_test holds what stands in for the standard library in the wasm (scripts/lean-std.sh) to what it stands in for.
// make test runs it twice: with Go's own packages, and in Chromium with those of the wasm.
package std_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"
)

// The test cases of RFC 4231 that differ in the lengths of key and data.
var vectors = []struct{ key, data, sum string }{
	{strings.Repeat("\x0b", 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	{
		strings.Repeat("\xaa", 131), "Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
	},
	{
		strings.Repeat("\xaa", 131),
		"This is a test using a larger than block-size key and a larger than block-size data. " +
			"The key needs to be hashed before being used by the HMAC algorithm.",
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
	},
}

func TestHMACIsRFC4231s(t *testing.T) {
	for _, v := range vectors {
		want, err := hex.DecodeString(v.sum)
		if err != nil {
			t.Fatal(err)
		}
		h := hmac.New(sha256.New, []byte(v.key))
		if h.Size() != 32 || h.BlockSize() != 64 {
			t.Errorf("size %d, block size %d", h.Size(), h.BlockSize())
		}
		// Sum appends, and changes nothing; Reset keeps the key.
		for range 2 {
			for _, part := range strings.SplitAfter(v.data, " ") {
				if n, err := io.WriteString(h, part); n != len(part) || err != nil {
					t.Errorf("wrote %d of %d: %v", n, len(part), err)
				}
				h.Sum(nil)
			}
			if got := h.Sum([]byte("before")); !bytes.Equal(got, append([]byte("before"), want...)) {
				t.Errorf("%s: %x", v.data, got)
			}
			h.Reset()
		}
		if !hmac.Equal(want, bytes.Clone(want)) || hmac.Equal(want, want[1:]) || hmac.Equal(want, make([]byte, 32)) {
			t.Error("Equal does not compare")
		}
	}
}

func TestRandomBytesAreNew(t *testing.T) {
	// 100 000 bytes are more than a browser gives at once.
	for _, length := range []int{0, 16, 100_000} {
		a, b := make([]byte, length), make([]byte, length)
		if n, err := rand.Read(a); n != length || err != nil {
			t.Fatal(n, err)
		}
		if n, err := io.ReadFull(rand.Reader, b); n != length || err != nil {
			t.Fatal(n, err)
		}
		if length > 0 && (bytes.Equal(a, b) || bytes.Equal(a[length-16:], make([]byte, 16))) {
			t.Errorf("%d bytes are not random", length)
		}
	}
}

// A stopped timer's channel is empty: the setting asynctimerchan is at its default.
func TestTimersAreTodays(t *testing.T) {
	timer := time.NewTimer(time.Nanosecond)
	time.Sleep(5 * time.Millisecond)
	timer.Stop()
	if len(timer.C) != 0 || cap(timer.C) != 0 {
		t.Error("timers are those of Go 1.22")
	}
}
