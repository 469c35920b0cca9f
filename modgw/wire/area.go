package wire

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// AreaWindow is how many bytes of the bodies of one lane may lie in an area in each direction.
	AreaWindow = 1 << 20

	// plotSize is what one lane has of an area.
	plotSize = 2 * AreaWindow
)

// NewArea makes memory that the host shares with a worker, with a plot for each lane, and returns it as the file that the worker
// gets. Only pages that something was written to take up memory. It is an error where the kernel has no such memory.
//
// The size is sealed: a worker that made the file smaller would have the host killed as soon as it looks at what is gone.
func NewArea(lanes int) (*os.File, error) {
	fd, err := unix.MemfdCreate("modgw bodies", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("cannot make memory to share: %w", err)
	}
	area := os.NewFile(uintptr(fd), "area")
	err = unix.Ftruncate(fd, int64(lanes)*plotSize)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		area.Close()
		return nil, fmt.Errorf("cannot seal memory to share: %w", err)
	}
	return area, nil
}
