package proc

import (
	"math"

	"golang.org/x/sys/unix"
)

// Seal keeps the descriptors that this process has inherited from being inherited by its own
// children. Go does this for descriptors that it opens itself, but not for the sockets of a service
// manager and descriptors that a shell has left open. A program calls Seal once, at its start. It
// returns an error on kernels before 5.11.
func Seal() error {
	return unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
}
