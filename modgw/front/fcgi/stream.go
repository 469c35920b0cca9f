package fcgi

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/front"
)

// Sizes of request bodies in memory, in bytes.
const (
	// smallBody is the number of bytes received before the handler is called, so that a slow client
	// does not occupy a worker.
	smallBody = 64 << 10

	// readAhead is the number of bytes of a body that are received while its handler runs and does
	// not read.
	readAhead = 64 << 10
)

// stream is one request of a connection. Fields are guarded by conn.mu unless noted otherwise.
type stream struct {
	conn     *conn
	id       uint16
	keepConn bool

	authorizer bool // the peer wants to know whether the request may pass

	params []byte // belongs to the reading turn

	request *http.Request // nil while the input is inVariables
	cancel  context.CancelCauseFunc
	length  int64 // declared length of the body; -1: none was declared
	whole   bool  // the handler is called when the body is complete

	stage    stage // changed to replied only with conn.out.mu held, too
	input    inputState
	stdin    []byte // received and not read yet
	received int64  // bytes of the body
	bodyErr  error  // error of reading the body when stdin is empty

	serve    func(http.ResponseWriter, *http.Request) // the handler
	body     body
	response response
}

// stage is the progress of a request.
type stage uint8

const (
	gathering stage = iota // its handler was not called
	running                // it was, or is about to be
	// the end record was sent, or is about to be: the peer may use the id again
	replied
)

// inputState is the state of a request's input.
type inputState uint8

const (
	inVariables inputState = iota
	inBody
	inputEnded // no further input, or none that matters
)

// headComplete makes the request of the variables that have come.
func (c *conn) headComplete(s *stream) {
	params := string(s.params)
	c.spare, s.params = s.params[:0], nil
	var b cgi.Builder
	if err := fcgi.EachPair(params, b.Set); err != nil {
		s.refuse(front.VariablesFault(err))
		return
	}
	ctx, cancel := context.WithCancelCause(c.base)
	r, err := b.Request(ctx, cgi.Options{Front: "fcgi", Trusted: c.trusted, Received: time.Now(), Authorizer: s.authorizer})
	if err != nil {
		cancel(err)
		s.refuse(front.VariablesFault(err))
		return
	}
	c.server.config.TrustedProxies.Resolve(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	s.request, s.cancel, s.length, s.input = r, cancel, r.ContentLength, inBody
	chunked := s.length < 0 && r.TransferEncoding != nil
	s.whole = s.length >= 0 && s.length <= smallBody || s.length < 0 && !chunked && seldomHasBody(r.Method)
	if s.authorizer {
		s.input = inputEnded
	}
	if s.length < 0 && !s.whole || s.authorizer {
		s.begin()
	}
}

// seldomHasBody reports whether requests of a method without a declared length are likely to have a
// body, so that the handler should not be called until that is known.
func seldomHasBody(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodDelete, http.MethodTrace:
		return true
	}
	return false
}

// bodyGrows adds a piece to the body. A long body's first piece calls the handler: not before, so
// that a body that was lost on the way (apache.md A16) never reaches an app.
func (s *stream) bodyGrows(piece []byte) *modgw.Fault {
	s.received += int64(len(piece))
	if excess := s.received - s.length; s.length >= 0 && excess > 0 {
		if s.stage == gathering {
			return front.BodyLength(s.length, "longer")
		}
		piece = piece[:max(0, int64(len(piece))-excess)]
		s.bodyFails(errBodyTooLong)
	}
	if s.bodyErr != http.ErrBodyReadAfterClose && !s.conn.wanted.took(piece) {
		s.stdin = append(s.stdin, piece...)
	}
	if !s.whole || len(s.stdin) > smallBody {
		s.begin()
	}
	return nil
}

// bodyEnds takes note that the body is complete.
func (s *stream) bodyEnds() *modgw.Fault {
	s.input = inputEnded
	if s.received < s.length {
		if s.stage == gathering {
			return front.BodyLength(s.length, "shorter")
		}
		s.bodyFails(io.ErrUnexpectedEOF)
	}
	s.begin()
	return nil
}

func (s *stream) bodyFails(err error) {
	if s.bodyErr == nil {
		s.bodyErr = err
	}
}

// begin makes the stream ready for its handler, once.
func (s *stream) begin() {
	if s.stage != gathering {
		return
	}
	s.stage = running
	if s.length < 0 && s.input == inputEnded {
		s.request.ContentLength = s.received
	}
	if s.request.ContentLength != 0 {
		s.body.stream = s
		s.request.Body = &s.body
	}
	s.serve = s.conn.server.serve
	s.conn.ready = append(s.conn.ready, s)
}

// lose informs a stream that its client has gone.
func (s *stream) lose(cause error) {
	if s.input != inputEnded {
		s.bodyFails(io.ErrUnexpectedEOF)
	}
	if s.cancel != nil {
		s.cancel(cause)
	}
}
