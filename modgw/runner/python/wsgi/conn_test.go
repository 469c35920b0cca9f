package wsgi

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"testing"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// TestAnswerOvertakesTheWordThatAnotherRequestWasGivenBack has the two arrive in the order that two
// connections allow.
func TestAnswerOvertakesTheWordThatAnotherRequestWasGivenBack(t *testing.T) {
	t.Parallel()
	loop, err := eventloop.New()
	if err != nil {
		t.Fatal(err)
	}
	defer loop.Close()
	s := &scheduler{}
	w := &Worker{loop: loop, scheduler: s, Worker: control.New(
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

// staying is an exchange that stays on the loop.
type staying struct {
	modgw.LoopExchange
	loop *eventloop.Loop
}

func (s staying) Loop() *eventloop.Loop { return s.loop }
func (staying) Body() []byte            { return nil }
func (staying) Request() (*http.Request, *modgw.RequestInfo) {
	return &http.Request{}, &modgw.RequestInfo{}
}

// TestRequestThatIsGivenBackGoesToAnotherThreadFromTheLoop has the worker give back a request that
// waits behind another one.
func TestRequestThatIsGivenBackGoesToAnotherThreadFromTheLoop(t *testing.T) {
	t.Parallel()
	loop, err := eventloop.New()
	if err != nil {
		t.Fatal(err)
	}
	defer loop.Close()
	app := &request.App{}
	app.Descriptor.Queue.Max = 2
	server := New(app, 2)
	s := server.scheduler
	s.expect(1)
	w := &Worker{loop: loop, scheduler: s, Worker: control.New(
		&workers.Worker{Log: slog.New(slog.DiscardHandler)}, control.Config{},
	)}
	conn, unread, err := wire.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer unread.Close()
	w.Connect(conn)
	defer w.Worker.Close()
	var theirs [2]*os.File
	for number := range theirs {
		var c *Conn
		if c, theirs[number], err = newConn(w, number); err != nil {
			t.Fatal(err)
		}
		defer theirs[number].Close()
		defer c.close()
		w.Conns = append(w.Conns, c)
	}
	s.add(w)
	w.Conns[0].depth.Store(2)
	var first, second *direct
	on := func(f func()) {
		done := make(chan struct{})
		loop.Post(func() { f(); close(done) })
		<-done
	}
	on(func() {
		for _, d := range []**direct{&first, &second} {
			*d = &direct{exchange: staying{loop: loop}, server: server, head: []byte("head")}
			(*d).waiter.ticket = &(*d).ticket
			if !(*d).begin() || (*d).waiter.conn != w.Conns[0] {
				t.Error("a request did not come to the first thread")
			}
		}
	})
	if err := w.Requeue([]byte{0, 0, 0, 0, byte(second.stream.ID), 0, 0, 0}, false); err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, 1<<10)
	if _, err := theirs[1].Read(frame); err != nil || !bytes.Contains(frame, []byte("head")) {
		t.Errorf("the second thread got %q, %v", frame, err)
	}
	on(func() {
		if !second.ticket.alone || second.stream.conn != w.Conns[1] {
			t.Error("the request is not alone on the connection of the second thread")
		}
		first.stream.leave()
		second.stream.leave()
	})
}
