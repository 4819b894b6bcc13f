//go:build !unix

package main

import "errors"

func openFiles() (uint64, error) { return 0, errors.ErrUnsupported }

func diskSpace(string) (free, whole uint64, err error) { return 0, 0, errors.ErrUnsupported }
