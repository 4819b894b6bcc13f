//go:build !js

package vault

import "crypto/rand"

// random fills b.
func random(b []byte) error {
	_, err := rand.Read(b)
	return err
}
