package sim

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
)

const app = "lethe"

var key = []byte("the key of the simulated app, for tests only")

// host is one life of a node: the real core on the real store, which all nodes share. A crash ends it.
type host struct {
	process
	node    int
	speaks  age
	server  *server.Server
	ear     *ear
	serving sync.WaitGroup
}

// shared is the store that the nodes have in common, open while one of them lives; its file stays.
type shared struct {
	*sqlstore.Store
	// known are the answers since the last write. The store is asked once: what it answers follows from what is in it, and most
	// of a history's time went into preparing the same statements again.
	known map[string]any
}

// nodeTime is a node's clock: it may step back.
func (w *world) nodeTime(node int) time.Time { return time.Now().Add(w.model.skews[node].now()) }

func (w *world) file() string { return filepath.Join(w.plan.folder, "lethe.db") }

// startNode begins a new life of a node.
func (w *world) startNode(node int) error {
	if w.store == nil {
		sql, err := sqlstore.Open(context.Background(), w.file())
		if err != nil {
			return err
		}
		w.store = &shared{Store: sql, known: map[string]any{}}
	}
	h := &host{process: process{w: w, name: fmt.Sprintf("node %d", node)}, node: node, speaks: w.plan.ageOf(node, same, newer)}
	h.ear = &ear{h: h}
	var err error
	h.server, err = server.New(server.Options{
		Store:  &gated{Store: w.store, h: h, known: w.store.known},
		Bus:    h.ear,
		Apps:   map[string]server.App{app: {Key: key, Settings: server.Profiles[w.plan.Profile]}},
		Clock:  func() time.Time { return w.nodeTime(node) },
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		// Nothing is revoked here, so that looking for it would only cost time.
		Limits: server.Limits{Revocations: 1000 * time.Hour},
	})
	if err != nil {
		return err
	}
	w.hosts[node] = h
	w.tell("%s starts", h.name)
	return nil
}

// live are the nodes that are up.
func (w *world) live() []*host {
	return slices.DeleteFunc(slices.Clone(w.hosts), func(h *host) bool { return h == nil })
}

// endNode ends a node's life: what the store was doing for it is done or not, nothing else is left. With told, its clients learn
// of it at once; else they have to notice.
func (w *world) endNode(h *host, told bool) error {
	w.hosts[h.node] = nil
	w.kill(&h.process)
	for _, l := range w.links {
		if l.host != h {
			continue
		}
		if told {
			l.down.end(abnormal)
		} else {
			l.down.lose()
		}
		l.up.end(abnormal)
	}
	err := h.server.Shutdown(context.Background())
	h.serving.Wait()
	synctest.Wait()
	w.tell("%s is gone", h.name)
	if len(w.live()) > 0 {
		return err
	}
	if e := w.store.Close(); err == nil {
		err = e
	}
	w.store = nil
	return err
}

// removeFiles takes the store's files away.
func removeFiles(file string) error {
	for _, part := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(file + part); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
