package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// clone3 calls clone3(2). The child has no stack of its own and continues on a copy of the
// parent's; it exits immediately.
func clone3(arguments *[11]uint64) (pid int, errno unix.Errno) {
	r, _, errno := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(arguments)), unsafe.Sizeof(*arguments), 0)
	if errno == 0 && r == 0 {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	return int(r), errno
}
