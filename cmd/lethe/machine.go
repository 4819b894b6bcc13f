package main

import (
	"errors"
	"os"
	"time"
)

// thisMachine is the real one.
var thisMachine = machine{now: time.Now, files: openFiles, disk: diskSpace, write: canWrite}

// canWrite makes a file in the folder, and removes it.
func canWrite(folder string) error {
	f, err := os.CreateTemp(folder, ".doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
