package spool

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// largestPiece is the longest part of an area that is taken at once.
	largestPiece = 1 << 20

	// keepTime is how long unused memory of an area is kept for reuse.
	keepTime = 10 * time.Second
)

// Area is memory for request bodies, which the workers of one app can read in place. Memory is
// reused without being cleared, so it must never serve another app.
//
// A cgroup's memory accounting charges its pages to the host, because the host writes to them
// first.
type Area struct {
	file   *os.File
	memory []byte
	users  atomic.Int32 // how many Close calls are missing; 0: the memory is gone

	mu      sync.Mutex
	taken   []bool // by chunk
	free    int    // no chunk below it is free
	used    int    // end of the chunks that were taken since the last trim
	backed  int    // end of the chunks that may have pages
	trimmer *time.Timer
}

// Region is a part of an [Area].
type Region struct {
	Offset int // bytes from the beginning of the area
	Length int // in bytes
}

// NewArea returns an area in the memory of file, whose size must be sealed. It takes ownership of
// the file, also after an error.
func NewArea(file *os.File) (*Area, error) {
	info, err := file.Stat()
	if err == nil {
		err = file.Chmod(0o400) // Reader's file must not be opened again for writing
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	memory, err := unix.Mmap(
		int(file.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot map memory for request bodies: %w", err)
	}
	a := &Area{file: file, memory: memory, taken: make([]bool, len(memory)/chunkSize)}
	a.users.Store(1)
	return a, nil
}

// Reader opens the memory for a worker, which can read it and nothing else.
func (a *Area) Reader() (*os.File, error) {
	// The permissions of the file are checked again when the worker opens its own end so.
	path := fmt.Sprintf("/proc/self/fd/%d", a.file.Fd())
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), "request bodies"), nil
}

// retain has the memory stay until Close was called once more. It reports false when it is gone.
func (a *Area) retain() bool {
	for {
		n := a.users.Load()
		if n == 0 || a.users.CompareAndSwap(n, n+1) {
			return n > 0
		}
	}
}

// Close frees the memory when no buffer uses it any more. Workers that then serve another host, and
// their leftover processes, may still have it mapped: its pages are freed nevertheless.
func (a *Area) Close() {
	if a.users.Add(-1) > 0 {
		return
	}
	a.mu.Lock()
	if a.trimmer != nil {
		a.trimmer.Stop()
	}
	a.punch(0, len(a.taken))
	a.file.Close()
	a.file = nil
	a.mu.Unlock()
	if err := unix.Munmap(a.memory); err != nil {
		panic("spool: cannot unmap memory for request bodies: " + err.Error())
	}
}

// take returns a free piece of at most size bytes, which is a multiple of chunkSize: the first that
// is long enough, or else the longest. It is empty when nothing is free.
func (a *Area) take(size int) Region {
	a.mu.Lock()
	defer a.mu.Unlock()
	start, length := a.find(size / chunkSize)
	end := start + length
	for i := start; i < end; i++ {
		a.taken[i] = true
	}
	if start == a.free {
		a.free = end
	}
	a.used, a.backed = max(a.used, end), max(a.backed, end)
	if a.trimmer == nil && length > 0 {
		a.trimmer = time.AfterFunc(keepTime, a.trim)
	}
	return Region{start * chunkSize, length * chunkSize}
}

// find looks for so many free chunks in a row, and returns the longest row when there are not so
// many; a.mu is held.
func (a *Area) find(chunks int) (start, length int) {
	begin := a.free
	for i := a.free; i < len(a.taken); i++ {
		if a.taken[i] {
			begin = i + 1
			continue
		}
		if n := i + 1 - begin; n > length {
			start, length = begin, n
			if n == chunks {
				break
			}
		}
	}
	return start, length
}

// give takes a piece back.
func (a *Area) give(r Region) {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := r.Offset / chunkSize
	for i := first; i < first+r.Length/chunkSize; i++ {
		a.taken[i] = false
	}
	a.free = min(a.free, first)
}

// trim gives pages back that lay unused for keepTime.
func (a *Area) trim() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil {
		return
	}
	if a.used < a.backed {
		a.punch(a.used, a.backed)
	}
	a.backed, a.used = a.used, len(a.taken)
	for a.used > 0 && !a.taken[a.used-1] {
		a.used--
	}
	if a.backed > 0 {
		a.trimmer.Reset(keepTime)
	} else {
		a.trimmer = nil
	}
}

// punch frees the pages of chunks; a.mu is held. If it fails, they are freed with the whole memory.
func (a *Area) punch(start, end int) {
	_ = unix.Fallocate(int(a.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE,
		int64(start)*chunkSize, int64(end-start)*chunkSize)
}
