package onloop

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/listen"
)

// state is the activity of a connection.
type state uint8

const (
	starting   state = iota // the loop does not have it yet
	idle                    // nothing of a request has come
	receiving               // a part of one has
	serving                 // its response is awaited
	responding              // its response waits for the client
	moving                  // it goes to another loop, where its request is served
	away                    // a goroutine has the connection
	closed
)

// Conn is a connection of a front. It implements [modgw.LoopExchange] for the request that it
// serves. Its fields belong to the loop that it is on.
type Conn struct {
	server   *Server
	local    atomic.Pointer[local] // selects the loop; only that loop changes it
	protocol Protocol
	peer     net.Addr
	ended    func() // called when the connection has ended

	state  state
	fd     int // -1 while a goroutine has the connection
	source eventloop.Source
	stay   eventloop.Stay
	last   bool // the connection ends when no request is in flight
	over   bool // the client sends no more, which no further event reports
	// handover passes the connection to another process when no request is in flight; nil: it stays
	handover *listen.Handover
	cut      error    // why it ends at once; nil: it does not
	driver   Driver   // nil unless away
	sending  *sending // nil unless the state is responding
	misses   uint8    // how many requests in a row could not stay on the loop, at most 8

	// These are set while the state is serving.
	request *http.Request
	info    *modgw.RequestInfo
	header  http.Header
	owner   modgw.LoopOwner
}

// Start has the loop serve the connection, and ended called when the connection has ended.
func (c *Conn) Start(ended func()) {
	c.ended = ended
	c.post(c.listen)
}

// post has f called on the loop that the connection is on then.
func (c *Conn) post(f func()) {
	l := c.local.Load()
	l.loop.Post(func() {
		if c.local.Load() != l {
			c.post(f)
			return
		}
		f()
	})
}

// listen makes the connection idle when it begins, and when it comes back.
func (c *Conn) listen() {
	c.state, c.over = idle, false // Add reports it again
	switch {
	case c.cut != nil, c.last && c.protocol.WasUsed():
		c.close()
	case c.handover != nil:
		c.pass()
	case c.last, c.Loop().Add(&c.source, c.fd, c) != nil:
		// Its client may have begun a request, or the kernel has no room for another source.
		c.leaveLoop(Work{Requests: stayAway})
	default:
		c.rest()
	}
}

// Ready implements [eventloop.Handler].
func (c *Conn) Ready(e eventloop.Events) {
	defer c.contain()
	switch c.state {
	case idle, receiving:
		c.over = c.over || e.Ended()
		c.receive()
	case serving:
		// The peer may have sent more or left, or the event is for bytes that were read already.
		n, err := 0, error(io.EOF)
		if !e.Ended() {
			n, err = c.protocol.Read(c.fd)
		}
		if n > 0 && c.server.Multiplexed || err != nil && err != unix.EAGAIN {
			c.owner.Detach()
		}
	case responding:
		c.send()
	}
}

// contain ends the connection, and nothing else, when its code panics.
func (c *Conn) contain() {
	if value := recover(); value != nil {
		listen.LogPanic(value, c.peer, c.server.Log)
		defer func() {
			if recover() != nil && c.state != away {
				c.close()
			}
		}()
		c.end(errPanicked)
	}
}

// errPanicked is why a connection ends whose code has panicked.
var errPanicked = errors.New("the code of the connection has panicked")

// receive reads the available input, and serves a request that is whole.
func (c *Conn) receive() {
	n, err := c.protocol.Read(c.fd)
	switch {
	case n > 0:
		c.proceed()
	case err == unix.EAGAIN:
		c.rest()
	case c.protocol.HasInput():
		c.leaveLoop(Work{}) // the goroutine answers, or logs, a request that breaks off
	default:
		if err != io.EOF && !errors.Is(err, unix.ECONNRESET) {
			c.server.Log.Warn("connection ended", "peer", c.peer, "error", err)
		}
		c.close()
	}
}

// proceed serves the request that was read, if it is whole.
func (c *Conn) proceed() {
	if c.state == idle {
		c.enter(receiving, c.local.Load().busy)
	}
	switch c.protocol.Parse() {
	case Whole:
		c.serve()
	case Unusual:
		c.leaveLoop(Work{})
	case Partial:
		if c.over {
			c.leaveLoop(Work{}) // the goroutine answers, or logs, a request that breaks off
		}
	}
}

// serve serves the request that was read.
func (c *Conn) serve() {
	r, info, ok := c.protocol.Request(c.Loop().Time())
	if !ok {
		c.leaveLoop(Work{})
		return
	}
	c.request, c.info = r, info
	c.offer()
}

// offer has the handler serve the request.
func (c *Conn) offer() {
	local := c.local.Load()
	c.header = local.takeHeader()
	c.enter(serving, local.busy)
	if !c.server.Handler.ServeOnLoop(c) {
		c.leaveLoop(Work{Serve: c.server.Handler.ServeHTTP, Requests: stayAway})
	}
}

// enter changes the state, which is bounded by a limit from now on; nil: it is not.
func (c *Conn) enter(s state, limit *eventloop.Limit) {
	c.stay.End()
	c.state = s
	if limit != nil {
		limit.Begin(&c.stay)
	}
}

// rest makes the connection idle if no part of a request was read.
func (c *Conn) rest() {
	switch {
	case c.protocol.HasInput():
		return
	case c.over:
		c.close()
		return
	case c.handover != nil:
		c.pass()
		return
	case c.protocol.WasUsed():
		c.enter(idle, c.local.Load().idle)
	default:
		c.enter(idle, c.local.Load().first)
	}
	c.protocol.Release()
}

// overdue closes a connection that was idle for long, and has a goroutine go on with a request that
// takes long.
func (c *Conn) overdue() {
	defer c.contain()
	switch c.state {
	case idle:
		c.close()
	case receiving:
		c.leaveLoop(Work{})
	case serving:
		c.owner.Detach()
	case responding:
		c.sendElsewhere()
	}
}

// close ends the connection, which no goroutine has.
func (c *Conn) close() {
	if c.state == closed {
		return
	}
	c.enter(closed, nil)
	c.source.Remove()
	unix.Close(c.fd)
	c.protocol.Release()
	c.forget()
	c.releaseBody()
	c.ended()
}

// pass passes the connection, on which no request is in flight, to another process. Bytes that its
// client has sent meanwhile are in the socket.
func (c *Conn) pass() {
	c.enter(closed, nil)
	c.source.Remove()
	used := c.protocol.WasUsed()
	c.protocol.Release()
	c.forget()
	c.handover.Pass(c.fd, used)
	c.ended()
}

// forget releases the resources of the request that was served.
func (c *Conn) forget() {
	c.local.Load().releaseHeader(c.header)
	c.request, c.info, c.header, c.owner = nil, nil, nil, nil
}

// Drain ends the connection as soon as no request is in flight. Any goroutine may call it.
func (c *Conn) Drain() {
	c.post(func() {
		defer c.contain()
		c.last = true
		switch {
		case c.state == away:
			c.driver.Drain()
		case c.state != idle: // it ends after the request
		case !c.protocol.WasUsed():
			c.leaveLoop(Work{}) // the client's next request is answered
		default:
			if n, _ := c.protocol.Read(c.fd); n > 0 {
				c.proceed() // it came at the last moment
				return
			}
			c.close()
		}
	})
}

// Leave passes the connection to another process as soon as no request is in flight. Any goroutine
// may call it.
func (c *Conn) Leave(h *listen.Handover) {
	c.post(func() {
		defer c.contain()
		c.handover = h
		switch {
		case c.state == away:
			c.driver.Return()
		case c.state == idle && !c.protocol.HasInput():
			c.pass()
		}
	})
}

// Cut ends the connection at once. Any goroutine may call it.
func (c *Conn) Cut(err error) {
	c.post(func() {
		defer c.contain()
		c.end(err)
	})
}

// end ends the connection at once. The handler of a request that was begun learns of it.
func (c *Conn) end(err error) {
	c.cut = err
	switch {
	case c.state == serving && c.owner != nil:
		c.owner.Detach()
	case c.state == idle, c.state == receiving, c.state == serving, c.state == responding:
		c.close()
	case c.driver != nil:
		c.driver.Cut(err)
	}
}

// leaveLoop has a goroutine go on with the connection.
func (c *Conn) leaveLoop(w Work) {
	c.enter(away, nil)
	c.source.Remove()
	rwc, err := eventloop.Give(c.fd)
	if err != nil {
		c.server.Log.Warn("connection ended", "peer", c.peer, "error", err)
		rwc, _ = net.Pipe() // a connection that does not work any more
		rwc.Close()
	}
	w.Rest, w.Last = bytes.Clone(w.Rest), c.last && !w.IsOver
	if w.Serve != nil {
		w.Info = c.info
		c.misses = min(c.misses+1, 8)
	}
	if c.handover != nil {
		w.Requests = 0
	}
	c.fd, c.driver = -1, c.protocol.LeaveLoop(rwc, w)
	c.forget()
	if c.cut != nil {
		c.driver.Cut(c.cut)
	}
	go c.drive(c.driver)
}

// drive serves the connection on this goroutine until it has ended, or comes back.
func (c *Conn) drive(d Driver) {
	fd, comesBack := d.Drive()
	if !comesBack {
		c.ended()
		return
	}
	c.post(func() {
		c.fd, c.driver = fd, nil
		c.listen()
	})
}
