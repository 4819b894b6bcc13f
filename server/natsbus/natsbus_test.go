package natsbus

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/bustest"
	"github.com/lethe-im/lethe/server/natsbus/natstest"
)

// journal is a log that tests read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

func openBus(t *testing.T, url string) (*Bus, *journal) {
	t.Helper()
	log := &journal{}
	b, err := Open(Options{URL: url, Logger: log.logger()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b, log
}

// connected waits until the buses have NATS, and all that follows from it is done.
func connected(t *testing.T, buses ...*Bus) {
	t.Helper()
	bustest.Soon(t, "NATS is there", func() bool {
		for _, b := range buses {
			if s := b.Stats(); !s.Connected || s.Looks == 0 {
				return false
			}
		}
		return true
	})
}

func TestContract(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	bustest.Run(t, func(t *testing.T) bustest.Nodes {
		a, _ := openBus(t, "nats://"+nats.Address())
		b, _ := openBus(t, "nats://"+nats.Address())
		connected(t, a, b)
		return bustest.Nodes{A: a, B: b}
	})
}

// The subjects are what nodes of two versions have in common: they stay as they are.
func TestSubjects(t *testing.T) {
	require.Equal(t, "lethe.1.ahZz1I7cr8pufhnROSaJqg.l.00000000000000ff", subject(server.Topic{App: "lethe", Log: 255}))
	require.Equal(t, "lethe.1.ahZz1I7cr8pufhnROSaJqg.u.GolreDSRSPCDXrbbBHrlsQ", subject(server.Topic{App: "lethe", User: "ann"}))
	for _, name := range []string{"a.b c", "*", strings.Repeat("x", 128)} {
		require.Regexp(t, `^lethe\.1\.[\w-]{22}\.u\.[\w-]{22}$`, subject(server.Topic{App: name, User: name}))
	}
	require.NotEqual(t, token("ab", "c"), token("a", "bc"))
}

func TestPokesOfOtherVersions(t *testing.T) {
	p := server.Poke{N: 1, From: 2, To: 3, Recall: 4, Closed: true, Except: 5}
	require.Equal(t, p, parsePoke(append(appendPoke(nil, p), "what a newer node adds"...)))
	require.Zero(t, parsePoke([]byte("short")))
	require.Zero(t, parsePoke(nil))
}

func TestBadURLs(t *testing.T) {
	for url, says := range map[string]string{
		"":                                   "begins with",
		"127.0.0.1:4222":                     "not a URL",
		"http://user:hunter2@host":           "begins with",
		"nats://":                            "names no host",
		"nats://user:hunter2@":               "names no host",
		"nats://user:hunter2@host:port":      "not a URL",
		"nats://user:hunter2@a,http://b":     "begins with",
		"nats://user:hunter2@[::1":           "not a URL",
		"nats://user:hunter2@host:4222,":     "begins with",
		"nats://user:hun%zzter2@host:4222":   "not a URL",
		"nats://user:hunter2@ho st:4222":     "not a URL",
		"nats://user:hunter2@host:4222/\x00": "not a URL",
	} {
		_, err := Open(Options{URL: url})
		require.ErrorContains(t, err, says, url)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

// A password is asked for and never told, whatever happens.
func TestCredentialsAreNotLogged(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	nats.Stop()
	nats.Username, nats.Password = "node", "hunter2"
	nats.Start()
	right, rightLog := openBus(t, "nats://node:hunter2@"+nats.Address())
	wrong, wrongLog := openBus(t, "nats://node:hunter3@"+nats.Address())
	connected(t, right)
	bustest.Soon(t, "it is told why", func() bool { return strings.Contains(wrongLog.String(), "Authorization Violation") })
	time.Sleep(2 * time.Second) // several tries
	require.False(t, wrong.Stats().Connected)
	require.Equal(t, 1, strings.Count(wrongLog.String(), "Authorization Violation"), "once")
	nats.Stop()
	bustest.Soon(t, "it is noticed", func() bool { return !right.Stats().Connected })
	nats.Start()
	bustest.Soon(t, "it is back", func() bool { return right.Stats().Connected })
	require.Contains(t, rightLog.String(), nats.Address())
	for _, log := range []string{rightLog.String(), wrongLog.String()} {
		require.NotContains(t, log, "hunter")
	}
	// The password is changed to what the other says: it need not be started again.
	nats.Stop()
	nats.Password = "hunter3"
	nats.Start()
	bustest.Soon(t, "the other comes in", func() bool { return wrong.Stats().Connected })
}
