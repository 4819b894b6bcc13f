package ledger

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

// A server that joins what it lacks knows as much as the device, and nothing that the device did not know from a server.
func TestWhatAServerLacks(t *testing.T) {
	for seed := uint64(0); seed < 500; seed++ {
		r := rand.New(rand.NewPCG(seed, 4))
		random := func() (l wire.Ledger) {
			l.Through, l.HiddenAt = r.Uint64N(700), r.Uint64N(900)
			for range r.IntN(8) {
				l.Ranges.Add(1 + r.Uint64N(900))
			}
			l.Trim()
			return l
		}
		mine := Book{Head: 600 + r.Uint64N(300), Local: random(), Read: r.Uint64N(900), ServerRead: r.Uint64N(900)}
		server := Book{Devices: random(), History: random(), ServerRead: r.Uint64N(900)}
		mine.Devices, mine.History = random(), random()
		mine.History.Join(mine.Devices) // as every server has it
		server.History.Join(server.Devices)
		if r.IntN(4) == 0 { // it has forgotten nothing
			server.Devices.Join(mine.Devices)
			server.History.Join(mine.History)
			server.History.Join(mine.Devices)
			server.ServerRead = max(server.ServerRead, mine.Read, mine.ServerRead)
			require.Equal(t, Lacks{}, mine.Lacks(&server), "seed %d", seed)
		}
		lacks := mine.Lacks(&server)
		after := server.Clone()
		after.Devices.Join(lacks.Devices)
		after.History.Join(lacks.Devices) // on all devices is in the history as well
		after.History.Join(lacks.History)
		after.ServerRead = max(after.ServerRead, lacks.Read, lacks.Devices.Through, lacks.History.Through)
		for seq := uint64(1); seq < 910; seq++ {
			require.Equal(t, mine.Devices.Has(seq) || server.Devices.Has(seq), after.Devices.Has(seq), "seed %d: %d", seed, seq)
			history := mine.History.Has(seq) || mine.Devices.Has(seq) || server.History.Has(seq)
			require.Equal(t, history, after.History.Has(seq), "seed %d: %d", seed, seq)
		}
		hides := mine.Devices.Hides(mine.Head) || server.Devices.Hides(mine.Head)
		require.Equal(t, hides, after.Devices.Hides(mine.Head), "seed %d", seed)
		require.GreaterOrEqual(t, after.ServerRead, max(mine.Read, mine.ServerRead), "seed %d", seed)
	}
}
