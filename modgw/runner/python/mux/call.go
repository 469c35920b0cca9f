package mux

import (
	"context"
	"errors"

	"golang.org/x/net/http/httpguts"

	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// Try gives a request to a worker and forwards the response. It reports whether to try again.
// inputEnded is as in [modgw.RequestInfo]; nil: the app is not told.
func (s *Server) Try(c *request.Call, inputEnded <-chan struct{}) (again bool) {
	conn, err := s.acquire(c.R.Context(), HTTP)
	if err != nil {
		c.Conclude(c.Unplaced(err))
		return false
	}
	c.Tried(conn.worker.Worker)
	stream, err := conn.open(c.R.Context(), opening{
		kind: HTTP, request: c.Name(), head: c.Head, body: c.Body.Beginning(),
		whole: c.Body.IsWhole(), deadline: s.app.Deadline(), inputEnded: inputEnded,
	})
	if err != nil {
		return c.Lost(err, true, conn.worker.Crashed)
	}
	return stream.passOn(c)
}

// passOn passes the response on. It reports whether to try again.
func (s *Stream) passOn(c *request.Call) (again bool) {
	var source response.Source = s
	var moving *events
	if canMove(s, c) {
		moving = newEvents(s, c)
		source = moving
		defer func() { moving.end().Finish() }()
	} else {
		defer s.Finish()
	}
	p := response.New(c.Request, source)
	p.TakesTrailers = httpguts.HeaderValuesContainsToken(c.R.Header["Te"], "trailers")
	fed := s.Feed(c.Body)
	err := p.Copy()
	if err == nil && c.IsBegun() && !c.Body.IsReceived() {
		err = p.Flush() // the client may wait for it before it sends on
	}
	c.Body.Stop()
	if fed != nil {
		c.App.Pool.Background(func() { <-fed }) // it may be writing to a worker that does not read
	}
	if moving != nil {
		s = moving.end()
	}
	return s.conclude(c, fed, err)
}

// OpenWebSocket gives the request for a WebSocket to a worker. ctx ends the stream. nil: the
// request was answered instead.
func (s *Server) OpenWebSocket(
	ctx context.Context, c *request.Call, unplaced func(error) error,
) *Stream {
	for {
		conn, err := s.acquire(ctx, WebSocket)
		if err != nil {
			c.Conclude(unplaced(err))
			return nil
		}
		c.Tried(conn.worker.Worker)
		stream, err := conn.open(ctx, opening{
			kind: WebSocket, request: c.Name(), head: c.Head, deadline: s.app.Deadline(),
		})
		if err == nil {
			return stream
		}
		if !c.Lost(err, true, conn.worker.Crashed) {
			return nil
		}
	}
}

// Conclude answers a request for a WebSocket that was not opened.
func (s *Stream) Conclude(c *request.Call, err error) { s.conclude(c, nil, err) }

// conclude answers for the app if it has not, and informs the worker if its response is no longer
// wanted. It reports whether to try again. fed is closed when the feeder has ended; nil: there is
// none.
func (s *Stream) conclude(c *request.Call, fed <-chan struct{}, err error) (again bool) {
	w := s.conn.worker
	switch relay.OutcomeOf(err) {
	case relay.Complete:
	case relay.Overdue:
		s.Abandon("it took longer than "+c.App.Descriptor.Timeouts.Request.String(), true)
	case relay.Replaced:
		s.Abandon(err.Error(), false)
	case relay.ClientGone:
		s.Abandon("the client has gone", false)
	case relay.WorkerLost:
		if _, broke := errors.AsType[*wire.ProtocolError](err); broke {
			w.Suspect(err)
		}
		s.Abandon("", true)
		return c.Lost(err, s.isUnsent() && fed == nil, w.Crashed)
	default:
		if fed != nil && s.Ended() && !c.IsBegun() {
			<-fed
			if broken := c.Body.Err(); broken != nil {
				err = broken
			}
		}
		s.Abandon("the response cannot be used", true)
		c.Explain(w, err)
	}
	c.Conclude(err)
	return false
}
