package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/fault"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/ramdisk"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/server/sqlstore/powercut"
	"github.com/lethe-im/lethe/server/storetest"
	"github.com/lethe-im/lethe/wire"
)

var (
	cuts  = flag.Int("cuts", 0, "how many more power cuts at random moments TestAcknowledgedOutlivesPowerCuts makes, of random work")
	every = flag.Bool("every", false, "fail each write below SQLite, not each fifth, and each statement")
)

// cuttable is a store on a disk whose power fails.
type cuttable struct {
	*testing.T
	disk        *powercut.Disk
	left        string // a folder for what is left after a cut
	synchronous string
	s           *sqlstore.Store
	// acked are the operations that were acknowledged, each with the moments of its begin and its end, and the tables then.
	acked []acked
}

type acked struct {
	name       string
	begun, end int
	tables     string
}

func newCuttable(t *testing.T, synchronous string) *cuttable {
	t.Helper()
	disk, err := powercut.New(ramdisk.Folder(t))
	require.NoError(t, err)
	return &cuttable{T: t, disk: disk, left: ramdisk.Folder(t), synchronous: synchronous}
}

func (c *cuttable) path() string { return filepath.Join(c.disk.Folder, "lethe.db") }

// through connects by the disk's VFS.
func through(disk *powercut.Disk, synchronous string) func(string) (*sql.DB, error) {
	return func(source string) (*sql.DB, error) {
		source = strings.Replace(source, url.QueryEscape("synchronous(FULL)"), url.QueryEscape("synchronous("+synchronous+")"), 1)
		inner, err := sqlstore.Connector(source + "&vfs=" + disk.Name)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(inner), nil
	}
}

func (c *cuttable) open(ctx context.Context) (err error) {
	c.s, err = sqlstore.OpenBy(ctx, c.path(), through(c.disk, c.synchronous))
	return err
}

// tables is everything that a file holds, in order.
func tables(t *testing.T, path string) string {
	t.Helper()
	f := file{path}
	var lines []string
	for name, rows := range f.Tables(t) {
		for _, row := range rows {
			lines = append(lines, fmt.Sprint(name, row))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// task is one operation of the work, in one transaction.
type task struct {
	name string
	do   func(ctx context.Context, s *sqlstore.Store) error
}

// do does a task, again while the disk fails it.
func (c *cuttable) do(x task) {
	c.Helper()
	begun := c.disk.Moment()
	var err error
	for range 3 {
		if err = x.do(c.Context(), c.s); err == nil {
			break
		}
	}
	require.NoError(c, err, x.name)
	c.acked = append(c.acked, acked{x.name, begun, c.disk.Moment(), tables(c.T, c.path())})
}

// run opens the store, does all the work, and opens it again on the way.
func (c *cuttable) run(work []task) {
	c.Helper()
	opened := func() {
		begun := c.disk.Moment()
		err := c.open(c.Context())
		if err != nil {
			err = c.open(c.Context())
		}
		require.NoError(c, err)
		c.acked = append(c.acked, acked{"open", begun, c.disk.Moment(), tables(c.T, c.path())})
	}
	opened()
	for i, x := range work {
		if i == 2*len(work)/3 {
			require.NoError(c, c.s.Close())
			opened()
		}
		c.do(x)
	}
}

// requireCut cuts the power at a moment and holds what is left to what was acknowledged by then. It tells whether all of it
// was there.
func (c *cuttable) requireCut(t *testing.T, moment int, cut powercut.Cut, random *rand.Rand, must bool) bool {
	t.Helper()
	folder, err := os.MkdirTemp(c.left, "cut")
	require.NoError(t, err)
	defer os.RemoveAll(folder)
	why := fmt.Sprintf("%s, moment %d, cut %d", c.synchronous, moment, cut)
	require.NoError(t, c.disk.Leave(folder, moment, cut, random), why)
	path := filepath.Join(folder, "lethe.db")
	s, err := sqlstore.OpenBy(t.Context(), path, striking(&fault.Counter{}))
	if err != nil && !must {
		return false
	}
	require.NoError(t, err, why)
	require.NoError(t, s.Close(), why)
	now := tables(t, path)
	(&file{path}).Sound(t)
	last, legal := "nothing", false
	for i, a := range c.acked {
		if a.end <= moment {
			last, legal = a.name, now == a.tables
		} else {
			// One operation may be under way, and so done or not; after an open, the empty store is made in any case.
			legal = legal || a.begun <= moment && now == a.tables || i == 0 && now == a.tables
			break
		}
	}
	if must {
		require.True(t, legal, "%s: after %q there is something else:\n%s", why, last, now)
	}
	return legal
}

func payloadOf(text string) msgp.Raw {
	return msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), text)
}

// work is deletions and messages, with what the server does about them on its own.
func work(random *rand.Rand, n int) (all []task) {
	users := []string{"a", "b", "c"}
	heads := map[string]uint64{}
	now := int64(1_000_000)
	all = append(all, task{"group", func(ctx context.Context, s *sqlstore.Store) error {
		_, err := s.PutGroup(ctx, "lethe", "g", "g", false)
		return err
	}}, task{"members", func(ctx context.Context, s *sqlstore.Store) error {
		_, _, err := s.Members(ctx, "lethe", "g", users, nil)
		return err
	}})
	for i := range n {
		who := server.Who{App: "lethe", User: users[random.IntN(len(users))]}
		id := wire.ID{1, byte(i), byte(i >> 8)}
		now += 1000
		at := now
		switch k := random.IntN(12); {
		case k < 5 || heads["g"] == 0:
			text := strings.Repeat("what is said ", 1+random.IntN(40)*random.IntN(20))
			heads["g"]++
			all = append(all, task{"send", func(ctx context.Context, s *sqlstore.Store) error {
				_, _, err := s.Send(ctx, who, wire.Send{SendID: id, ConversationID: "GROUPg", Type: wire.TypeText, Payload: payloadOf(text)}, at)
				return err
			}})
		case k < 9:
			d := wire.Delete{OpID: id, ConversationID: "GROUPg", Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: heads["g"]}
			if k == 8 {
				d.What = wire.WhatConversation
			} else {
				d.Ranges = wire.RangesOf(1 + random.Uint64N(heads["g"]))
			}
			all = append(all, task{"delete", func(ctx context.Context, s *sqlstore.Store) error {
				_, err := s.Delete(ctx, who, d, server.Lethe, at)
				return err
			}})
		case k == 9:
			all = append(all, task{"recall", func(ctx context.Context, s *sqlstore.Store) error {
				_, _, err := s.RecallByAdmin(ctx, "lethe", "", wire.Recall{ConversationID: "GROUPg", Seq: 1}, at)
				if wire.CodeOf(err) == wire.MessageNotFound {
					err = nil // it was purged
				}
				return err
			}})
		case k == 10:
			all = append(all, task{"purge", func(ctx context.Context, s *sqlstore.Store) error {
				_, err := s.Purge(ctx, "lethe", server.Lethe, at)
				return err
			}})
		default:
			all = append(all, task{"erase", func(ctx context.Context, s *sqlstore.Store) error {
				for {
					if more, err := s.Erase(ctx); err != nil || !more {
						return err
					}
				}
			}})
		}
	}
	return all
}

// After a power cut at any moment everything that was acknowledged is there, nothing is there by half, and the file is sound:
// whatever of the unsynced writes has reached the disk.
func TestAcknowledgedOutlivesPowerCuts(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	length := 36
	if testing.Short() {
		length = 6
	}
	made := everyCut(t, newCuttable(t, "FULL"), work(random, length), seed)
	t.Logf("%d power cuts", made)
	for n := 0; n < *cuts; n += 100 {
		c := newCuttable(t, "FULL")
		c.run(work(random, 100))
		for range 100 {
			c.requireCut(t, random.IntN(c.disk.Moment()+1), powercut.Anything, random, true)
		}
		require.NoError(t, c.s.Close())
	}
}

// everyCut cuts at each moment, in each way, and tells how many cuts these were.
func everyCut(t *testing.T, c *cuttable, work []task, seed uint64) (made int) {
	c.run(work)
	moments := c.disk.Moment()
	var all sync.WaitGroup
	for part := range 2 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(2+part)))
			for moment := part; moment <= moments; moment += 2 {
				c.requireCut(t, moment, powercut.Nothing, random, true)
				c.requireCut(t, moment, powercut.Anything, random, true)
			}
		})
	}
	all.Wait()
	require.NoError(t, c.s.Close())
	c.requireFaithful(t)
	return 2 * (moments + 1)
}

// requireFaithful holds the notes to the real files.
func (c *cuttable) requireFaithful(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, c.disk.Leave(folder, c.disk.Moment(), powercut.Everything, nil))
	require.True(t, reflect.DeepEqual(contents(t, c.disk.Folder), contents(t, folder)))
}

// A file that is not ours is left alone with its unfinished change too.
func TestForeignUnfinishedFilesAreLeftAlone(t *testing.T) {
	disk, err := powercut.New(ramdisk.Folder(t))
	require.NoError(t, err)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(disk.Folder, "lethe.db")+"?vfs="+disk.Name)
	require.NoError(t, err)
	_, err = db.Exec(`CREATE TABLE theirs (x)`)
	require.NoError(t, err)
	begin := disk.Moment()
	_, err = db.Exec(`INSERT INTO theirs VALUES (1)`)
	require.NoError(t, errors.Join(err, db.Close()))
	hot := 0
	for moment := begin; moment <= disk.Moment(); moment++ {
		folder := t.TempDir()
		require.NoError(t, disk.Leave(folder, moment, powercut.Everything, nil))
		before := contents(t, folder)
		if len(before["lethe.db-journal"]) > 0 {
			hot++
		}
		_, err := sqlstore.Open(t.Context(), filepath.Join(folder, "lethe.db"))
		require.Error(t, err)
		require.Equal(t, before, contents(t, folder))
	}
	require.NotZero(t, hot)
}

func contents(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		all[entry.Name()], err = os.ReadFile(filepath.Join(folder, entry.Name()))
		require.NoError(t, err)
	}
	return all
}

// The power cuts bite: with a store that does not wait for the disk, acknowledged operations are lost.
func TestPowerCutsBite(t *testing.T) {
	t.Parallel()
	for _, synchronous := range []string{"OFF", "NORMAL"} {
		random := rand.New(rand.NewPCG(1, 1))
		c := newCuttable(t, synchronous)
		c.run(work(random, 12))
		lost := 0
		for moment := 0; moment <= c.disk.Moment(); moment += 5 {
			if !c.requireCut(t, moment, powercut.Nothing, random, false) {
				lost++
			}
		}
		require.Greater(t, lost, c.disk.Moment()/20, synchronous)
		require.NoError(t, c.s.Close())
		c.requireFaithful(t)
	}
}

// writes is from one write that fails to the next.
func writes() int {
	switch {
	case *every:
		return 1
	case testing.Short():
		return 41
	default:
		return 5
	}
}

// Where a sync fails, the kernel gives up what it was to write, and a later sync says that all is well. What is acknowledged
// after that is on the disk nevertheless. So with writes that fail, and with writes that are torn.
func TestAcknowledgedOutlivesFailedWrites(t *testing.T) {
	t.Parallel()
	stride := writes()
	for i, f := range []fault.Fault{
		{Err: errors.New("broken")}, {Err: errors.New("broken"), After: true}, {Err: powercut.ErrFull}, {Err: powercut.ErrFull, Torn: true},
	} {
		bitten := 0
		for k := 1 + i; ; k += stride {
			random := rand.New(rand.NewPCG(7, 7))
			c := newCuttable(t, "FULL")
			f.Step = k
			c.disk.Steps.Arm(f)
			c.run(work(random, 5))
			bit := c.disk.Steps.Bit()
			c.disk.Steps.Arm(fault.Fault{})
			for _, cut := range []powercut.Cut{powercut.Nothing, powercut.Anything} {
				c.requireCut(t, c.disk.Moment(), cut, random, true)
			}
			require.NoError(t, c.s.Close())
			if !bit {
				break
			}
			bitten++
		}
		require.Greater(t, bitten*stride, 100, "%+v: the fault hardly struck", f)
	}
}

// written is a disk whose steps are the writes and syncs below SQLite.
type written struct{ *file }

func (w written) Open(ctx context.Context, c *fault.Counter) (server.Store, error) {
	disk, err := powercut.New(filepath.Dir(w.path))
	if err != nil {
		return nil, err
	}
	disk.Steps = c
	return sqlstore.OpenBy(ctx, w.path, through(disk, "FULL"))
}

func (w written) Copy(t *testing.T) storetest.Disk { return written{w.file.Copy(t).(*file)} }

func TestFaultsAtEveryWrite(t *testing.T) {
	t.Parallel()
	n := writes()
	storetest.Faults(t, written{newFile(t)}, storetest.Strikes{
		Errors: []error{powercut.ErrFull, errors.New("broken")}, Stride: n, Every: *every, Least: 1000 / n,
	})
}
