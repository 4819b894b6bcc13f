//go:build unix

package main

import "golang.org/x/sys/unix"

func openFiles() (uint64, error) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return uint64(limit.Cur), err
}

func diskSpace(path string) (free, whole uint64, err error) {
	var s unix.Statfs_t
	err = unix.Statfs(path, &s)
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), err
}
