package wire

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// BufferWindow is the number of bytes of the bodies of one thread that may be in shared memory
	// in each direction.
	BufferWindow = 1 << 20

	// ThreadBufferSize is the size of the shared buffer of a thread.
	ThreadBufferSize = 2 * BufferWindow

	// MuxBufferSize is the size of each half of the shared buffer of a connection that many streams
	// share: one for responses, which the worker divides into slots, and one for requests, which
	// the host does.
	MuxBufferSize = 8 << 20
)

// NewSharedMemory makes memory that the host shares with a worker, and returns it as the file that
// the worker gets. Pages that were never written to take up no memory. It fails where the kernel
// has no such memory.
//
// The size is sealed: if a worker made the file smaller, an access of the host to the missing part
// would kill the host.
func NewSharedMemory(size int) (*os.File, error) {
	fd, err := unix.MemfdCreate("modgw bodies", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("cannot make memory to share: %w", err)
	}
	file := os.NewFile(uintptr(fd), "shared memory")
	err = unix.Ftruncate(fd, int64(size))
	if err == nil {
		seals := unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot seal memory to share: %w", err)
	}
	return file, nil
}

// mapMemory maps a part of shared memory.
func mapMemory(file *os.File, offset, size int) ([]byte, error) {
	memory, err := unix.Mmap(
		int(file.Fd()), int64(offset), size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("cannot map shared memory: %w", err)
	}
	return memory, nil
}

func unmapMemory(memory []byte) {
	if err := unix.Munmap(memory); err != nil {
		panic("wire: cannot unmap shared memory: " + err.Error())
	}
}

// pieceOf returns the part of memory that the payload of a Shared frame names.
func pieceOf(memory, payload []byte) ([]byte, error) {
	offset, length, err := decodeShared(payload)
	switch {
	case err != nil:
		return nil, err
	case length == 0 || uint64(offset)+uint64(length) > uint64(len(memory)):
		return nil, Errorf("%d shared bytes at %d of %d", length, offset, len(memory))
	}
	return memory[offset : offset+length : offset+length], nil
}
