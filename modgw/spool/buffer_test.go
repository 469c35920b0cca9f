package spool

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// random returns n bytes that differ from those of other calls.
func random(n int) []byte {
	b := make([]byte, n)
	var seed [32]byte
	copy(seed[:], strconv.Itoa(rand.Int()))
	_, _ = rand.NewChaCha8(seed).Read(b) // it never fails
	return b
}

// nothingKept fails the test when a spool still has something.
func nothingKept(t *testing.T, s *Spool) {
	t.Helper()
	if memory, disk := s.Used(); memory != 0 || disk != 0 {
		t.Errorf("%d bytes of memory and %d of disk are still in use", memory, disk)
	}
}

func TestBufferReturnsWhatItWasGivenFromMemoryAndFile(t *testing.T) {
	s := New(Config{Dir: t.TempDir(), Memory: 8 * chunkSize * 2, Disk: 4 << 20})
	// Two chunks are in memory, and the file is a ring of odd size.
	b := NewBuffer(s.Account(8<<20), 300_001)
	want := random(5 << 20)
	go func() {
		for rest := want; len(rest) > 0; {
			piece := rest[:min(len(rest), rand.IntN(50_000)+1)]
			n, err := b.Write(piece)
			rest = rest[n:]
			if err != nil && (!errors.Is(err, ErrLimit) || !b.awaitRoom(b.Len())) {
				b.End(err)
				return
			}
		}
		b.End(io.EOF)
	}()
	got := new(bytes.Buffer)
	piece := make([]byte, 70_000)
	for {
		n, err := b.Read(piece[:rand.IntN(len(piece))+1])
		got.Write(piece[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes came out, and not those that went in", got.Len())
	}
	if memory, disk := s.Used(); memory > 2*chunkSize || disk > 300_001+extentSize {
		t.Errorf("%d bytes of memory and %d of disk are in use", memory, disk)
	}
	b.Close()
	nothingKept(t, s)
}

func TestSpoolFileHasNoName(t *testing.T) {
	dir := t.TempDir()
	b := NewBuffer(New(Config{Dir: dir, Disk: 1 << 20}).Account(1<<20), 1<<20)
	defer b.Close()
	if _, err := b.Write([]byte("secret")); err != nil {
		t.Fatal(err)
	}
	if b.file == nil {
		t.Fatal("there is no file")
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Error(names, err)
	}
	info, err := b.file.Stat()
	if err != nil || info.Mode().Perm() != 0o600 || info.Sys().(*syscall.Stat_t).Nlink != 0 {
		t.Error(info.Mode(), err)
	}
}

func TestFileSystemWithoutUnnamedFilesGetsOneWhoseNameIsRemoved(t *testing.T) {
	dir := t.TempDir()
	f, err := unlinked(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Error(names, err)
	}
}

func TestEachLimitHasItsError(t *testing.T) {
	const size = 1 << 20
	for name, test := range map[string]struct {
		spool   Config
		account int64
		buffer  int64
		want    error
	}{
		"buffer":  {Config{Memory: 8 * size, Disk: size}, size, 100_000, ErrLimit},
		"account": {Config{Memory: chunkSize, Disk: 8 * size}, size, 8 * size, ErrAccountFull},
		"spool":   {Config{Memory: chunkSize, Disk: size}, 8 * size, 8 * size, ErrSpoolFull},
	} {
		t.Run(name, func(t *testing.T) {
			test.spool.Dir = t.TempDir()
			s := New(test.spool)
			b := NewBuffer(s.Account(test.account), test.buffer)
			data := random(2 * size)
			n, err := b.Write(data)
			if err != test.want {
				t.Error(err)
			}
			got := make([]byte, n)
			if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, data[:n]) {
				t.Error("what was kept before is lost", err)
			}
			if m, err := b.Write(data[:1000]); m != 1000 || err != nil {
				t.Error("nothing is kept although there is room again:", m, err)
			}
			b.Close()
			nothingKept(t, s)
		})
	}
}

func TestOneBufferLeavesMemoryToOthers(t *testing.T) {
	const limit = 64 * chunkSize
	s := New(Config{Dir: t.TempDir(), Memory: limit, Disk: 64 << 20})
	a := s.Account(1 << 30)
	for range 3 {
		before, _ := s.Used()
		b := NewBuffer(a, 1<<30)
		defer b.Close()
		if _, err := b.Write(random(2 * limit)); err != nil {
			t.Fatal(err)
		}
		if after, _ := s.Used(); after-before > (limit-before)/2 || after == before {
			t.Errorf("it has %d bytes of memory of %d that were left", after-before, limit-before)
		}
	}
}

func TestNilAccountKeepsNothing(t *testing.T) {
	for _, a := range []*Account{nil, (*Spool)(nil).Account(1), New(Config{}).Account(1), New(Config{Memory: 1}).Account(0)} {
		if a != nil {
			t.Error("there is an account")
		}
		if n, err := NewBuffer(a, 1000).Write([]byte("x")); n != 0 || err != ErrSpoolFull {
			t.Error(n, err)
		}
	}
}

func TestFullDiskIsAnErrorThatLosesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
		t.Skip("cannot mount a small file system:", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	s := New(Config{Dir: dir, Disk: 1 << 30})
	b := NewBuffer(s.Account(1<<30), 1<<30)
	data := random(1 << 20)
	n, err := b.Write(data)
	if _, ok := errors.AsType[*FileError](err); !ok || !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	got := make([]byte, n)
	if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, data[:n]) {
		t.Error("what was kept before is lost", err)
	}
	b.Close()
	nothingKept(t, s)
}

func TestAbsentFolderIsAnError(t *testing.T) {
	s := New(Config{Dir: filepath.Join(t.TempDir(), "gone"), Disk: 1 << 30})
	b := NewBuffer(s.Account(1<<30), 1<<30)
	n, err := b.Write([]byte("x"))
	if _, ok := errors.AsType[*FileError](err); n != 0 || !ok || !errors.Is(err, os.ErrNotExist) {
		t.Error(n, err)
	}
	b.Close()
	nothingKept(t, s)
}

func TestQuotaBoundsTheFilesOfSeveralAccounts(t *testing.T) {
	s := New(Config{Dir: t.TempDir(), Disk: 1 << 30})
	var q Quota
	q.SetLimit(2 * extentSize)
	first, second := NewBuffer(s.AccountWithin(1<<30, &q), 1<<30), NewBuffer(s.AccountWithin(1<<30, &q), 1<<30)
	if n, err := first.Write(make([]byte, extentSize)); n != extentSize || err != nil {
		t.Fatal(n, err)
	}
	if n, err := second.Write(make([]byte, extentSize)); n != extentSize || err != nil || q.Used() != 2*extentSize {
		t.Errorf("%d, %v, %d used", n, err, q.Used())
	}
	if n, err := second.Write(make([]byte, 1)); n != 0 || err != ErrAccountFull {
		t.Errorf("%d, %v", n, err)
	}
	first.Close()
	if q.Used() != extentSize {
		t.Errorf("%d used", q.Used())
	}
	q.SetLimit(0)
	if n, err := NewBuffer(s.AccountWithin(1<<30, &q), 1<<30).Write(make([]byte, 1)); n != 0 || err != ErrAccountFull {
		t.Errorf("%d, %v", n, err)
	}
	second.Close()
	if q.Used() != 0 {
		t.Errorf("%d used", q.Used())
	}
}
