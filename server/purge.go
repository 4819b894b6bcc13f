package server

import (
	"context"
	"time"
)

// purgeSweep is how often it is looked for what no view holds any more.
const purgeSweep = time.Minute

// purge removes what no view holds any more, in slices between which others write, and then makes the files forget it.
func (s *Server) purge(ctx context.Context) error {
	for app := range s.apps {
		for more := true; more; {
			set, err := s.settings(ctx, app)
			if err == nil {
				more, err = s.store.Purge(ctx, app, set, s.now())
			}
			if err != nil {
				return err
			}
		}
	}
	return s.store.Erase(ctx)
}
