package wsgi

import (
	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/wire"
)

// openDirect is open for a request that is served on the loop. The frame is written at the end of
// the loop's turn, with those of other requests. After an error the stream has left already.
func (c *Conn) openDirect(d *direct, body []byte) error {
	s := &d.stream
	c.adopt(s, body)
	var refused error
	err := c.out.Append(func(b []byte) []byte {
		if refused = c.register(s); refused != nil {
			return b
		}
		return wire.AppendRequest(b, s.ID, wire.FlagEnd, d.head, body)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		s.leave()
		return err
	}
	if len(c.unflushed) == 0 {
		c.worker.loop.FlushLater(c)
	}
	d.queued = true
	c.unflushed = append(c.unflushed, d)
	return nil
}

// Flush implements [eventloop.Flusher].
func (c *Conn) Flush() {
	defer c.contain()
	left, err := c.out.Flush()
	if left && !c.worker.Pool.Background(c.out.Drain) {
		go c.out.Drain() // it ends when the connection is closed, which is soon
	}
	for i, d := range c.unflushed {
		c.unflushed[i] = nil
		d.queued = false
		if err != nil && d.stream.direct != nil {
			d.unsent = true
			d.passToGoroutine(err)
		}
	}
	c.unflushed = c.unflushed[:0]
}

// readOnLoop reads frames for requests that are served on the loop, or frames about kept bodies if
// there is no request. It reports whether no goroutine needs to read.
func (c *Conn) readOnLoop() bool {
	defer c.contain()
	if c.firstDirect() == nil {
		c.readIdle()
		return false
	}
	c.readDirect()
	return true
}

// attend handles requests on the loop that have become the first of the connection, or whose
// waiting time is over, and frames about kept bodies that came before the last request left.
func (c *Conn) attend() {
	defer c.contain()
	c.mu.Lock()
	c.attends = false
	var given, unwanted []*direct
	for _, s := range c.order {
		switch {
		case s.direct == nil || s.demand == wanted:
		case s.demand == returned && s.progress == begun && !s.direct.queued:
			given = append(given, s.direct)
		default:
			unwanted = append(unwanted, s.direct)
		}
	}
	c.mu.Unlock()
	for _, d := range given {
		d.requeue()
	}
	for _, d := range unwanted {
		d.passToGoroutine(nil)
	}
	c.readDirect()
	c.readIdle()
}

// readDirect reads as long as the first stream is served on the loop and there is something to
// read.
func (c *Conn) readDirect() {
	for {
		d := c.firstDirect()
		if d == nil {
			return
		}
		if d.stream.began.IsZero() {
			d.stream.began = c.worker.loop.Time() // the one before it has just left
		}
		f, ok, err := c.in.Buffered()
		if !ok && err == nil {
			if ok, err = c.in.TryFill(); !ok && err == nil {
				return
			}
			if err == nil {
				continue
			}
		}
		if err != nil {
			c.fail(err)
			d.passToGoroutine(err)
			continue
		}
		d.receive(f)
	}
}

// contain ends the worker, and nothing else, when the code for its connection panics.
func (c *Conn) contain() {
	value := recover()
	if value == nil {
		return
	}
	listen.LogPanic(value, nil, c.worker.Log)
	err := wire.Errorf("the code for its connection panicked: %v", value)
	c.fail(err)
	if d := c.firstDirect(); d != nil {
		d.passToGoroutine(err)
	}
}

// firstDirect is the request of the first stream, if it is served on the loop.
func (c *Conn) firstDirect() *direct {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.order) == 0 {
		return nil
	}
	return c.order[0].direct
}
