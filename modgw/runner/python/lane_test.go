package python

import (
	"errors"
	"io"
	"log/slog"
	"testing"

	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// TestAnswerOvertakesTheWordThatAnotherRequestWasGivenBack has them come in the order that two connections allow.
func TestAnswerOvertakesTheWordThatAnotherRequestWasGivenBack(t *testing.T) {
	t.Parallel()
	p := &pool{}
	w := &worker{Worker: &workers.Worker{Log: slog.New(slog.DiscardHandler)}, out: wire.NewWriter(io.Discard)} // it hears of no recall
	l, theirs, err := newLane(p, w, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	defer l.close()
	w.lanes = []*lane{l}
	first, second := &stream{whole: true}, &stream{whole: true}
	for _, s := range []*stream{first, second} {
		p.take(l, &ticket{})
		if err := l.open(s, wire.EndDict(wire.BeginDict(nil)), nil); err != nil {
			t.Fatal(err)
		}
	}
	answer := wire.AppendFrame(nil, wire.Frame{Type: wire.Response, Flags: wire.FlagEnd, Stream: second.id, Payload: []byte("second")})
	if _, err := theirs.Write(answer); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := first.next()
		first.leave()
		ended <- err
	}()
	eventually(t, "a stream that waits for the word", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return first.turn != nil
	})
	if err := w.takeBack([]byte{0, 0, 0, 0, byte(first.id), 0, 0, 0}, false); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, errReturned) {
		t.Errorf("the first got %v", err)
	}
	if f, err := second.next(); err != nil || string(f.Payload) != "second" {
		t.Errorf("the second got %q, %v", f.Payload, err)
	}
}
