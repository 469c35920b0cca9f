package spool

import (
	"bytes"
	"io"
	"math"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// newArea makes an area as the host does, with the seals of its size.
func newArea(t *testing.T, size int) *Area {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err == nil {
		err = unix.Ftruncate(fd, int64(size))
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		t.Skip("no memory can be shared here:", err)
	}
	a, err := NewArea(os.NewFile(uintptr(fd), "memory"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// reader opens the memory as a worker gets it.
func (a *Area) reader(t *testing.T) *os.File {
	t.Helper()
	f, err := a.Reader()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// pages returns the memory of the area in bytes.
func (a *Area) pages(t *testing.T) int64 {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Fstat(int(a.file.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	return stat.Blocks * 512
}

func TestPinnedBodyIsWhereTheWorkerReadsIt(t *testing.T) {
	s := New(Config{Dir: t.TempDir(), Memory: 64 * chunkSize, Disk: 64 << 20})
	account := s.Account(1 << 30)
	area := newArea(t, int(account.Memory()))
	worker := area.reader(t)
	for _, size := range []int{1, chunkSize - 1, chunkSize, chunkSize + 1, 7*chunkSize + 5, 100 * chunkSize} {
		want := random(size)
		b := NewSharedBuffer(account, int64(size), area)
		if n, err := b.Write(want); n != size || err != nil {
			t.Fatal(n, err)
		}
		b.End(io.EOF)
		b.Pin()
		b.Unpin() // for a worker that cannot read it there
		for _, r := range b.Pin() {
			got := make([]byte, r.Length)
			if _, err := worker.ReadAt(got, int64(r.Offset)); err != nil || !bytes.Equal(got, want[:r.Length]) {
				t.Errorf("%d bytes at %d are not those of the body, %v", r.Length, r.Offset, err)
			}
			want = want[r.Length:]
		}
		b.Retain()
		b.Close()
		rest, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(rest, want) || size < 10*chunkSize && len(rest) > 0 {
			t.Errorf("%d bytes come after what is pinned, %v", len(rest), err)
		}
		if memory, _ := s.Used(); memory == 0 {
			t.Error("what a worker may look at is not kept")
		}
		b.Close()
		nothingKept(t, s)
	}
	area.Close()
}

func TestBodyOfUnknownLengthTakesNoMoreThanItNeeds(t *testing.T) {
	s := New(Config{Memory: 64 * chunkSize})
	account := s.Account(1 << 30)
	area := newArea(t, int(account.Memory()))
	b := NewSharedBuffer(account, math.MaxInt64, area)
	if _, err := b.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if used := account.Used(); used != chunkSize {
		t.Errorf("a byte takes %d", used)
	}
	b.Close()
	area.Close()
	nothingKept(t, s)
}

func TestBodyThatOutlastsTheWorkersIsKeptElsewhere(t *testing.T) {
	s := New(Config{Memory: 64 * chunkSize})
	account := s.Account(1 << 30)
	area := newArea(t, int(account.Memory()))
	before := NewSharedBuffer(account, 10, area)
	area.Close()
	before.Close()
	b := NewSharedBuffer(account, 10, area)
	if _, err := b.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if regions := b.Pin(); regions != nil {
		t.Errorf("workers are to read it at %v", regions)
	}
	b.Close()
	nothingKept(t, s)
}

func TestClosedAreaLeavesNothingWithTheWorkers(t *testing.T) {
	s := New(Config{Memory: 64 * chunkSize})
	account := s.Account(1 << 30)
	area := newArea(t, int(account.Memory()))
	worker := area.reader(t)
	b := NewSharedBuffer(account, 1<<20, area)
	if _, err := b.Write(random(3 * chunkSize)); err != nil {
		t.Fatal(err)
	}
	b.Close()
	area.Close()
	var stat unix.Stat_t
	if err := unix.Fstat(int(worker.Fd()), &stat); err != nil || stat.Blocks != 0 {
		t.Errorf("a worker has %d bytes, %v", stat.Blocks*512, err)
	}
}

func TestFullAreaLeavesTheRestToTheFile(t *testing.T) {
	s := New(Config{Dir: t.TempDir(), Memory: 64 * chunkSize, Disk: 64 << 20})
	area := newArea(t, 3*chunkSize) // less than the spool has
	want := random(10 * chunkSize)
	b := NewSharedBuffer(s.Account(1<<30), int64(len(want)), area)
	if _, err := b.Write(want); err != nil {
		t.Fatal(err)
	}
	b.End(io.EOF)
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came out, and not those that went in, %v", len(got), err)
	}
	b.Close()
	area.Close()
	nothingKept(t, s)
}

// A worker can only read the memory: it can neither change a body, nor make the host fail when it
// reads one.
func TestWorkerCannotWriteToBodies(t *testing.T) {
	area := newArea(t, 4*chunkSize)
	defer area.Close()
	worker := area.reader(t)
	fd := int(worker.Fd())
	if _, err := unix.Mmap(fd, 0, chunkSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != unix.EACCES {
		t.Error("mmap:", err)
	}
	memory, err := unix.Mmap(fd, 0, chunkSize, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Munmap(memory); err != nil {
			t.Error(err)
		}
	}()
	if err := unix.Mprotect(memory, unix.PROT_READ|unix.PROT_WRITE); err != unix.EACCES {
		t.Error("mprotect:", err)
	}
	if _, err := unix.Pwrite(fd, []byte("x"), 0); err != unix.EBADF {
		t.Error("pwrite:", err)
	}
	if err := unix.Ftruncate(fd, 0); err != unix.EINVAL {
		t.Error("ftruncate:", err)
	}
	if err := unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, chunkSize); err != unix.EBADF {
		t.Error("fallocate:", err)
	}
	if info, err := worker.Stat(); err != nil || info.Mode().Perm() != 0o400 {
		t.Error("another user may open it for writing:", info.Mode(), err)
	}
}

func TestMemoryOfBodiesIsGivenBackAfterABurst(t *testing.T) {
	s := New(Config{Dir: t.TempDir(), Memory: 64 * chunkSize, Disk: 64 << 20})
	account := s.Account(1 << 30)
	area := newArea(t, int(account.Memory()))
	defer area.Close()
	keep := func(chunks int) *Buffer {
		b := NewSharedBuffer(account, 1<<30, area)
		if _, err := b.Write(random(chunks * chunkSize)); err != nil {
			t.Fatal(err)
		}
		return b
	}
	small := keep(1)
	keep(10).Close()
	if got := area.pages(t); got != 11*chunkSize {
		t.Fatalf("a burst needs %d bytes", got)
	}
	area.trim() // there were more recently
	if got := area.pages(t); got != 11*chunkSize {
		t.Errorf("it has %d bytes, although more were used of late", got)
	}
	keep(2).Close()
	area.trim()
	if got := area.pages(t); got != 3*chunkSize {
		t.Errorf("after the burst it has %d bytes", got)
	}
	small.Close()
	area.trim()
	area.trim()
	if got := area.pages(t); got != 0 || area.trimmer != nil {
		t.Errorf("unused it has %d bytes, and goes on looking: %t", got, area.trimmer != nil)
	}
}
