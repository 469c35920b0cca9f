package relay

import "io"

// Sink receives a request's body. Its methods may wait until the program accepts the bytes; the
// caller of [Body.Stop] ensures that they do not wait forever.
type Sink interface {
	Send(piece []byte) error // piece is valid until it returns
	End() error              // the body is complete
	Fail(err error)          // the client's body cannot be read to its end
}

// Feeder gives a request's body to a program while the response is read. It ends soon after
// [Body.Stop].
type Feeder struct {
	body *Body
	sink Sink
	done chan struct{} // closes when the goroutine has ended
	sent bool          // the program was given the whole body; to be read after done
}

// Feed starts a feeder. The time in which it waits for the client does not count on the clock.
func Feed(body *Body, sink Sink, c *Clock) *Feeder {
	f := &Feeder{body: body, sink: sink, done: make(chan struct{})}
	body.Stream(c)
	if !body.IsWhole() {
		body.Spend()
	}
	go f.run()
	return f
}

func (f *Feeder) run() {
	defer close(f.done)
	err := f.feed()
	f.sent = err == nil
	if failure := f.body.Err(); failure != nil {
		f.sink.Fail(failure)
	}
}

// feed returns nil when the program was given everything.
func (f *Feeder) feed() error {
	if len(f.body.ahead) > 0 {
		if err := f.sink.Send(f.body.ahead); err != nil {
			return err
		}
	}
	piece := buffers.Get().(*[AheadSize]byte)
	defer buffers.Put(piece)
	for more := !f.body.IsWhole(); more; {
		n, err := f.body.Read(piece[:])
		more = err == nil
		if err != nil && err != io.EOF {
			return err
		}
		if n > 0 {
			if err := f.sink.Send(piece[:n]); err != nil {
				return err
			}
		}
	}
	return f.sink.End()
}

// Done closes when the feeder has ended.
func (f *Feeder) Done() <-chan struct{} { return f.done }

// Sent reports, after Done, whether the program was given the whole body.
func (f *Feeder) Sent() bool { return f.sent }
