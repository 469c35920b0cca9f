package wsgi

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// TestAnswerOvertakesTheWordThatAnotherRequestWasGivenBack has them come in the order that two
// connections allow.
func TestAnswerOvertakesTheWordThatAnotherRequestWasGivenBack(t *testing.T) {
	t.Parallel()
	s := &Scheduler{}
	w := &Worker{scheduler: s, Worker: control.New(
		&workers.Worker{Log: slog.New(slog.DiscardHandler)}, control.Config{},
	)}
	conn, unread, err := wire.Pair() // the worker reads no Unqueue frame
	if err != nil {
		t.Fatal(err)
	}
	defer unread.Close()
	w.Connect(conn)
	defer w.Worker.Close()
	c, theirs, err := newConn(w, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	defer c.close()
	w.Conns = []*Conn{c}
	first, second := &stream{whole: true}, &stream{whole: true}
	for _, opened := range []*stream{first, second} {
		s.take(c, &ticket{})
		if err := c.open(opened, wire.EndDict(wire.BeginDict(nil)), relay.NewBody(nil)); err != nil {
			t.Fatal(err)
		}
	}
	answer := wire.AppendFrame(nil, wire.Frame{Type: wire.Response, Flags: wire.FlagEnd, Stream: second.ID, Payload: []byte("second")})
	if _, err := theirs.Write(answer); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := first.Next()
		first.leave()
		ended <- err
	}()
	watchtest.Eventually(t, "a stream that waits for the word", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return first.turn != nil
	})
	if err := w.Requeue([]byte{0, 0, 0, 0, byte(first.ID), 0, 0, 0}, false); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, relay.ErrRequeued) {
		t.Errorf("the first got %v", err)
	}
	if f, err := second.Next(); err != nil || string(f.Payload) != "second" {
		t.Errorf("the second got %q, %v", f.Payload, err)
	}
}

// leaving is an exchange that only leaves the loop.
type leaving struct {
	modgw.LoopExchange
	left chan struct{}
}

func (l leaving) Body() []byte                                      { return nil }
func (l leaving) Continue(func(http.ResponseWriter, *http.Request)) { close(l.left) }

// TestFirstRequestOfAConnectionIsGivenBackFromTheLoop has the worker give back the request whose
// answer is awaited, which was not begun for those before it.
func TestFirstRequestOfAConnectionIsGivenBackFromTheLoop(t *testing.T) {
	t.Parallel()
	loop, err := eventloop.New()
	if err != nil {
		t.Fatal(err)
	}
	defer loop.Close()
	s := &Scheduler{}
	w := &Worker{loop: loop, scheduler: s, Worker: control.New(
		&workers.Worker{Log: slog.New(slog.DiscardHandler)}, control.Config{},
	)}
	defer w.Worker.Close()
	c, theirs, err := newConn(w, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	defer c.close()
	w.Conns = []*Conn{c}
	x := leaving{left: make(chan struct{})}
	d := &direct{exchange: x}
	d.stream = stream{whole: true, direct: d}
	s.take(c, &ticket{})
	registered := make(chan error)
	loop.Post(func() {
		c.adopt(&d.stream, nil)
		registered <- c.register(&d.stream)
	})
	if err := <-registered; err != nil {
		t.Fatal(err)
	}
	if err := w.Requeue([]byte{0, 0, 0, 0, byte(d.stream.ID), 0, 0, 0}, false); err != nil {
		t.Fatal(err)
	}
	<-x.left
	if _, err := d.stream.Next(); !errors.Is(err, relay.ErrRequeued) {
		t.Errorf("got %v", err)
	}
	d.stream.leave()
}
