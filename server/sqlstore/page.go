package sqlstore

import (
	"context"
	"slices"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Page answers a PageRequest with the user's view.
func (s *Store) Page(ctx context.Context, who server.Who, p wire.PageRequest, maxBytes int) (page wire.Page, err error) {
	if err := checkPage(p); err != nil {
		return wire.Page{}, err
	}
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		v, err := openView(ctx, tx, who, p.ConversationID)
		if err != nil {
			return err
		}
		page, err = v.page(ctx, tx, p, maxBytes)
		return err
	})
	return page, err
}

func checkPage(p wire.PageRequest) error {
	if p.Limit == 0 || p.Limit > wire.MaxPage {
		return wire.Errorf(wire.ParameterInvalid, "a page has 1 to %d messages", wire.MaxPage)
	}
	return nil
}

// page takes whole segments downwards. What it passes and does not put into a batch is gone for the user.
func (v *view) page(ctx context.Context, tx *transaction, p wire.PageRequest, maxBytes int) (wire.Page, error) {
	page := wire.Page{Log: v.id, Head: v.reach, From: p.Above + 1, To: v.reach}
	if p.Below != 0 {
		page.To = min(v.reach, p.Below-1)
	}
	found, below := 0, page.To+1
	for {
		s, ok := v.next(below-1, p.Above)
		if !ok {
			break
		}
		if found >= int(p.Limit) {
			page.From = below
			break
		}
		part, err := v.segment(ctx, tx, s, p.Above, maxBytes)
		if err != nil {
			return wire.Page{}, err
		}
		if part.full && found > 0 {
			page.From = below // it opens the next page
			break
		}
		below = part.from
		if len(part.messages) == 0 { // on from the next one that is stored, however far down
			if below, err = v.stored(ctx, tx, below-1); err != nil {
				return wire.Page{}, err
			}
			below++
			continue
		}
		batch, err := wire.NewBatch(s.segment, part.messages)
		if err != nil {
			return wire.Page{}, err
		}
		page.Batches = append(page.Batches, batch)
		found += len(part.messages)
		maxBytes -= part.bytes
		if part.full {
			page.From = below
			break
		}
	}
	slices.Reverse(page.Batches)

	// Nothing more of the view, however far down: the page covers that too.
	next, err := v.newest(ctx, tx, page.From-1)
	if err != nil {
		return wire.Page{}, err
	}
	page.First = next == nil
	if page.First || next.Seq <= p.Above {
		page.From = p.Above + 1
	}
	return page, nil
}

// part is what a page takes of one segment.
type part struct {
	messages []wire.Message // by rising seq
	bytes    int
	from     uint64 // the lowest seq it covers
	full     bool   // the segment has more below from than maxBytes allow
}

// segment reads the view's messages of the segment in which s lies, from s downwards, down to above. At least one
// message, whatever its size.
func (v *view) segment(ctx context.Context, tx *transaction, s stretch, above uint64, maxBytes int) (part, error) {
	p := part{from: max(uint64(s.segment)*wire.SegmentSize, above+1)}
	for segment, ok := s.segment, true; ok && s.segment == segment; s, ok = v.next(s.first-1, above) {
		if err := v.scan(ctx, tx, s, wire.SegmentSize, func(m wire.Message) bool {
			size := m.Msgsize()
			if p.full = len(p.messages) > 0 && p.bytes+size > maxBytes; p.full {
				return false
			}
			p.messages = append(p.messages, m)
			p.bytes += size
			return true
		}); err != nil {
			return part{}, err
		}
		if p.full {
			p.from = p.messages[len(p.messages)-1].Seq
			break
		}
	}
	slices.Reverse(p.messages)
	return p, nil
}
