package relay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
)

// Head is the head of a program's response, checked.
type Head struct {
	Status int   // from 200 to 599
	Length int64 // Content-Length; -1 if there is none
	Header http.Header
}

// Response is a program's response.
type Response struct {
	Head
	Pipe *Pipe         // brings the response
	Body *bufio.Reader // reads the pipe from the end of the head on

	// Release is called when Read has returned the program's last byte, and nothing is read from
	// the client any more; the client may not have the response yet. It may be called on another
	// goroutine than that of Send. It is not called if it could end the waiting for the client's
	// body. nil: it is not called.
	Release func()

	request *Request
	// keeps the rest of the body for a slow client; nil before there is a rest
	ahead  *spool.ReadAhead
	forget func() // ends the registration as an endless response; nil: none
}

// Send forwards a response until it is complete, as fast as the client accepts it and as soon as it
// arrives. While the client is behind, the response is kept. It returns nil, an error that wraps
// ErrClientGone, a *Failure, or the reason why the program's response ended.
func (r *Request) Send(p *Response) error {
	p.request = r
	piece := buffers.Get().(*[AheadSize]byte)
	defer buffers.Put(piece)
	n, complete, err := p.gather(piece[:])
	if err != nil {
		return err
	}
	s := &sending{request: r, response: p, length: p.Length, client: http.NewResponseController(r.W)}
	if err := s.begin(n, complete); err != nil {
		return err
	}
	if p.forget != nil {
		defer p.forget()
	}
	if complete {
		p.release(io.EOF)
		err = s.write(piece[:n])
	} else {
		err = s.pass(piece[:], n)
	}
	if err != nil {
		return err
	}
	if s.written < s.length && !s.bodiless {
		return Bad("it has %d bytes, and its Content-Length is %d", s.written, s.length)
	}
	if !r.Body.IsReceived() {
		return s.flush() // the client may wait for it before it sends on
	}
	return nil
}

// release calls Release with the end of the program's response, unless it is an error of the host.
// While the client may still send, to stop it would end the connection before the client has the
// response; then only a client that is slow does not keep the worker.
func (r *Response) release(end error) {
	if end == io.EOF {
		r.request.NoteLast()
	}
	if r.Release == nil || end != io.EOF || !r.request.Body.IsReceived() && !r.isBehind() {
		return
	}
	r.request.Body.Stop()
	r.Release()
}

// isBehind reports whether the client is behind, so that the response is kept for it.
func (r *Response) isBehind() bool { return r.ahead != nil && r.ahead.Behind() }

// source is a response as [spool.ReadAhead] reads it.
type source struct{ *Response }

var _ spool.Source = source{}

// Read implements [spool.Source].
func (r source) Read(p []byte) (int, error) {
	n, complete, err := r.gather(p)
	if complete {
		err = io.EOF
	}
	if err != nil {
		r.release(err)
	}
	return n, err
}

// Ready implements [spool.Source].
func (r source) Ready() bool { return r.ready() }

// Waited implements [spool.Source]: the pipe counts only the time that is the program's.
func (r source) Waited(time.Duration) {}

// Interrupt implements [spool.Source].
func (r source) Interrupt() { r.Pipe.Cut(ErrClientGone) }

// gather reads the available bytes, at least one unless the response is complete.
func (r *Response) gather(p []byte) (n int, complete bool, err error) {
	for n < len(p) && (n == 0 || r.ready()) {
		m, err := r.Body.Read(p[n:])
		n += m
		if err == io.EOF {
			return n, true, nil
		}
		if err != nil && n == 0 {
			return n, false, err
		}
		if err != nil {
			break // it comes again
		}
	}
	return n, false, nil
}

func (r *Response) ready() bool { return r.Body.Buffered() > 0 || r.Pipe.Ready() }

// sending is a response on its way to the client.
type sending struct {
	request  *Request
	response *Response
	client   *http.ResponseController
	bodiless bool
	length   int64 // Content-Length; -1: unknown
	written  int64 // bytes of the body so far
}

// begin sends the head; n bytes of the body are there. A response that is complete already gets a
// Content-Length.
func (s *sending) begin(n int, complete bool) error {
	r, head := s.request, s.response.Head
	s.bodiless = r.R.Method == http.MethodHead || head.Status == http.StatusNoContent || head.Status == http.StatusNotModified
	switch {
	case head.Status == http.StatusNoContent:
		s.length = -1
	case complete && s.length < 0 && (!s.bodiless || n > 0):
		s.length = int64(n)
	case complete && s.length > int64(n) && !s.bodiless:
		return Bad("it has %d bytes, and its Content-Length is %d", n, s.length)
	}
	if err := s.checkRoom(n); err != nil {
		return err
	}
	header := r.W.Header()
	header["Content-Type"] = nil // nothing is guessed from the body
	maps.Copy(header, head.Header)
	if len(head.Header["Content-Type"]) == 0 {
		header.Set("X-Content-Type-Options", "nosniff")
	}
	if s.length >= 0 {
		header["Content-Length"] = []string{strconv.FormatInt(s.length, 10)}
	}
	r.Begin(header)
	r.W.WriteHeader(head.Status)
	if !complete && modgw.IsEventStream(header) {
		s.response.Pipe.Clock.Stop() // the time limit is for responses that are meant to end
		s.response.forget = r.OnReplaced(nil, func() { s.response.Pipe.Cut(ErrReplaced) })
	}
	return nil
}

// pass passes the body on, of which n bytes are in piece.
func (s *sending) pass(piece []byte, n int) error {
	config := s.request.Config
	ahead := spool.NewReadAhead(source{s.response}, config.Spool, config.Descriptor.Spool.Response, s.request.NotKept)
	s.response.ahead = ahead
	defer ahead.Close()
	ahead.Begin()
	for {
		if err := s.write(piece[:n]); err != nil {
			return err
		}
		if !ahead.Ready() {
			if err := s.flush(); err != nil {
				return err
			}
		}
		var err error
		switch n, err = ahead.Read(piece); {
		case err == io.EOF:
			return s.write(piece[:n])
		case err != nil && n == 0:
			return err
		}
	}
}

func (s *sending) write(piece []byte) error {
	if err := s.checkRoom(len(piece)); err != nil {
		return err
	}
	s.written += int64(len(piece))
	if len(piece) == 0 || s.bodiless {
		return nil
	}
	_, err := s.request.W.Write(piece)
	return clientError(err)
}

// checkRoom fails the response when so many more bytes of its body are more than its
// Content-Length. None of them are sent, so that the client gets no response that looks complete.
func (s *sending) checkRoom(size int) error {
	if s.length < 0 || s.bodiless || s.written+int64(size) <= s.length {
		return nil
	}
	return Bad("its body is longer than its Content-Length of %d bytes", s.length)
}

func (s *sending) flush() error {
	if err := s.client.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return clientError(err)
	}
	return nil
}

func clientError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrClientGone, err)
}
