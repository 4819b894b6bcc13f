package wire

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzFrame is what a peer may send, in both directions: every type is decoded from it.
func FuzzFrame(f *testing.F) {
	for i, x := range travelling {
		data, err := NewRequest(uint32(i), x.name, x.body.MarshalMsg)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		small, smallErr := DecodeFrame(data, MaxClientFrame)
		frame, err := DecodeFrame(data, MaxServerFrame)
		if err != nil {
			require.Contains(t, []Code{FrameInvalid, FrameTooLarge}, CodeOf(err))
			return
		}
		if smallErr == nil {
			require.Equal(t, frame, small, "the limit changes nothing else")
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
			once, err := c.MarshalMsg(nil)
			require.NoError(t, err)
			require.True(t, bytes.Equal(again, once), "%s: and is the same", x.name)
			if page, ok := b.(*Page); ok {
				for i := range page.Batches {
					_, _ = page.Batches[i].Messages() // FuzzBatch says what must hold
				}
			}
		}
	})
}

// FuzzBatch is a segment's block, from a server or a database: it holds what it says, or is refused.
func FuzzBatch(f *testing.F) {
	b := exampleBatch()
	f.Add(uint32(0), b.Block, b.Held.bytes())
	f.Add(uint32(3), []byte{0xff, 0xff, 0xff, 0xff, 0x7f}, make([]byte, 32))
	f.Fuzz(func(t *testing.T, segment uint32, block, held []byte) {
		b := Batch{Segment: segment, Block: block}
		for i, x := range held[:min(len(held), SegmentSize/8)] {
			for k := range uint64(8) {
				if x>>k&1 != 0 {
					b.Held.Set(uint64(i)*8 + k)
				}
			}
		}
		messages, err := b.Messages()
		if err != nil {
			require.Equal(t, FrameInvalid, CodeOf(err))
			return
		}
		require.Len(t, messages, b.Held.Count())
		for i, m := range messages {
			require.Equal(t, uint64(segment), m.Seq/SegmentSize)
			require.True(t, b.Held.Has(m.Seq%SegmentSize))
			require.True(t, i == 0 || messages[i-1].Seq < m.Seq)
		}
		packed, err := NewBatch(segment, messages)
		require.NoError(t, err)
		again, err := packed.Messages()
		require.NoError(t, err)
		require.Equal(t, len(messages), len(again))
	})
}

// bytes writes the bits as FuzzBatch reads them.
func (b *Bits) bytes() []byte {
	out := make([]byte, SegmentSize/8)
	for k := range uint64(SegmentSize) {
		if b.Has(k) {
			out[k/8] |= 1 << (k % 8)
		}
	}
	return out
}

// FuzzPayload is a message's content: what is taken has a size that is within the limits.
func FuzzPayload(f *testing.F) {
	f.Add([]byte(examplePayload))
	f.Add([]byte{0x81, 0xa1, 'a', 0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if err := CheckPayload(payload); err != nil {
			require.Contains(t, []Code{ParameterInvalid, MessageTooLarge}, CodeOf(err))
			return
		}
		require.LessOrEqual(t, len(payload), MaxPayload)
		size, err := ContentSize(payload)
		require.NoError(t, err)
		require.LessOrEqual(t, size, MaxContent)
	})
}

// FuzzConversation is a name: what is one is written as it was read.
func FuzzConversation(f *testing.F) {
	for _, id := range []string{"C2CuserB", "GROUPg", "ROOMr", "@TIM#SYSTEM", "C2C\xff", ""} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		c, err := ParseConversation(id)
		if err != nil {
			require.Equal(t, ConversationIDInvalid, CodeOf(err))
			require.Less(t, len(err.Error()), 400, "it does not repeat all of it")
			return
		}
		require.Equal(t, id, c.String())
		if c.Kind != SystemKind || c.Target != "" {
			require.NoError(t, CheckIdentifier(c.Target))
		}
	})
}

// FuzzLedger is two ledgers from anywhere: joining them takes nothing back, in either order, twice.
func FuzzLedger(f *testing.F) {
	l := Ledger{Through: 9, HiddenAt: 10, Ranges: RangesOf(11, 600)}
	raw, err := l.MarshalMsg(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw, raw, uint64(11))
	f.Fuzz(func(t *testing.T, one, other []byte, seq uint64) {
		var a, b Ledger
		if _, err := a.UnmarshalMsg(one); err != nil || !a.Ranges.Valid() {
			return
		}
		if _, err := b.UnmarshalMsg(other); err != nil || !b.Ranges.Valid() {
			return
		}
		ab, ba := a.Clone(), b.Clone()
		ab.Join(b)
		ba.Join(a)
		require.Equal(t, a.Has(seq) || b.Has(seq), ab.Has(seq))
		require.Equal(t, ab.Has(seq), ba.Has(seq))
		require.Equal(t, []uint64{ab.Through, ab.HiddenAt}, []uint64{ba.Through, ba.HiddenAt})
		require.False(t, ab.Join(b), "twice is once")
		require.False(t, ab.Join(a))
	})
}
