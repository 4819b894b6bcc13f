package vault

import (
	"slices"
	"sort"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/wire"
)

// The keyring's slots. A conversation owns a pair for its own key, and for its segments extents: runs of slots in two banks,
// so that a rewritten segment gets its new key beside the old one, never over it. Everything is handed out in even numbers,
// so a pair begins at an even slot.

// deviceSlot is the device key's; the slots below firstSlot are the device's too: see intent.go.
const (
	deviceSlot = 0
	firstSlot  = 128
)

// blockSize is how many segments an extent holds at most: 64, whose two banks are one page of 4 KiB in the file.
const blockSize = 64

// block is the block of a segment: the first blocks are small, since most conversations are.
func block(segment uint32) (first, n uint32) {
	n = 4
	for n < blockSize && segment >= 2*n {
		n *= 2
	}
	return segment &^ (n - 1), n
}

// run is all slots of the extent, both banks.
func (e Extent) run() keyring.Run {
	_, n := block(e.First)
	return keyring.Run{From: e.Slot, N: 2 * n}
}

// slots are the two places for the key of a segment; 0 if the record has no extent for it.
func (r *Record) slots(segment uint32) (one, other uint32) {
	first, n := block(segment)
	for _, e := range r.Extents {
		if e.First == first {
			one = e.Slot + segment - first
			return one, one + n
		}
	}
	return 0, 0
}

// runs is every slot that the conversation owns.
func (r *Record) runs() []keyring.Run {
	var out []keyring.Run
	if r.Keys != 0 {
		out = append(out, keyring.Run{From: r.Keys, N: 2})
	}
	for _, e := range r.Extents {
		out = append(out, e.run())
	}
	return joinRuns(out)
}

// runsBelow is the slots of the segments below one.
func (r *Record) runsBelow(segment uint32) []keyring.Run {
	var out []keyring.Run
	for _, e := range r.Extents {
		if e.First >= segment {
			continue
		}
		_, n := block(e.First)
		below := min(segment-e.First, n)
		out = append(out, keyring.Run{From: e.Slot, N: below}, keyring.Run{From: e.Slot + n, N: below})
	}
	return joinRuns(out)
}

func (s Space) equal(o Space) bool { return s.Next == o.Next && slices.Equal(s.Free, o.Free) }

// take hands out n slots, an even number, in one run; fresh: never used before, so that they stand beside those that were
// taken last.
func (s *Space) take(n uint32, fresh bool) (keyring.Run, error) {
	for i, free := range s.Free {
		if free.N < n || fresh {
			continue
		}
		rest := append([]keyring.Run(nil), s.Free...)
		if rest[i].From, rest[i].N = free.From+n, free.N-n; rest[i].N == 0 {
			rest = append(rest[:i], rest[i+1:]...)
		}
		s.Free = rest
		return keyring.Run{From: free.From, N: n}, nil
	}
	s.Next = max(s.Next, firstSlot)
	if s.Next > keyring.MaxSlots-n {
		return keyring.Run{}, wire.Errorf(wire.StorageFull, "this device has used all %d slots for keys", keyring.MaxSlots)
	}
	run := keyring.Run{From: s.Next, N: n}
	s.Next += n
	return run, nil
}

// give takes slots back.
func (s *Space) give(runs []keyring.Run) {
	s.Free = joinRuns(append(append([]keyring.Run(nil), s.Free...), runs...))
	if n := len(s.Free); n > 0 && s.Free[n-1].End() == s.Next {
		s.Next = s.Free[n-1].From
		s.Free = s.Free[:n-1]
	}
}

// joinRuns sorts runs and joins those that touch.
func joinRuns(runs []keyring.Run) []keyring.Run {
	sort.Slice(runs, func(i, j int) bool { return runs[i].From < runs[j].From })
	var out []keyring.Run
	for _, r := range runs {
		if n := len(out); n > 0 && r.From <= out[n-1].End() {
			out[n-1].N = max(out[n-1].End(), r.End()) - out[n-1].From
			continue
		}
		if r.N > 0 {
			out = append(out, r)
		}
	}
	return out
}
