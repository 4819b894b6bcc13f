package natsbus

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/lethe-im/lethe/server"
)

// The number in the subjects is the version of them and of the messages.
const (
	subjects    = "lethe.1."
	lookSubject = subjects + "look"
)

// subject is the NATS subject of a topic.
func subject(t server.Topic) string {
	if t.User != "" {
		return subjects + token(t.App) + ".u." + token(t.App, t.User)
	}
	return subjects + token(t.App) + ".l." + fmt.Sprintf("%016x", t.Log)
}

// token is a hash of names as a token of a subject. The names are apart by their lengths.
func token(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%d %s", len(name), name)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// pokeSize is the least size of a message: N, From, To, Recall and Except, 8 bytes each and big-endian, and flags.
const pokeSize = 5*8 + 1

// flagClosed is the flag of Poke.Closed.
const flagClosed = 1

func appendPoke(b []byte, p server.Poke) []byte {
	for _, n := range []uint64{p.N, p.From, p.To, p.Recall, p.Except} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	var flags byte
	if p.Closed {
		flags |= flagClosed
	}
	return append(b, flags)
}

// parsePoke reads a message. What a newer node adds is passed over; what is no poke says only that there is something to look at.
func parsePoke(b []byte) (p server.Poke) {
	if len(b) < pokeSize {
		return p
	}
	for i, n := range []*uint64{&p.N, &p.From, &p.To, &p.Recall, &p.Except} {
		*n = binary.BigEndian.Uint64(b[8*i:])
	}
	p.Closed = b[pokeSize-1]&flagClosed != 0
	return p
}
