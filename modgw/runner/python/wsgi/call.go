package wsgi

import (
	"context"
	"errors"
	"syscall"

	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/relay"
)

// call is one request on its way to a thread.
type call struct {
	*request.Call
	server *Server
	ticket ticket

	released bool // the connection was released
}

// try gives the request to a thread and passes the response on. It reports whether to try again.
func (c *call) try() (again bool) {
	c.ticket.alone = !c.mayShare()
	conn, err := c.server.scheduler.acquire(c.R.Context(), &c.ticket)
	if err != nil {
		c.Conclude(c.Unplaced(err))
		return false
	}
	c.Tried(conn.worker.Worker.Worker)
	s := &stream{
		whole: c.Body.IsWhole(), limit: c.App.Descriptor.Timeouts.Request, spare: c.Head,
	}
	if err := conn.open(s, c.Head, c.Body); err != nil {
		conn.worker.Suspect(err)
		return c.Lost(err, true, c.Crashed)
	}
	return c.passOn(s, nil)
}

// passOn forwards the response and releases the connection. An error is the reason why there is
// none. It reports whether to try again.
func (c *call) passOn(s *stream, err error) (again bool) {
	unwatch := context.AfterFunc(c.R.Context(), s.Interrupt)
	fed := s.Feed(c.Body)
	p := response.New(c.Request, s)
	p.OnLast = func() { c.releaseEarly(s, p, fed) }
	if err == nil {
		err = p.Copy()
	}
	unwatch()
	if s.first {
		c.Info.Begin(s.began)
	}
	if err == nil && c.IsBegun() && !c.Body.IsReceived() {
		err = p.Flush() // the client may wait for it before it sends on
	}
	c.Body.Stop()
	return c.conclude(s, fed, err)
}

// conclude answers for the app if it has not, and releases the connection. It reports whether to
// try again.
func (c *call) conclude(s *stream, fed <-chan struct{}, err error) (again bool) {
	w := s.conn.worker
	outcome := relay.OutcomeOf(err)
	switch outcome {
	case relay.Complete:
		c.finish(s, fed)
	case relay.Overdue:
		s.timeUp(c.Info.ID, c.App.Descriptor.Timeouts)
		c.abandon(s, fed, "it took longer than "+c.App.Descriptor.Timeouts.Request.String())
	case relay.Replaced:
		s.extendTo(0)
		c.abandon(s, fed, err.Error())
	case relay.ClientGone:
		s.resume()
		c.abandon(s, fed, "the client has gone")
	case relay.Requeued:
		c.server.scheduler.keepPlace(&c.ticket)
		s.leave()
		if c.Again(outcome, err) {
			return true
		}
		c.server.scheduler.losePlace(&c.ticket)
		return false
	case relay.QueueTimeout:
		s.resume()
		c.abandon(s, fed, err.Error())
		err = c.Unplaced(err)
	case relay.WorkerLost:
		reset := errors.Is(err, syscall.ECONNRESET) // the worker has not read everything
		unbegun := !s.first || reset && fed == nil && s.progress < headed && c.ticket.alone
		w.Suspect(err)
		s.giveUp(fed)
		return c.Lost(err, unbegun, c.Crashed)
	default:
		c.abandon(s, fed, "the response cannot be used")
		if broken := c.Body.Err(); broken != nil && s.Ended() && !c.IsBegun() {
			err = broken
		}
		c.Explain(w.Worker, err)
	}
	c.Conclude(err)
	return false
}

// releaseEarly releases the connection before the client has all of the response. While the client
// may still send, that would end the connection to the client before it has got the response: then
// only a client that is slow does not keep the thread.
func (c *call) releaseEarly(s *stream, p *response.Response, fed <-chan struct{}) {
	if !c.Body.IsReceived() && !p.IsBehind() {
		return
	}
	c.Body.Stop()
	c.finish(s, fed)
}

// finish releases, once, the connection of a stream that the worker has closed.
func (c *call) finish(s *stream, fed <-chan struct{}) {
	if c.released {
		return
	}
	c.released = true
	s.giveUp(fed)
	s.conn.worker.Finished()
}

// mayShare reports whether the request may share a connection: only if it may be executed twice,
// because it is unknown which of the requests a worker that ends has begun. A request that was
// given back, or has seen a worker end, gets its own connection.
func (c *call) mayShare() bool {
	return c.Body.IsWhole() && c.IsSafe() && c.IsNew() && !c.ticket.requeued && !c.App.Attached
}

// abandon informs the worker that the response is not wanted, and leaves the connection to a
// goroutine until the stream is closed.
func (c *call) abandon(s *stream, fed <-chan struct{}, reason string) {
	if s.progress == closed {
		c.finish(s, fed)
		return
	}
	s.abandoned, s.spare = true, nil // the buffer belongs to this call
	c.server.scheduler.abandon(s.conn)
	s.Cancel(reason)
	limits, name := c.App.Descriptor.Timeouts, c.Name()
	if !c.App.Pool.Background(func() { s.sweep(limits, fed, name) }) {
		s.giveUp(fed)
	}
}
