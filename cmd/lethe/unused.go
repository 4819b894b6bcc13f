package main

import (
	"net"
	"net/http"
	"sync"
)

// unused are connections on which nothing has been asked yet. Browsers keep spare ones, and http.Server.Shutdown waits 5 s
// for a request on each.
type unused struct {
	mu          sync.Mutex
	connections map[net.Conn]bool
	closing     bool
}

func (u *unused) watch(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(u.connections, c)
	case u.closing:
		_ = c.Close() // nothing was sent on it
	default:
		u.connections[c] = true
	}
}

func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closing = true
	for c := range u.connections {
		_ = c.Close() // nothing was sent on it
	}
}
