package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lethe-im/lethe/cmd/lethe/options"
	"github.com/lethe-im/lethe/server/sqlstore"
)

const backupHelp = `lethe backup FILE --data DIR writes the store in DIR into a new file, as it stands at one moment. The server may go on
running. The key that signs tokens is not in it.
`

const restoreHelp = `lethe restore FILE --data DIR makes the store in DIR from a backup. No server may run on DIR.

Devices that know of newer deletions tell the restored server of them when they come back. Messages that were sent after the
backup are gone from the server, and each conversation goes on far above their numbers.

With --store ADDRESS and no FILE it does so in a PostgreSQL database that pg_restore has filled.
`

// storeName is the store's file in the data folder.
const storeName = "lethe.db"

// fileFirst takes the file that a command begins with.
func fileFirst(args []string) (file string, rest []string) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return args[0], args[1:]
	}
	return "", args
}

func backup(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options.Options
	file, args := fileFirst(args)
	done, _, err := configure("backup", &o, args, stdout, stderr, backupHelp)
	switch {
	case done || err != nil:
		return err
	case file == "":
		return usage(stderr, "backup: the file to write comes first: lethe backup FILE --data DIR")
	case o.Store != "":
		return usage(stderr, "backup: a PostgreSQL store is backed up by pg_dump; docs/ops.md says how")
	case o.Data == "":
		return usage(stderr, "backup: --data is needed: the folder that the store is in")
	}
	if err := sqlstore.Backup(ctx, filepath.Join(o.Data, storeName), file); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "backed up %s to %s, %d bytes\n", filepath.Join(o.Data, storeName), file, info.Size())
	return err
}

func restore(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options.Options
	var r sqlstore.Restoring
	file, args := fileFirst(args)
	done, _, err := configure("restore", &o, args, stdout, stderr, restoreHelp, func(f *flag.FlagSet) {
		f.BoolVar(&r.Replace, "replace", false, "take the place of the store that is in the folder; it is kept beside it")
		f.Uint64Var(&r.Gap, "gap", sqlstore.RestoreGap, "go on so many `messages` above those of the backup: more than were sent in one conversation since")
	})
	switch {
	case done || err != nil:
		return err
	case r.Gap == 0 || r.Gap >= 1<<31:
		return usage(stderr, "restore: --gap is 1 to 2147483647")
	case o.Store != "" && (file != "" || r.Replace):
		return usage(stderr, "restore: pg_restore fills the database; then lethe restore --store ADDRESS, without a file")
	case o.Store != "":
		return restored(ctx, o.Store, r.Gap, stdout)
	case file == "":
		return usage(stderr, "restore: the backup comes first: lethe restore FILE --data DIR")
	case o.Data == "":
		return usage(stderr, "restore: --data is needed: the folder to restore to")
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return err
	}
	r.Now = time.Now()
	made, err := sqlstore.Restore(ctx, file, filepath.Join(o.Data, storeName), r)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("restore: %w; --replace keeps it beside the restored one", err)
	case err != nil:
		return fmt.Errorf("restore: %w", err)
	}
	if made.Kept != "" {
		if _, err := fmt.Fprintf(stdout, "kept the store that was there as %s\n", made.Kept); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(stdout, "restored %s to %s, epoch %d\n", file, filepath.Join(o.Data, storeName), made.Epoch)
	return err
}

// restored makes what pg_restore has put into a database a store that goes on.
func restored(ctx context.Context, address string, gap uint64, stdout io.Writer) (err error) {
	s, err := sqlstore.OpenPostgres(ctx, address)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	epoch, err := s.BeginEpoch(ctx, time.Now(), gap, nil)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	_, err = fmt.Fprintf(stdout, "restored the database, epoch %d\n", epoch)
	return err
}
