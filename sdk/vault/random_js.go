package vault

import (
	"crypto/rand"
	"sync"
)

// pool is random bytes fetched ahead: in a browser each fetch crosses to JavaScript. What is handed out is wiped.
var pool struct {
	sync.Mutex
	bytes [4096]byte
	used  int
}

// random fills b, which is shorter than the pool.
func random(b []byte) error {
	pool.Lock()
	defer pool.Unlock()
	if pool.used == 0 || pool.used+len(b) > len(pool.bytes) {
		if _, err := rand.Read(pool.bytes[:]); err != nil {
			return err
		}
		pool.used = 0
	}
	rest := pool.bytes[pool.used:]
	copy(b, rest)
	clear(rest[:len(b)])
	pool.used += len(b)
	return nil
}
