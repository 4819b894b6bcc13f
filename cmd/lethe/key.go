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
	"github.com/lethe-im/lethe/server/failpoint"
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
		if data == "" {
			return nil, fmt.Errorf("the key that signs tokens: --key-file or %s is needed where there is no --data", keyVariable)
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

// makeKey writes a new random key. It gets its name when it is whole and on the disk: a server that dies on the way leaves no
// half one that the next start would have to refuse. A link, not a rename: two servers that start at once must not end with
// different keys.
func makeKey(file string) (err error) {
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.WriteString(base64.RawURLEncoding.EncodeToString(random[:]) + "\n")
	failpoint.Pass(failpoint.Key)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

// syncFolder makes the names in a folder outlive a power cut.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
