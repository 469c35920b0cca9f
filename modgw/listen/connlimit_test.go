package listen

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose clients are ends of pipes.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
	once    sync.Once // several goroutines close it
}

func newPipes() *pipes { return &pipes{waiting: make(chan net.Conn, 10), closed: make(chan struct{})} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.waiting <- ours
	return theirs
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.waiting:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func TestMoreConnectionsThanThereIsRoomForWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		var inside atomic.Int32
		ctx, cancel := context.WithCancel(t.Context())
		ln := newPipes()
		ended := make(chan error, 1)
		leave := make(chan struct{})
		door := Door{Most: 2, Log: slog.New(slog.NewTextHandler(&log, nil))}
		go func() {
			ended <- door.Accept(ctx, ln, func(c net.Conn, left func()) {
				inside.Add(1)
				go func() {
					<-leave
					c.Close()
					inside.Add(-1)
					left()
				}()
			})
		}()
		var last net.Conn
		for range 3 {
			last = ln.dial()
		}
		synctest.Wait()
		if n := inside.Load(); n != 2 {
			t.Fatalf("%d connections at once, want 2", n)
		}
		if said := strings.Count(log.String(), "listener full"); said != 1 {
			t.Errorf("it was said %d times that there is no room:\n%s", said, &log)
		}
		leave <- struct{}{}
		synctest.Wait()
		if n := inside.Load(); n != 2 {
			t.Errorf("%d connections after one has left, want 2", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ended with %v", err)
		}
		close(leave)
		if _, err := last.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the last connection: %v", err)
		}
	})
}

func TestTheDefaultLeavesHalfOfTheFileDescriptors(t *testing.T) {
	if n := DefaultMaxConnections(); n < fewestConnections || n > mostConnections {
		t.Errorf("%d", n)
	}
}

func TestAFullListenerEndsWhenItIsToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ln := newPipes()
		theirs := ln.dial()
		defer theirs.Close()
		err := Door{Most: 1, Log: slog.New(slog.DiscardHandler)}.Accept(ctx, ln, func(c net.Conn, _ func()) { c.Close() })
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}
