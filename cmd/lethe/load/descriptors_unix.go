//go:build unix

package load

import (
	"fmt"
	"syscall"
)

// allowDescriptors raises the limit of open files as far as the system lets us. Errors: ErrDescriptors.
func allowDescriptors(n int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	if uint64(l.Cur) >= uint64(n) {
		return nil
	}
	wish := l
	wish.Cur, wish.Max = uint64(n), max(l.Max, uint64(n))
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &wish) == nil {
		return nil
	}
	return fmt.Errorf("%w: %d are needed, the system allows %d: raise it with ulimit -n", ErrDescriptors, n, l.Max)
}
