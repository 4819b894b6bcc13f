package server_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// from dials as if from an address, through a proxy that is believed.
func (s *scene) from(address string) (*client, *http.Response) {
	s.Helper()
	ws, response, err := s.dial(&websocket.DialOptions{
		Subprotocols: []string{wire.Subprotocol}, HTTPHeader: http.Header{"X-Forwarded-For": {"203.0.113.1, " + address}},
	})
	if err != nil {
		return nil, response
	}
	c := s.client(ws)
	go c.read()
	return c, response
}

func proxied(l server.Limits) func(*server.Options) {
	return func(o *server.Options) { o.Limits, o.Proxies = l, []string{"127.0.0.1", "10.0.0.0/8"} }
}

// left waits until so many connections are there.
func (s *scene) left(n int) {
	s.Helper()
	require.Eventually(s, func() bool { return s.server.Connections() == n }, patience, time.Millisecond)
}

func TestAbuseManyConnections(t *testing.T) {
	t.Parallel()
	s := newScene(t, proxied(server.Limits{PerDevice: 3, PerUser: 5, PerAddress: 8, NewPerAddress: 4, HandshakeBurst: 1000}))
	greet := func(c *client, user, device string) {
		h := hello(user, token(user, time.Hour))
		h.DeviceID = device
		c.write(wire.OpHello, h)
	}
	s.holds(t, "of one device", func(s *scene) {
		var in []*client
		for range 3 {
			in = append(in, s.mallory())
		}
		c := s.open()
		greet(c, "mallory", "device")
		c.requireClosed(wire.CloseTooManyConnections)
		require.NoError(s, in[0].ws.CloseNow())
		s.left(4)
		s.mallory() // who is gone makes room
		for _, c := range append(in, c) {
			_ = c.ws.CloseNow()
		}
	})
	s.holds(t, "of one user, under many device ids or none", func(s *scene) {
		for i := range 5 {
			c := s.open()
			greet(c, "many", []string{"", "d1", "d2", "", "d3"}[i])
			require.Equal(s, wire.OK, c.answer().Code)
		}
		c := s.open()
		greet(c, "many", "d4")
		c.requireClosed(wire.CloseTooManyConnections)
	})
	s.holds(t, "of one address, without a word", func(s *scene) {
		var in []*client
		for range 4 {
			c, _ := s.from("198.51.100.7")
			in = append(in, c)
		}
		// A connection is counted behind its handshake: one that came later may be counted before.
		require.Eventually(s, func() bool { return s.server.Fresh("198.51.100.7") == 4 }, patience, time.Millisecond)
		c, _ := s.from("198.51.100.7")
		c.requireClosed(wire.CloseTooManyConnections)
		c, _ = s.from("198.51.100.8")
		greet(c, "neighbour", "d")
		require.Equal(s, wire.OK, c.answer().Code, "another address is none of it")
		greet(in[0], "talks", "d")
		require.Equal(s, wire.OK, in[0].answer().Code)
		c, _ = s.from("198.51.100.7") // who has said hello is not among them
		greet(c, "talks", "d")
		require.Equal(s, wire.OK, c.answer().Code)
	})
	s.holds(t, "of one address, all told", func(s *scene) {
		for i := range 8 {
			c, _ := s.from("2001:db8:1:2::" + fmt.Sprint(i+1)) // one network of IPv6
			greet(c, fmt.Sprint("user", i), "d")
			require.Equal(s, wire.OK, c.answer().Code)
		}
		c, _ := s.from("2001:db8:1:2:ffff::1")
		c.requireClosed(wire.CloseTooManyConnections)
		c, _ = s.from("2001:db8:1:3::1")
		greet(c, "user9", "d")
		require.Equal(s, wire.OK, c.answer().Code)
	})
	s.holds(t, "refused hellos make room again", func(s *scene) {
		for range 20 {
			c, _ := s.from("198.51.100.9")
			c.write(wire.OpHello, hello("mallory", "nonsense"))
			c.requireClosed(wire.CloseTokenInvalid)
		}
	})
}

func TestAbuseManyHandshakes(t *testing.T) {
	t.Parallel()
	s := newScene(t, proxied(server.Limits{HandshakeRate: 1, HandshakeBurst: 3}))
	s.holds(t, "of one address", func(s *scene) {
		for range 3 {
			c, _ := s.from("198.51.100.7")
			require.NotNil(s, c)
		}
		c, response := s.from("198.51.100.7")
		require.Nil(s, c)
		require.Equal(s, []any{http.StatusTooManyRequests, "1"}, []any{response.StatusCode, response.Header.Get("Retry-After")})
		c, _ = s.from("198.51.100.8")
		require.NotNil(s, c)
		require.Eventually(s, func() bool { c, _ := s.from("198.51.100.7"); return c != nil }, patience, 100*time.Millisecond, "it may come back later")
	})
	s.holds(t, "whatever addresses it says it is passing on", func(s *scene) {
		refused := 0
		for i := range 10 { // the last word but the proxy's own is the peer's address
			ws, response, err := s.dial(&websocket.DialOptions{
				Subprotocols: []string{wire.Subprotocol},
				HTTPHeader:   http.Header{"X-Forwarded-For": {fmt.Sprintf("198.51.100.%d", 100+i), "192.0.2.1, 10.1.2.3"}},
			})
			if err != nil {
				require.Equal(s, http.StatusTooManyRequests, response.StatusCode)
				refused++
			} else {
				_ = ws.CloseNow()
			}
		}
		require.Equal(s, 7, refused)
	})
}

func TestAbuseRate(t *testing.T) {
	t.Parallel()
	s := newScene(t, limits(server.Limits{Rate: 50, Burst: 20}))
	s.holds(t, "on one connection", func(s *scene) {
		c := s.mallory()
		begin := time.Now()
		for range 70 {
			c.write(wire.OpCount, &wire.CountRequest{ConversationID: "C2Cfriend"})
		}
		for range 70 {
			require.Equal(s, wire.OK, c.answer().Code, "nothing is refused: it waits")
		}
		require.Greater(s, time.Since(begin), 900*time.Millisecond, "70 operations, of which 20 at once and 50 a second")
	})
	s.holds(t, "on several connections together", func(s *scene) {
		var in []*client
		for range 4 {
			in = append(in, s.hello("fast"))
		}
		begin := time.Now()
		for _, c := range in {
			for range 20 {
				c.write(wire.OpPing, &wire.Ping{})
			}
		}
		for _, c := range in {
			for range 20 {
				c.answer()
			}
		}
		require.Greater(s, time.Since(begin), 1000*time.Millisecond)
	})
	s.holds(t, "nobody else waits for it", func(s *scene) {
		c := s.hello("faster")
		for range 100 {
			c.write(wire.OpPing, &wire.Ping{})
		}
		begin := time.Now()
		s.hello("other")
		ask[wire.Pong](s.victim, wire.OpPing, &wire.Ping{})
		require.Less(s, time.Since(begin), time.Second)
		require.NoError(s, c.ws.CloseNow()) // and who goes while waiting leaves nothing behind
		s.post("/v1/revocations", `{"userID":"faster"}`)
	})
}

func TestAbuseSilence(t *testing.T) {
	t.Parallel()
	s := newScene(t, limits(server.Limits{Idle: 2 * time.Second, Hello: 300 * time.Millisecond}))
	// The healthy ones say something now and then, as clients do.
	awake := func(s *scene) {
		ask[wire.Pong](s.victim, wire.OpPing, &wire.Ping{})
		ask[wire.Pong](s.friend, wire.OpPing, &wire.Ping{})
	}
	s.holds(t, "before hello", func(s *scene) {
		c := s.open()
		begin := time.Now()
		c.requireClosed(wire.CloseUnauthenticated)
		require.Less(s, time.Since(begin), 1500*time.Millisecond)
		awake(s)
	})
	s.holds(t, "after hello", func(s *scene) {
		c := s.mallory()
		begin := time.Now()
		require.Eventually(s, func() bool { awake(s); return len(c.closed) > 0 }, patience, 100*time.Millisecond)
		c.requireClosed(wire.CloseIdle)
		require.Greater(s, time.Since(begin), 1900*time.Millisecond)
	})
	s.holds(t, "with nothing but WebSocket pings", func(s *scene) {
		c := s.mallory()
		go func() {
			for c.ws.Ping(s.Context()) == nil {
				time.Sleep(50 * time.Millisecond)
			}
		}()
		require.Eventually(s, func() bool { awake(s); return len(c.closed) > 0 }, patience, 100*time.Millisecond)
		c.requireClosed(wire.CloseIdle)
	})
}

func TestAbuseSlowReaders(t *testing.T) {
	t.Parallel()
	var packed strings.Builder // what does not pack
	for packed.Len() < wire.MaxContent {
		packed.WriteString(rand.Text())
	}
	big := packed.String()[:wire.MaxContent]
	// deaf says hello and reads nothing.
	deaf := func(s *scene, user string) *client {
		ws, _, err := s.dial(nil)
		require.NoError(s, err)
		c := s.client(ws)
		c.write(wire.OpHello, hello(user, token(user, time.Hour)))
		s.left(3)
		return c
	}
	until := func(s *scene, user string, done func(sent int) bool) {
		sender := s.hello("sender")
		for sent := 1; ; sent++ {
			require.Less(s, sent, 1000)
			ask[wire.SendAck](sender, wire.OpSend, newSend("C2C"+user, big))
			if done(sent) {
				break
			}
		}
		require.NoError(s, sender.ws.CloseNow())
	}
	s := newScene(t, limits(server.Limits{Queue: 128 << 10, Write: time.Minute, Rate: 1e6, Burst: 1e6})) // the machine may be slow
	s.holds(t, "who reads too late is told", func(s *scene) {
		c := deaf(s, "late")
		until(s, "late", func(sent int) bool { return sent == 200 }) // 13 MB: more than what the sockets hold
		go c.read()
		c.requireClosed(wire.CloseSlow)
	})
	s = newScene(t, limits(server.Limits{Queue: 128 << 10, Write: 300 * time.Millisecond, Close: 300 * time.Millisecond, Rate: 1e6, Burst: 1e6}))
	s.holds(t, "who never reads is cut", func(s *scene) {
		deaf(s, "never")
		until(s, "never", func(int) bool { return s.server.Connections() == 3 })
	})
	s.holds(t, "who asks and never reads is cut", func(s *scene) {
		c := s.mallory()
		for range 3 {
			ask[wire.SendAck](c, wire.OpSend, newSend("C2Cmine", big))
		}
		require.NoError(s, c.ws.CloseNow())
		c = deaf(s, "mallory")
		page, err := wire.NewRequest(1, wire.OpPage, (&wire.PageRequest{ConversationID: "C2Cmine", Limit: 50}).MarshalMsg)
		require.NoError(s, err)
		go func() {
			for c.ws.Write(s.Context(), websocket.MessageBinary, page) == nil {
			}
		}()
		require.Eventually(s, func() bool { return s.server.Connections() == 2 }, 4*patience, time.Millisecond)
	})
}
