package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lethe-im/lethe/server"
)

// keyVariable is the environment's variable that may hold the key.
const keyVariable = "LETHE_KEY"

// readKey finds the key that signs tokens: in file if one is named, else in the environment, else in the data folder.
// White space around it does not count. Where the data folder has none, it is made if make is set.
func readKey(file, data string, make bool) ([]byte, error) {
	if file == "" {
		if key := os.Getenv(keyVariable); key != "" {
			return checkKey([]byte(key), "in "+keyVariable)
		}
		file = filepath.Join(data, "key")
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && make {
			if err := makeKey(file); err != nil {
				return nil, err
			}
		}
	}
	key, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the key that signs tokens: %w", err)
	}
	return checkKey(key, "in "+file)
}

func checkKey(key []byte, where string) ([]byte, error) {
	if key = bytes.TrimSpace(key); len(key) < server.MinKey {
		return nil, fmt.Errorf("the key %s has %d bytes, at least %d are needed", where, len(key), server.MinKey)
	}
	return key, nil
}

// makeKey writes a new random key. O_EXCL: two servers that start at once must not end with different keys.
func makeKey(file string) error {
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(base64.RawURLEncoding.EncodeToString(random[:]) + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}
