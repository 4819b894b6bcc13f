package main

import (
	"context"
	"errors"
	"net"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"
)

// reachWait is how long the doctor waits for another program.
const reachWait = 3 * time.Second

// checkPeers looks whether the programs answer that the options name, the store aside. Their addresses may have passwords: only
// hosts are printed.
func checkPeers(ctx context.Context, o *serving, r *report) {
	if o.Bus != "" {
		c, err := nats.Connect(o.Bus, nats.Timeout(reachWait), nats.NoReconnect())
		var unread *url.Error
		if errors.As(err, &unread) {
			err = unread.Err // without the address
		}
		if err != nil {
			r.fail("bus", "look at its address, and whether NATS runs; until then other nodes hear of what happens here when their devices next ask", "NATS does not answer: %v", err)
		} else {
			c.Close()
			r.ok("bus", "NATS answers")
		}
	}
	if address := collector(&o.Options); address != "" {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			r.fail("trace", "write http://HOST:4318", "the collector's address is none")
			return
		}
		host := u.Host
		if u.Port() == "" {
			host = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
		}
		ctx, cancel := context.WithTimeout(ctx, reachWait)
		defer cancel()
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
		if err != nil {
			r.warn("trace", "look at its address, and whether it runs; spans are lost until then", "the collector does not answer: %v", err)
			return
		}
		_ = c.Close() // it was only to be reached
		r.ok("trace", "the collector at %s answers", u.Host)
	}
}
