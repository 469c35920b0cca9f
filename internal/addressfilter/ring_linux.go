package addressfilter

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is a buffer that the kernel's programs write and this process reads (BPF_MAP_TYPE_RINGBUF).
// Records that do not fit are lost.
type ring struct {
	file *os.File
	conn syscall.RawConn

	consumed *atomic.Uint64 // read up to here; in memory shared with the kernel
	produced *atomic.Uint64
	data     []byte // mapped twice in a row, so that no record is split
	mapped   [][]byte
}

const (
	// readInterval is the pause between two reads: a process that tries addresses constantly costs
	// the host one page of attempts per interval.
	readInterval = 100 * time.Millisecond

	headerSize = 8
	busyBit    = 1 << 31 // of the length: the record is not complete
	discardBit = 1 << 30
)

func newRing() (*ring, error) {
	page := os.Getpagesize()
	attr := struct{ kind, keySize, valueSize, entries, flags uint32 }{kind: unix.BPF_MAP_TYPE_RINGBUF, entries: uint32(page)}
	fd, err := bpf(unix.BPF_MAP_CREATE, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err != nil {
		return nil, err
	}
	r := &ring{}
	ours, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err == nil {
		r.mapped = append(r.mapped, ours)
		var theirs []byte
		if theirs, err = unix.Mmap(fd, int64(page), 3*page, unix.PROT_READ, unix.MAP_SHARED); err == nil {
			r.mapped = append(r.mapped, theirs)
			r.consumed = (*atomic.Uint64)(unsafe.Pointer(&ours[0]))
			r.produced, r.data = (*atomic.Uint64)(unsafe.Pointer(&theirs[0])), theirs[page:]
		}
	}
	if err == nil {
		err = unix.SetNonblock(fd, true) // so that waiting does not block a thread
	}
	r.file = os.NewFile(uintptr(fd), "denied attempts")
	if err == nil {
		r.conn, err = r.file.SyscallConn()
	}
	if err != nil {
		r.file.Close()
		r.unmap()
		return nil, err
	}
	return r, nil
}

// fd returns the descriptor, which the ring keeps.
func (r *ring) fd() (fd int) {
	_ = r.conn.Control(func(n uintptr) { fd = int(n) }) // the file is open
	return fd
}

// watch reports the attempts until the ring is closed.
func (r *ring) watch(denied func(Attempt)) {
	defer r.unmap()
	for {
		var found []Attempt
		err := r.conn.Read(func(uintptr) bool {
			found = r.take()
			return len(found) > 0
		})
		if err != nil {
			return
		}
		for _, a := range found {
			denied(a)
		}
		time.Sleep(readInterval)
	}
}

// take reads the complete records.
func (r *ring) take() []Attempt {
	var found []Attempt
	page := uint64(len(r.data) / 2)
	at, end := r.consumed.Load(), r.produced.Load()
	for at < end {
		record := r.data[at%page:]
		length := (*atomic.Uint32)(unsafe.Pointer(&record[0])).Load()
		if length&busyBit != 0 {
			break
		}
		size := length &^ (busyBit | discardBit)
		if length&discardBit == 0 && size == attemptSize {
			found = append(found, readAttempt(record[headerSize:headerSize+size]))
		}
		at += (uint64(size) + headerSize + 7) &^ 7
		r.consumed.Store(at)
	}
	return found
}

func (r *ring) close() { r.file.Close() }

func (r *ring) unmap() {
	for _, m := range r.mapped {
		_ = unix.Munmap(m) // it is mapped
	}
	r.mapped = nil
}
