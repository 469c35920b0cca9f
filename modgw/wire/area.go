package wire

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// AreaWindow is how many bytes of the bodies of one lane may lie in an area in each direction.
	AreaWindow = 1 << 20

	// PlotSize is what the lane of one thread has of an area.
	PlotSize = 2 * AreaWindow
)

// NewArea makes memory that the host shares with a worker, and returns it as the file that the worker gets. Only pages that
// something was written to take up memory. It is an error where the kernel has no such memory.
//
// The size is sealed: a worker that made the file smaller would have the host killed as soon as it looks at what is gone.
func NewArea(size int) (*os.File, error) {
	fd, err := unix.MemfdCreate("modgw bodies", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("cannot make memory to share: %w", err)
	}
	area := os.NewFile(uintptr(fd), "area")
	err = unix.Ftruncate(fd, int64(size))
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		area.Close()
		return nil, fmt.Errorf("cannot seal memory to share: %w", err)
	}
	return area, nil
}

// share maps a part of an area.
func share(area *os.File, offset, size int) ([]byte, error) {
	memory, err := unix.Mmap(int(area.Fd()), int64(offset), size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("cannot map shared memory: %w", err)
	}
	return memory, nil
}

// unshare unmaps it again.
func unshare(memory []byte) {
	if err := unix.Munmap(memory); err != nil {
		panic("wire: cannot unmap shared memory: " + err.Error())
	}
}

// lent is the part of memory that the payload of a Lent frame names.
func lent(memory, payload []byte) ([]byte, error) {
	offset, length, err := decodeLent(payload)
	switch {
	case err != nil:
		return nil, err
	case length == 0 || uint64(offset)+uint64(length) > uint64(len(memory)):
		return nil, Errorf("%d bytes were lent at %d of %d", length, offset, len(memory))
	}
	return memory[offset : offset+length : offset+length], nil
}
