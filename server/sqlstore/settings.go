package sqlstore

import (
	"context"
	"encoding/json"

	"github.com/lethe-im/lethe/server"
)

// Settings are an app's settings, false if it never was given any.
func (s *Store) Settings(ctx context.Context, app string) (set server.Settings, ok bool, err error) {
	err = s.readOne(ctx, func(ctx context.Context, tx *transaction) error {
		set, ok, err = settingsOf(ctx, tx, app)
		return err
	})
	return set, ok, err
}

func settingsOf(ctx context.Context, tx *transaction, app string) (set server.Settings, ok bool, err error) {
	var value []byte
	if ok, err = found(tx.row(ctx, `SELECT value FROM settings WHERE app = ?`, app), &value); !ok || err != nil {
		return set, false, err
	}
	set = server.Lethe // for settings that are newer than the row
	err = json.Unmarshal(value, &set)
	return set, err == nil, err
}

// ChangeSettings applies change to an app's settings, or to initial if it has none.
func (s *Store) ChangeSettings(ctx context.Context, app string, initial server.Settings, change func(*server.Settings) error) (set server.Settings, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		ok := false
		if set, ok, err = settingsOf(ctx, tx, app); err != nil {
			return err
		} else if !ok {
			set = initial
		}
		if err := change(&set); err != nil {
			return err
		}
		value, err := json.Marshal(set)
		if err != nil {
			return err
		}
		err = tx.exec(ctx, `INSERT INTO settings (app, value) VALUES (?, ?)
			ON CONFLICT (app) DO UPDATE SET value = excluded.value`, app, string(value))
		return err
	})
	return set, err
}
