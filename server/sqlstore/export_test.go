package sqlstore

import "context"

// CutLog is the last step of Erase alone.
func (s *Store) CutLog(ctx context.Context) error { return s.cutLog(ctx) }
