package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lethe-im/lethe/server/sqlstore"
)

// The sides, as the report names them.
const (
	onSQLite   = "Lethe, SQLite"
	onPostgres = "Lethe, PostgreSQL"
	isTextbook = "textbook, PostgreSQL"
)

// field is all sides with the same groups in them.
type field struct {
	sides  []side
	lethes []*lethe // the first of the sides
	ends   []func() error
}

func (f *field) close() (err error) {
	for i := len(f.ends) - 1; i >= 0; i-- {
		err = errors.Join(err, f.ends[i]())
	}
	return err
}

// pair are the users of the conversation that both delete.
var pair = [2]string{"ann", "bob"}

// openField fills all sides. close ends them.
func (r *rig) openField(ctx context.Context) (f *field, err error) {
	f = &field{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if err := r.openSQLite(ctx, f); err != nil {
		return f, err
	}
	own, err := r.cluster.Database(ctx)
	if err != nil {
		return f, err
	}
	log, err := openWAL(ctx, own)
	if err != nil {
		return f, err
	}
	f.ends = append(f.ends, func() error {
		ctx := context.WithoutCancel(ctx)
		return errors.Join(log.autovacuum(ctx, true), log.close(ctx))
	})
	if err := log.autovacuum(ctx, false); err != nil {
		return f, err
	}
	if err := r.openPostgres(ctx, f, log); err != nil {
		return f, err
	}
	address, err := r.cluster.Database(ctx)
	if err != nil {
		return f, err
	}
	t, err := openTextbook(ctx, address)
	if err != nil {
		return f, err
	}
	f.ends = append(f.ends, func() error { t.close(); return nil })
	if err := r.fillTextbook(ctx, t); err != nil {
		return f, err
	}
	r.say("%s: filled", isTextbook)
	f.sides = append(f.sides, side{isTextbook, t, log, processes{database: r.postgres}, r.plan.Copies - 1})
	return f, nil
}

func (r *rig) openSQLite(ctx context.Context, f *field) error {
	folder, err := r.newFolder()
	if err != nil {
		return err
	}
	file := filepath.Join(folder, "lethe.db")
	s, err := sqlstore.Open(ctx, file)
	if err != nil {
		return err
	}
	if err := errors.Join(r.fill(ctx, s), s.Close()); err != nil {
		return err
	}
	n, err := r.serve("--data", folder)
	if err != nil {
		return err
	}
	f.ends = append(f.ends, n.stop)
	reader, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		return err
	}
	f.ends = append(f.ends, reader.Close)
	f.add(onSQLite, &lethe{r, n, func(ctx context.Context) (owed int, err error) {
		err = reader.QueryRowContext(ctx, owedQuery).Scan(&owed)
		return owed, err
	}}, disk{n.pid()}, processes{servers: []int{n.pid()}}, r.plan.Deleters)
	r.say("%s: filled", onSQLite)
	return nil
}

func (r *rig) openPostgres(ctx context.Context, f *field, log *wal) error {
	address, err := r.cluster.Database(ctx)
	if err != nil {
		return err
	}
	s, err := sqlstore.OpenPostgres(ctx, address)
	if err != nil {
		return err
	}
	if err := errors.Join(r.fill(ctx, s), s.Close()); err != nil {
		return err
	}
	n, err := r.serve("--store", address)
	if err != nil {
		return err
	}
	f.ends = append(f.ends, n.stop)
	reader, err := pgxpool.New(ctx, address)
	if err != nil {
		return err
	}
	f.ends = append(f.ends, func() error { reader.Close(); return nil })
	f.add(onPostgres, &lethe{r, n, func(ctx context.Context) (owed int, err error) {
		err = reader.QueryRow(ctx, owedQuery).Scan(&owed)
		return owed, err
	}}, log, processes{servers: []int{n.pid()}, database: r.postgres}, r.plan.Deleters)
	r.say("%s: filled", onPostgres)
	return nil
}

func (f *field) add(name string, l *lethe, m meter, p processes, deleters int) {
	f.sides, f.lethes = append(f.sides, side{name, l, m, p, deleters}), append(f.lethes, l)
}

// owedQuery counts the deletions that the server has still to look through.
const owedQuery = `SELECT count(*) FROM purges WHERE due = 0`

// fill makes all groups in Lethe's store.
func (r *rig) fill(ctx context.Context, s *sqlstore.Store) error {
	members := r.plan.Deleters + 2 // one who deletes parts, and one who deletes nothing: all messages stay held
	if err := fillGroup(ctx, s, warmGroup, members, warmMessages); err != nil {
		return err
	}
	for i, size := range r.plan.Sizes {
		if err := fillGroup(ctx, s, sizedGroup(i), members, size); err != nil {
			return err
		}
	}
	for i, members := range r.plan.Crowds {
		if err := fillGroup(ctx, s, crowdGroup(i), members, r.plan.CrowdMessages); err != nil {
			return err
		}
	}
	return fillMessages(ctx, s, pair[0], "C2C"+pair[1], pair[:], r.plan.Purged)
}

// fillTextbook makes the same groups; those of the sizes have few members, since each has rows of its own.
func (r *rig) fillTextbook(ctx context.Context, t *textbook) error {
	if err := t.fill(ctx, warmGroup, r.plan.Copies, warmMessages); err != nil {
		return err
	}
	for i, size := range r.plan.Sizes {
		if err := t.fill(ctx, sizedGroup(i), r.plan.Copies, size); err != nil {
			return err
		}
	}
	for i, members := range r.plan.Crowds {
		if err := t.fill(ctx, crowdGroup(i), members, r.plan.CrowdMessages); err != nil {
			return err
		}
	}
	return t.filled(ctx)
}
