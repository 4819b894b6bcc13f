//go:build js && wasm

package idb

import (
	"context"
	"fmt"
	"slices"

	"github.com/lethe-im/lethe/sdk/kv"
)

// Remake makes a database anew that lacks tables, which Open refuses with kv.ErrTable: a table comes with a new version only, and
// this version is the newest. The records of the lasting tables that are there are carried over; what the tab has read when it
// dies in the midst of it is lost, as when the browser clears a site's storage.
func Remake(ctx context.Context, name string, version uint, tables, lasting []kv.Table) error {
	old, err := readAll(ctx, name, version, lasting)
	if err != nil {
		return fmt.Errorf("idb: remake %s: %w", name, err)
	}
	if err := (&store{name: name}).Destroy(ctx); err != nil {
		return err
	}
	made, err := Open(ctx, name, version, tables, Events{})
	if err != nil {
		return err
	}
	present := slices.DeleteFunc(slices.Clone(lasting), func(table kv.Table) bool { return old[table] == nil })
	if len(present) > 0 {
		err = made.Update(ctx, kv.Strict, present, func(tx kv.Tx) error {
			for _, table := range present {
				for _, e := range old[table] {
					if err := tx.Put(table, e.Key, e.Value); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	if closing := made.Close(); err == nil {
		err = closing
	}
	return err
}

// readAll reads the records of those of the tables that the database has.
func readAll(ctx context.Context, name string, version uint, tables []kv.Table) (map[kv.Table][]kv.Entry, error) {
	there := &store{name: name, version: version, opener: make(chan struct{}, 1)}
	conn, err := there.connect(ctx, false) // asks for no table, as there names none yet
	if err != nil {
		return nil, err
	}
	defer hangUp(conn, false)
	names := conn.Get("objectStoreNames")
	for _, table := range tables {
		if names.Call("contains", string(table)).Bool() {
			there.tables = append(there.tables, table)
		}
	}
	entries := map[kv.Table][]kv.Entry{}
	if len(there.tables) == 0 {
		return entries, nil
	}
	there.conn = conn
	err = there.View(ctx, there.tables, func(tx kv.Tx) error {
		for _, table := range there.tables {
			if entries[table], err = tx.Scan(table, kv.All, 0, false); err != nil {
				return err
			}
		}
		return nil
	})
	return entries, err
}
