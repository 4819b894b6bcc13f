package vault

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

func TestDraftsGoWithTheirConversationOnly(t *testing.T) {
	const typed = "not sent yet"
	for name, x := range map[string]struct {
		d    Deletion
		left string
	}{
		"cleared":       {Deletion{What: wire.WhatConversation}, ""},
		"deleted":       {Deletion{What: wire.WhatConversation, Hide: true}, ""},
		"hidden":        {Deletion{What: wire.WhatNothing, Hide: true}, ""},
		"some messages": {Deletion{What: wire.WhatMessages, Seqs: []uint64{3}}, typed},
		"by time":       {Deletion{What: wire.WhatTime, Before: 55}, typed},
	} {
		b := newBench(t)
		b.fill(10)
		draft := func() string {
			c, ok := b.v.Find(conversation)
			require.True(t, ok)
			if c.Record == nil {
				return ""
			}
			return c.Record.Draft
		}
		require.NoError(t, b.v.SetDraft(b.ctx, conversation, typed))
		b.delete(x.d)
		require.Equal(t, x.left, draft(), name)
		if name != "cleared" {
			continue
		}
		require.NoError(t, b.v.SetDraft(b.ctx, conversation, typed))
		b.delete(x.d)
		require.Empty(t, draft(), "clearing what is empty takes the draft too")
	}
}
