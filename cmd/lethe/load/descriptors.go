package load

import "errors"

// ErrDescriptors is returned by Gather where the system allows too few open files.
var ErrDescriptors = errors.New("too few open files")

// spareDescriptors are those that a process needs beside its sockets.
const spareDescriptors = 64
