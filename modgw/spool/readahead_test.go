package spool

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// source is a response of a given length, in pieces.
type source struct {
	data   []byte
	end    error
	ended  chan struct{} // closes when all was read
	waited atomic.Int64

	hold   chan struct{} // if set, Read waits for it before the end
	broken chan struct{} // closes on Interrupt
	once   sync.Once
}

var errBroken = errors.New("interrupted")

func newSource(size int) *source {
	return &source{data: random(size), end: io.EOF, ended: make(chan struct{}), broken: make(chan struct{})}
}

func (s *source) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		if s.hold != nil {
			select {
			case <-s.hold:
			case <-s.broken:
				return 0, errBroken
			}
		}
		close(s.ended)
		return 0, s.end
	}
	n := copy(p[:min(len(p), 10_000)], s.data)
	s.data = s.data[n:]
	return n, nil
}

func (s *source) Ready() bool            { return len(s.data) > 0 }
func (s *source) Waited(d time.Duration) { s.waited.Add(int64(d)) }
func (s *source) Interrupt()             { s.once.Do(func() { close(s.broken) }) }

// pass passes a response on to write until its end.
func pass(r *ReadAhead, write func([]byte) error) error {
	piece := make([]byte, 5000)
	for {
		n, err := r.Read(piece)
		if n > 0 {
			if err := write(piece[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

func TestSourceIsReadToItsEndWhileTheClientTakesNothing(t *testing.T) {
	s := New(Config{Dir: t.TempDir(), Memory: 8 * chunkSize, Disk: 8 << 20})
	src := newSource(4 << 20)
	want := src.data
	r := NewReadAhead(src, s.Account(8<<20), 8<<20, nil)
	got := new(bytes.Buffer)
	err := pass(r, func(p []byte) error {
		<-src.ended
		got.Write(p)
		return nil
	})
	if err != io.EOF || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes came, and %v", got.Len(), err)
	}
	r.Close()
	nothingKept(t, s)
}

func TestNothingIsReadAheadOfAClientThatKeepsUp(t *testing.T) {
	s := New(Config{Memory: 1 << 20})
	r := NewReadAhead(newSource(1<<20), s.Account(1<<20), 1<<20, nil)
	if err := pass(r, func(p []byte) error { return nil }); err != io.EOF {
		t.Error(err)
	}
	r.Close()
	nothingKept(t, s)
}

func TestFullBufferHasTheSourceWait(t *testing.T) {
	for name, a := range map[string]*Account{
		"limit": New(Config{Memory: 1 << 30}).Account(1 << 30),
		// This account is used up.
		"exhausted": New(Config{Memory: 1}).Account(1),
		"no folder": New(Config{Dir: "/none/such", Disk: 1 << 30}).Account(1 << 30),
	} {
		t.Run(name, func(t *testing.T) {
			src := newSource(1 << 20)
			want := src.data
			var failed error
			r := NewReadAhead(src, a, 100_000, func(err error) { failed = err })
			got := new(bytes.Buffer)
			err := pass(r, func(p []byte) error {
				for r.ahead() == nil {
					time.Sleep(time.Millisecond)
				}
				got.Write(p)
				return nil
			})
			if err != io.EOF || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%d bytes came, and %v", got.Len(), err)
			}
			r.Close()
			if src.waited.Load() == 0 {
				t.Error("the client's time counts as the source's")
			}
			if a.Used() != 0 {
				t.Error(a.Used(), "bytes are still in use")
			}
			if _, ok := errors.AsType[*FileError](failed); ok != (name == "no folder") {
				t.Error(failed)
			}
		})
	}
}

func TestSourceIsInterruptedWhenTheClientHasGone(t *testing.T) {
	s := New(Config{Memory: 8 << 20})
	src := newSource(1 << 20)
	src.hold = make(chan struct{})
	r := NewReadAhead(src, s.Account(8<<20), 8<<20, nil)
	gone := errors.New("gone")
	err := pass(r, func([]byte) error {
		for r.ahead() == nil {
			time.Sleep(time.Millisecond)
		}
		return gone
	})
	r.Close()
	if err != gone {
		t.Error(err)
	}
	nothingKept(t, s)
}

func TestWhatCameBeforeAnErrorIsPassedOn(t *testing.T) {
	s := New(Config{Memory: 8 << 20})
	src := newSource(300_000)
	src.end = errBroken
	r := NewReadAhead(src, s.Account(8<<20), 8<<20, nil)
	passed := 0
	err := pass(r, func(p []byte) error {
		<-src.ended
		passed += len(p)
		return nil
	})
	r.Close()
	if err != errBroken || passed != 300_000 {
		t.Error(err, passed)
	}
}
