package wsgi

import (
	"errors"
	"log/slog"
	"os"
	"testing"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/spool"
	"github.com/modgw/modgw/modgw/wire"
)

// lender is a connection to a worker, which the test plays, with bodies that the host keeps for the
// worker.
type lender struct {
	*testing.T
	loop    *eventloop.Loop
	conn    *Conn
	worker  *os.File // the worker's end
	account *spool.Account
}

func newLender(t *testing.T) *lender {
	t.Helper()
	loop, err := eventloop.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loop.Close)
	s := &scheduler{}
	w := &Worker{loop: loop, scheduler: s, Worker: control.New(
		&workers.Worker{Log: slog.New(slog.DiscardHandler)}, control.Config{},
	)}
	c, theirs, err := newConn(w, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.close()
		theirs.Close()
	})
	w.Conns = []*Conn{c}
	account := spool.New(spool.Config{Memory: 1 << 20}).Account(1 << 20)
	return &lender{t, loop, c, theirs, account}
}

// open opens a stream, whose body is kept if that is wanted.
func (l *lender) open(kept bool) *stream {
	l.Helper()
	opened := &stream{whole: true}
	l.conn.scheduler.take(l.conn, &ticket{})
	if err := l.conn.open(opened, wire.EndDict(wire.BeginDict(nil)), relay.NewBody(nil)); err != nil {
		l.Fatal(err)
	}
	if !kept {
		return opened
	}
	body := spool.NewBuffer(l.account, 1)
	if _, err := body.Write([]byte("x")); err != nil {
		l.Fatal(err)
	}
	l.conn.kept.retain(opened.ID, body, []spool.Region{{Length: 1}})
	body.Close()
	return opened
}

// say has the worker send frames of these types for a stream, in one write.
func (l *lender) say(s *stream, types ...wire.Type) {
	l.Helper()
	var said []byte
	for _, kind := range types {
		f := wire.Frame{Type: kind, Stream: s.ID}
		if kind == wire.Response {
			f.Flags, f.Payload = wire.FlagEnd, []byte("all")
		}
		said = wire.AppendFrame(said, f)
	}
	if _, err := l.worker.Write(said); err != nil {
		l.Fatal(err)
	}
}

// end reads the worker's answer.
func (l *lender) end(s *stream) error {
	_, err := s.Next()
	s.leave()
	return errors.Join(err, s.stray)
}

// turn waits until the loop has handled all input.
func (l *lender) turn() {
	for range 2 { // functions posted in the first turn are done in the second
		done := make(chan struct{})
		l.loop.Post(func() { close(done) })
		<-done
	}
}

func (l *lender) nothingKept() {
	l.Helper()
	watchtest.Eventually(l.T, "kept bodies returned", func() bool { return l.account.Used() == 0 })
}

// TestKeptBodyComesBackWithoutAnotherRequest has the worker return it at several times.
func TestKeptBodyComesBackWithoutAnotherRequest(t *testing.T) {
	t.Parallel()
	t.Run("in one write with the response", func(t *testing.T) {
		l := newLender(t)
		s := l.open(true)
		l.say(s, wire.Response, wire.Kept)
		if err := l.end(s); err != nil {
			t.Error(err)
		}
		l.nothingKept()
	})
	t.Run("before the stream leaves", func(t *testing.T) {
		l := newLender(t)
		s := l.open(true)
		s.whole = false // so it does not leave with its last frame
		l.say(s, wire.Response)
		f, err := s.Next()
		if err != nil || !f.End() {
			t.Fatalf("%+v, %v", f, err)
		}
		l.say(s, wire.Kept)
		l.turn()
		s.leave()
		l.nothingKept()
	})
	t.Run("when the connection is idle", func(t *testing.T) {
		l := newLender(t)
		s := l.open(true)
		l.say(s, wire.Response)
		if err := l.end(s); err != nil {
			t.Error(err)
		}
		l.turn()
		l.say(s, wire.Kept)
		l.nothingKept()
		next := l.open(false)
		l.say(next, wire.Response)
		if err := l.end(next); err != nil {
			t.Error("the next request:", err)
		}
	})
}

// TestWorkerThatReturnsNoKeptBodyBreaksTheProtocol has the worker answer a later request.
func TestWorkerThatReturnsNoKeptBodyBreaksTheProtocol(t *testing.T) {
	t.Parallel()
	for _, answer := range []wire.Type{wire.Response, wire.Abort} {
		l := newLender(t)
		first := l.open(true)
		l.say(first, wire.Response)
		if err := l.end(first); err != nil {
			t.Error(err)
		}
		second := l.open(true)
		l.say(second, answer)
		err := l.end(second)
		if _, broke := errors.AsType[*wire.ProtocolError](err); !broke {
			t.Errorf("%s: got %v", answer, err)
		}
	}
}

// TestIdleWorkerCanSayNothingButKept has the worker answer once more while it has a kept body.
func TestIdleWorkerCanSayNothingButKept(t *testing.T) {
	t.Parallel()
	l := newLender(t)
	s := l.open(true)
	l.say(s, wire.Response)
	if err := l.end(s); err != nil {
		t.Error(err)
	}
	l.say(s, wire.Response)
	watchtest.Eventually(t, "the end of the worker", func() bool {
		l.conn.mu.Lock()
		defer l.conn.mu.Unlock()
		_, broke := errors.AsType[*wire.ProtocolError](l.conn.err)
		return broke
	})
}
