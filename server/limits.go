package server

import (
	"time"

	"github.com/lethe-im/lethe/wire"
)

// Limits bound what one peer may cost. A zero field takes its default; docs/server.md tells the defaults and why.
type Limits struct {
	Hello time.Duration // for the first frame; default 5 s
	Idle  time.Duration // without a frame; default 90 s, since background tabs are slowed to one timer a minute
	Write time.Duration // for one frame to be taken, besides what a line of 32 KiB/s needs for it; default 5 s
	Close time.Duration // for the closing handshake; default 5 s
	// Queue is how many bytes of events a connection may have waiting; default 8 MiB, two of the largest frames.
	Queue int

	// Rate and Burst are a user's operations a second, on all connections together; default 50 and 1 000. What comes faster
	// is not refused: it waits, and what waits is not read.
	Rate  float64
	Burst int

	// PerDevice, PerUser and PerAddress are connections at once; default 32, 128 and 1 000. NewPerAddress are those among an
	// address's that have not said hello; default 200. Who comes above is closed with CloseTooManyConnections.
	PerDevice     int
	PerUser       int
	PerAddress    int
	NewPerAddress int
	// HandshakeRate and HandshakeBurst are an address's handshakes a second; default 20 and 1 000, so that all who share an
	// address may come back at once when the server was started anew. More are answered 429.
	HandshakeRate  float64
	HandshakeBurst int

	// TokenLife is the longest time between a token's iat and exp; default 0: any.
	TokenLife time.Duration
	// Revocations is how often it is looked whether another server has revoked something; default 2 s.
	Revocations time.Duration
}

// slowLine is the slowest line that is waited for, in bytes a second.
const slowLine = 32 << 10

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	fill(&l.Hello, 5*time.Second)
	fill(&l.Idle, 90*time.Second)
	fill(&l.Write, 5*time.Second)
	fill(&l.Close, 5*time.Second)
	fill(&l.Queue, 8<<20)
	fill(&l.Rate, 50)
	fill(&l.Burst, 1000)
	fill(&l.PerDevice, 32)
	fill(&l.PerUser, 128)
	fill(&l.PerAddress, 1000)
	fill(&l.NewPerAddress, 200)
	fill(&l.HandshakeRate, 20)
	fill(&l.HandshakeBurst, 1000)
	fill(&l.Revocations, 2*time.Second)
	return l
}

// check refuses what makes no sense. Errors: ParameterInvalid.
func (l Limits) check() error {
	for _, negative := range []bool{
		l.Hello < 0, l.Idle < 0, l.Write < 0, l.Close < 0, l.Queue < 0, l.Rate < 0, l.Burst < 0, l.PerDevice < 0, l.PerUser < 0,
		l.PerAddress < 0, l.NewPerAddress < 0, l.HandshakeRate < 0, l.HandshakeBurst < 0, l.TokenLife < 0, l.Revocations < 0,
	} {
		if negative {
			return wire.Errorf(wire.ParameterInvalid, "limits: none is negative")
		}
	}
	return nil
}

func fill[T comparable](field *T, otherwise T) {
	var zero T
	if *field == zero {
		*field = otherwise
	}
}
