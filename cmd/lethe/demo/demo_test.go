package demo

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/wire"
)

func TestChatsAreTheSameEachTimeAndBelievable(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i, c := range chats() {
		messages := c.generate(now, rand.New(rand.NewPCG(uint64(i), 2026)))
		require.Equal(t, messages, c.generate(now, rand.New(rand.NewPCG(uint64(i), 2026))))
		require.Len(t, messages, c.messages)
		texts := map[string]bool{}
		last := int64(1)
		for _, m := range messages {
			require.LessOrEqual(t, last, m.Time, c.id)
			last = m.Time
			require.Contains(t, c.people, m.From)
			require.NoError(t, wire.CheckPayload(m.Payload))
			text := textOf(t, m)
			require.NotEmpty(t, text)
			require.False(t, strings.ContainsAny(text, "{}"), "a gap is left: %s", text)
			texts[text] = true
		}
		require.LessOrEqual(t, last, now.UnixMilli())
		require.Greater(t, messages[0].Time, now.AddDate(0, 0, -c.days-2).UnixMilli(), c.id)
		require.Greater(t, len(texts), len(messages)/8, "%s repeats itself", c.id)
	}
}

func textOf(t *testing.T, m wire.Message) string {
	t.Helper()
	_, rest, err := msgp.ReadMapHeaderBytes(m.Payload)
	require.NoError(t, err)
	_, rest, err = msgp.ReadStringBytes(rest)
	require.NoError(t, err)
	text, _, err := msgp.ReadStringBytes(rest)
	require.NoError(t, err)
	return text
}
