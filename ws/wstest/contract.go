// Package wstest has the contract suite of sdk.Conn, run natively and in the browser, and the server it needs, which is
// native: the command serve starts it for the browser's run.
package wstest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

// ServerVariable names the environment variable with the server's address.
const ServerVariable = "LETHE_WS_SERVER"

// Pattern is n bytes that count up.
func Pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8)
	}
	return b
}

// Contract checks every sentence of sdk.Dialer's and sdk.Conn's contract against the server.
func Contract(t *testing.T, dial sdk.Dialer, server string) {
	for name, run := range map[string]func(*suite, *testing.T){
		"echo":                    (*suite).echo,
		"order":                   (*suite).order,
		"large":                   (*suite).large,
		"too large":               (*suite).tooLarge,
		"text":                    (*suite).text,
		"many writers":            (*suite).manyWriters,
		"server closes":           (*suite).serverCloses,
		"messages before a close": (*suite).messagesBeforeClose,
		"reset":                   (*suite).reset,
		"close":                   (*suite).closes,
		"close with odd codes":    (*suite).oddCodes,
		"close wakes a reader":    (*suite).closeWakesReader,
		"close behind a write":    (*suite).closeBehindWrite,
		"close against a flood":   (*suite).closeAgainstFlood,
		"read given up":           (*suite).readGivenUp,
		"write given up":          (*suite).writeGivenUp,
		"dial context":            (*suite).dialContext,
		"dial given up":           (*suite).dialGivenUp,
		"dial refused":            (*suite).dialRefused,
	} {
		t.Run(name, func(t *testing.T) { run(&suite{dial: dial, server: server}, t) })
	}
}

type suite struct {
	dial   sdk.Dialer
	server string
}

var background = context.Background()

var (
	idMutex sync.Mutex
	ids     = time.Now().UnixNano()
)

// url is a path of the server with an id of its own.
func (s *suite) url(path string, query ...any) (url, id string) {
	idMutex.Lock()
	defer idMutex.Unlock()
	ids++
	id = fmt.Sprint(ids)
	url = s.server + path + "?id=" + id
	for i := 0; i < len(query); i += 2 {
		url += fmt.Sprintf("&%v=%v", query[i], query[i+1])
	}
	return url, id
}

func (s *suite) open(t *testing.T, path string, query ...any) (conn sdk.Conn, id string) {
	t.Helper()
	url, id := s.url(path, query...)
	ctx, cancel := context.WithTimeout(background, 10*time.Second)
	defer cancel()
	conn, err := s.dial(ctx, url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(wire.CloseNormal, "")) })
	return conn, id
}

func read(t *testing.T, conn sdk.Conn) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(background, 10*time.Second)
	defer cancel()
	message, err := conn.Read(ctx)
	require.NoError(t, err)
	return message
}

// closed reads until the connection has ended and says how; and that it stays so.
func closed(t *testing.T, conn sdk.Conn) *sdk.Closed {
	t.Helper()
	ctx, cancel := context.WithTimeout(background, 10*time.Second)
	defer cancel()
	for {
		_, err := conn.Read(ctx)
		if err == nil {
			continue
		}
		var how *sdk.Closed
		require.ErrorAs(t, err, &how)
		_, err = conn.Read(ctx)
		require.Equal(t, how, err, "it stays closed")
		require.Error(t, conn.Write(ctx, []byte("x")))
		return how
	}
}

// saw is how the connection ended on the server's side.
func (s *suite) saw(t *testing.T, id string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(background, 10*time.Second)
	defer cancel()
	conn, err := s.dial(ctx, s.server+"/saw?id="+id)
	require.NoError(t, err)
	defer conn.Close(wire.CloseNormal, "")
	message, err := conn.Read(ctx)
	require.NoError(t, err)
	return string(message)
}

func (s *suite) echo(t *testing.T) {
	conn, id := s.open(t, "/echo")
	for _, message := range [][]byte{{1}, {}, {0, 255}, Pattern(300)} {
		require.NoError(t, conn.Write(background, message))
		require.Equal(t, string(message), string(read(t, conn)))
	}
	require.NoError(t, conn.Close(wire.CloseNormal, "bye"))
	require.Equal(t, "1000 bye", s.saw(t, id))
}

func (s *suite) order(t *testing.T) {
	const n = 2000
	conn, _ := s.open(t, "/numbered", "count", n)
	for i := range n {
		require.EqualValues(t, i, binary.BigEndian.Uint32(read(t, conn)))
	}
	conn, _ = s.open(t, "/echo")
	go func() {
		for i := range n {
			if err := conn.Write(background, binary.BigEndian.AppendUint32(nil, uint32(i))); err != nil {
				t.Error(err)
			}
		}
	}()
	for i := range n {
		require.EqualValues(t, i, binary.BigEndian.Uint32(read(t, conn)))
	}
}

func (s *suite) large(t *testing.T) {
	conn, _ := s.open(t, "/large", "size", wire.MaxServerFrame)
	require.True(t, string(Pattern(wire.MaxServerFrame)) == string(read(t, conn)))
	conn, _ = s.open(t, "/echo")
	message := Pattern(wire.MaxClientFrame)
	require.NoError(t, conn.Write(background, message))
	require.True(t, string(message) == string(read(t, conn)))
	message[0]++ // what was written is the caller's again
}

func (s *suite) tooLarge(t *testing.T) {
	conn, id := s.open(t, "/large", "size", wire.MaxServerFrame+1)
	require.Equal(t, wire.CloseFrameTooLarge, closed(t, conn).Code)
	require.Equal(t, "3508 the message is too large", s.saw(t, id))
}

func (s *suite) text(t *testing.T) {
	conn, id := s.open(t, "/text")
	require.Equal(t, wire.CloseFrameInvalid, closed(t, conn).Code)
	require.Equal(t, "3507 a text message", s.saw(t, id))
}

func (s *suite) manyWriters(t *testing.T) {
	conn, _ := s.open(t, "/echo")
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			for range 20 {
				if err := conn.Write(background, []byte(strings.Repeat(string(rune('a'+i)), 1000))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	count := map[byte]int{}
	for range 400 {
		message := read(t, conn)
		require.Equal(t, strings.Repeat(string(message[:1]), 1000), string(message))
		count[message[0]]++
	}
	group.Wait()
	require.Len(t, count, 20)
}

func (s *suite) serverCloses(t *testing.T) {
	for _, code := range []wire.CloseCode{3500, 3001, 1001, 1000, 1011, 4999} {
		conn, id := s.open(t, "/closing", "count", 0, "code", code, "reason", "because")
		require.Equal(t, &sdk.Closed{Code: code, Reason: "because"}, closed(t, conn))
		require.NoError(t, conn.Close(wire.CloseNormal, "too late"))
		require.Equal(t, &sdk.Closed{Code: code, Reason: "because"}, closed(t, conn), "the first ending counts")
		require.NotEqual(t, "open", s.saw(t, id))
	}
}

func (s *suite) messagesBeforeClose(t *testing.T) {
	conn, _ := s.open(t, "/closing", "count", 50, "code", 3500, "reason", "because")
	time.Sleep(200 * time.Millisecond) // the close is there before the first read
	for i := range 50 {
		require.EqualValues(t, i, binary.BigEndian.Uint32(read(t, conn)))
	}
	require.EqualValues(t, 3500, closed(t, conn).Code)
}

func (s *suite) reset(t *testing.T) {
	conn, _ := s.open(t, "/reset")
	require.Equal(t, "last", string(read(t, conn)))
	require.EqualValues(t, 1006, closed(t, conn).Code)
}

func (s *suite) closes(t *testing.T) {
	for _, code := range []wire.CloseCode{1000, 3000, wire.CloseTimeout, wire.CloseVersion, 4999} {
		conn, id := s.open(t, "/echo")
		require.NoError(t, conn.Close(code, "done"))
		require.NoError(t, conn.Close(3999, "twice"))
		require.Equal(t, &sdk.Closed{Code: code, Reason: "done"}, closed(t, conn))
		require.Equal(t, fmt.Sprintf("%d done", code), s.saw(t, id))
	}
}

func (s *suite) oddCodes(t *testing.T) {
	for _, code := range []wire.CloseCode{0, 999, 1001, 1006, 1009, 2999, 5000} {
		conn, id := s.open(t, "/echo")
		require.Error(t, conn.Close(code, ""), "%d", code)
		require.Equal(t, "1000 ", s.saw(t, id), "and yet it is closed")
	}
	conn, id := s.open(t, "/echo")
	require.NoError(t, conn.Close(3999, strings.Repeat("a", 122)+strings.Repeat("é", 100)))
	require.Equal(t, "3999 "+strings.Repeat("a", 122), s.saw(t, id), "a long reason is cut between characters")
}

func (s *suite) closeWakesReader(t *testing.T) {
	conn, _ := s.open(t, "/echo")
	result := make(chan error, 1)
	go func() {
		_, err := conn.Read(background)
		result <- err
	}()
	time.Sleep(50 * time.Millisecond)
	started := time.Now()
	require.NoError(t, conn.Close(3000, "woken"))
	require.Equal(t, &sdk.Closed{Code: 3000, Reason: "woken"}, <-result)
	require.Less(t, time.Since(started), time.Second, "close does not wait for the peer")
}

// closeBehindWrite: what was written before a close arrives before it, also where the peer is late.
func (s *suite) closeBehindWrite(t *testing.T) {
	conn, id := s.open(t, "/late")
	for range 4 {
		require.NoError(t, conn.Write(background, Pattern(1000)))
	}
	started := time.Now()
	require.NoError(t, conn.Close(3000, "sent"))
	require.Less(t, time.Since(started), time.Second/2)
	require.Equal(t, "3000 sent", s.saw(t, id))
}

// closeAgainstFlood closes while the server sends without end: it must not stay open.
func (s *suite) closeAgainstFlood(t *testing.T) {
	conn, id := s.open(t, "/flood")
	require.Len(t, read(t, conn), wire.MaxServerFrame)
	require.NoError(t, conn.Close(3000, "enough"))
	require.NotEqual(t, "open", s.saw(t, id))
}

func (s *suite) readGivenUp(t *testing.T) {
	conn, id := s.open(t, "/echo")
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	_, err := conn.Read(ctx)
	var how *sdk.Closed
	require.ErrorAs(t, err, &how)
	require.Equal(t, wire.CloseTimeout, how.Code)
	require.Equal(t, "3004 no message in time", s.saw(t, id))

	conn, id = s.open(t, "/echo")
	ctx, cancel = context.WithCancel(background)
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = conn.Read(ctx)
	require.ErrorAs(t, err, &how)
	require.Equal(t, wire.CloseNormal, how.Code)
	require.Equal(t, "1000 reading was given up", s.saw(t, id))
}

func (s *suite) writeGivenUp(t *testing.T) {
	conn, _ := s.open(t, "/echo")
	ctx, cancel := context.WithCancel(background)
	cancel()
	require.ErrorIs(t, conn.Write(ctx, []byte("never")), context.Canceled)
	require.NoError(t, conn.Write(background, []byte("now")), "nothing was sent and nothing is broken")
	require.Equal(t, "now", string(read(t, conn)))
}

// dialContext: the context bounds the dialling only.
func (s *suite) dialContext(t *testing.T) {
	url, _ := s.url("/echo")
	ctx, cancel := context.WithCancel(background)
	conn, err := s.dial(ctx, url)
	require.NoError(t, err)
	defer conn.Close(wire.CloseNormal, "")
	cancel()
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, conn.Write(background, []byte("still here")))
	require.Equal(t, "still here", string(read(t, conn)))
}

func (s *suite) dialGivenUp(t *testing.T) {
	for _, end := range []func() (context.Context, context.CancelFunc){
		func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(background, 200*time.Millisecond)
		},
		func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(background)
			time.AfterFunc(200*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		url, id := s.url("/silent")
		ctx, cancel := end()
		started := time.Now()
		s.fails(t, ctx, url)
		require.Less(t, time.Since(started), 2*time.Second)
		cancel()
		require.Equal(t, "gone", s.saw(t, id))
	}
	url, _ := s.url("/echo")
	ctx, cancel := context.WithCancel(background)
	cancel()
	s.fails(t, ctx, url)
}

func (s *suite) dialRefused(t *testing.T) {
	conn, _ := s.open(t, "/refusing")
	nobody := string(read(t, conn))
	plain, id := s.url("/plain")
	for _, url := range []string{nobody, s.server + "/forbidden", s.server + "/nowhere", plain, "", "no address", "ftp://a"} {
		ctx, cancel := context.WithTimeout(background, 10*time.Second)
		s.fails(t, ctx, url)
		cancel()
	}
	require.NotEqual(t, "open", s.saw(t, id))
}

// fails checks that a dial fails as the contract says.
func (s *suite) fails(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	conn, err := s.dial(ctx, url)
	if conn != nil {
		conn.Close(wire.CloseNormal, "")
	}
	require.Nil(t, conn, url)
	var how *sdk.Closed
	require.True(t, errors.As(err, &how), "%q: %v", url, err)
	require.Zero(t, how.Code)
	require.NotEmpty(t, how.Reason)
}
