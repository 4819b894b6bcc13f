//go:build !unix

package load

// allowDescriptors: here processes have no limit of open files.
func allowDescriptors(int) error { return nil }
