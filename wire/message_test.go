package wire

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

func textPayload(text string) msgp.Raw {
	b := msgp.AppendMapHeader(nil, 1)
	b = msgp.AppendString(b, "text")
	return msgp.AppendString(b, text)
}

func TestCheckPayload(t *testing.T) {
	nested := func(depth int) msgp.Raw {
		b := msgp.AppendMapHeader(nil, 1)
		b = msgp.AppendString(b, "a")
		for i := 0; i < depth; i++ {
			b = msgp.AppendArrayHeader(b, 1)
		}
		return msgp.AppendNil(b)
	}
	many := msgp.AppendMapHeader(nil, 1)
	many = msgp.AppendString(many, "a")
	many = msgp.AppendArrayHeader(many, MaxPayload)
	for i := 0; i < MaxPayload; i++ {
		many = msgp.AppendNil(many)
	}
	for name, x := range map[string]struct {
		payload msgp.Raw
		code    Code
	}{
		"64 KiB":               {textPayload(strings.Repeat("x", MaxContent)), OK},
		"one byte more":        {textPayload(strings.Repeat("x", MaxContent+1)), MessageTooLarge},
		"64 KiB of characters": {textPayload(strings.Repeat("你", MaxContent/3)), OK},
		"large without text":   {many, MessageTooLarge},
		"nothing":              {nil, ParameterInvalid},
		"a string":             {msgp.AppendString(nil, "x"), ParameterInvalid},
		"null":                 {msgp.AppendNil(nil), ParameterInvalid},
		"cut short":            {textPayload("hello")[:4], ParameterInvalid},
		"two of them":          {append(textPayload("a"), textPayload("b")...), ParameterInvalid},
		"deep":                 {nested(12), OK},
		"too deep":             {nested(40), ParameterInvalid},
	} {
		require.Equal(t, x.code, CodeOf(CheckPayload(x.payload)), name)
	}
}

func TestBatch(t *testing.T) {
	var messages []Message
	for seq := uint64(512); seq < 768; seq += 3 {
		messages = append(messages, Message{Seq: seq, Time: int64(seq), From: "u", Type: TypeText, Payload: textPayload("hi")})
	}
	b, err := NewBatch(2, messages)
	require.NoError(t, err)
	require.Equal(t, len(messages), b.Held.Count())
	require.EqualValues(t, 512, b.MinTime)
	got, err := b.Messages()
	require.NoError(t, err)
	require.Equal(t, messages, got)

	wrong := b
	wrong.Segment = 3
	_, err = wrong.Messages()
	require.Equal(t, FrameInvalid, CodeOf(err), "messages of another segment")
	wrong = b
	wrong.Held.Set(1)
	_, err = wrong.Messages()
	require.Equal(t, FrameInvalid, CodeOf(err), "it does not hold what it says")
	wrong = b
	wrong.Block = append([]byte{0xff, 0xff, 0xff, 0xff, 0x7f}, b.Block...)
	_, err = wrong.Messages()
	require.Equal(t, FrameInvalid, CodeOf(err), "a block that claims to be huge")
}

func TestParseConversation(t *testing.T) {
	for id, want := range map[string]Conversation{
		"C2CuserB":         {C2CKind, "userB"},
		"C2CC2C":           {C2CKind, "C2C"},
		"C2Ca b/ü@#":       {C2CKind, "a b/ü@#"},
		"GROUPg1":          {GroupKind, "g1"},
		"@TIM#SYSTEM":      {SystemKind, ""},
		"@TIM#SYSTEMadmin": {SystemKind, "admin"},
	} {
		got, err := ParseConversation(id)
		require.NoError(t, err, id)
		require.Equal(t, want, got)
		require.Equal(t, id, got.String())
	}
	for _, id := range []string{"", "C2C", "GROUP", "userB", "c2cuserB", "TOPICx", "C2C" + strings.Repeat("x", MaxIdentifier+1), "C2C\xff", "C2Ca\x00b"} {
		_, err := ParseConversation(id)
		require.Equal(t, ConversationIDInvalid, CodeOf(err), "%q", id)
	}
}

func TestCodesAreOneList(t *testing.T) {
	names, numbers := map[string]bool{}, map[Code]bool{}
	for _, c := range Codes {
		require.False(t, names[c.Name] || numbers[c.Code], "%s %d stands there twice", c.Name, c.Code)
		names[c.Name], numbers[c.Code] = true, true
	}
	closes := map[CloseCode]bool{}
	for _, x := range CloseCodes {
		require.False(t, closes[x.Close], "%d stands there twice", x.Close)
		closes[x.Close] = true
		require.True(t, x.Close == CloseNormal || x.Close >= 3000 && x.Close < 4000, "a browser must be able to send it")
		if x.Code == OK {
			require.Equal(t, NetworkError, x.Close.Code())
			require.False(t, x.Close.Terminal(), "who must not come back is told why")
			continue
		}
		require.True(t, numbers[x.Code])
		require.Equal(t, x.Code, x.Close.Code())
		require.Equal(t, x.Close, CloseFor(Errorf(x.Code, "x")))
		require.NotEqual(t, x.Close.Terminal(), x.Code.Retryable(), "%d", x.Close)
	}
	require.Equal(t, CloseInternal, CloseFor(errors.New("x")))
	require.Equal(t, Internal, CodeOf(errors.New("x")), "an error that is none of ours tells nothing")
}
