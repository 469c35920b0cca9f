package proc

import (
	"math"

	"golang.org/x/sys/unix"
)

// Seal keeps the descriptors that this process has inherited from its own children. Go does so for
// those that it opens; sockets from a service manager and whatever a shell has left open are not
// among them. A program calls it once, when it starts. The error is that of a kernel before 5.11.
func Seal() error {
	return unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
}
