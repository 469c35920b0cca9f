package exchange

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
)

// Exchange is one request on its way through a runner, and its response.
type Exchange struct {
	W      http.ResponseWriter
	R      *http.Request
	Info   *modgw.RequestInfo
	Config *modgw.RunnerConfig

	Sent bool // the response's head was
}

// IsSafe reports whether the request may be executed twice (RFC 9110, 9.2.1).
func (e *Exchange) IsSafe() bool {
	switch e.R.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	return false
}

// Fail logs a failure and answers with it, or cuts the response off when its head was sent.
func (e *Exchange) Fail(log *slog.Logger, f *Failure) {
	level := slog.LevelError
	if f.Status < 500 {
		level = slog.LevelInfo
	}
	log.Log(context.Background(), level, "request failed", "request", e.Info.ID, "method", e.R.Method,
		"path", proc.Printable(e.Info.Path), "status", f.Status, "cut_off", e.Sent, "code", f.Fault.Code,
		"error", proc.Printable(f.Fault.Line()))
	if e.Sent {
		panic(http.ErrAbortHandler)
	}
	modgw.ServeFault(e.W, e.R, f.Status, f.Fault, e.Config.Dev)
}

// Response is a program's response.
type Response struct {
	Head Head
	Pipe *Pipe         // that it comes through
	Body *bufio.Reader // of the pipe, after the head

	Feeder *Feeder // of the request's body; nil without one

	// OnReplaced registers how to end an event stream when the program is to go; nil: only its generation can be replaced.
	OnReplaced func(end func()) (cancel func())

	// Release is called when the program has said all, with the last of which Read has returned; the client may not have
	// it yet. nil: nobody waits for that. It may be called by another goroutine than that of Send.
	Release func()

	ahead  *spool.ReadAhead // that the rest of the body passes through; nil before that
	forget func()           // takes the registration as an endless response back; nil without one
}

// Send passes a response on until it is complete, as fast as the client takes it and as soon as it comes; while the
// client is behind, what comes is kept. It returns nil, an error that wraps ErrClientGone, a *Failure, or why the
// program's response ended.
func (e *Exchange) Send(r *Response) error {
	piece := buffers.Get().(*[aheadSize]byte)
	defer buffers.Put(piece)
	n, complete, err := r.gather(piece[:])
	if err != nil {
		return err
	}
	s := &sending{exchange: e, response: r, length: r.Head.Length, client: http.NewResponseController(e.W)}
	if err := s.begin(n, complete); err != nil {
		return err
	}
	if r.forget != nil {
		defer r.forget()
	}
	if complete {
		r.release(io.EOF)
		err = s.write(piece[:n])
	} else {
		err = s.pass(piece[:], n)
	}
	if err != nil {
		return err
	}
	if s.written < s.length && !s.bodiless {
		return badResponse("it has %d bytes, and its Content-Length is %d", s.written, s.length)
	}
	return nil
}

// Behind reports whether the client is behind, so that the response is kept for it.
func (r *Response) Behind() bool { return r.ahead != nil && r.ahead.Behind() }

// release calls Release with the end of the program's response, unless it is an error of the host.
func (r *Response) release(end error) {
	if r.Release != nil && end == io.EOF {
		r.Release()
	}
}

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

// gather reads what is there, at least one byte unless the response is complete.
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
	exchange *Exchange
	response *Response
	client   *http.ResponseController
	bodiless bool
	length   int64 // Content-Length; -1: unknown
	written  int64 // of the body
}

// begin sends the head; n bytes of the body are there. A response that is complete already gets a Content-Length.
func (s *sending) begin(n int, complete bool) error {
	e, head := s.exchange, s.response.Head
	s.bodiless = e.R.Method == http.MethodHead || head.Status == http.StatusNoContent || head.Status == http.StatusNotModified
	switch {
	case head.Status == http.StatusNoContent:
		s.length = -1
	case complete && s.length < 0 && (!s.bodiless || n > 0):
		s.length = int64(n)
	case complete && s.length > int64(n) && !s.bodiless:
		return badResponse("it has %d bytes, and its Content-Length is %d", n, s.length)
	}
	if err := s.checkRoom(n); err != nil {
		return err
	}
	header := e.W.Header()
	header["Content-Type"] = nil // nothing is guessed from the body
	for name, values := range head.Header {
		header[name] = values
	}
	if len(head.Header["Content-Type"]) == 0 {
		header.Set("X-Content-Type-Options", "nosniff")
	}
	if s.length >= 0 {
		header["Content-Length"] = []string{strconv.FormatInt(s.length, 10)}
	}
	if s.response.Feeder != nil {
		s.response.Feeder.Announce(header)
	}
	e.W.WriteHeader(head.Status)
	e.Sent = true
	if !complete && strings.HasPrefix(header.Get("Content-Type"), "text/event-stream") {
		// The request's time limit is for responses that are meant to end.
		s.response.Pipe.Unbound()
		onReplaced := s.response.OnReplaced
		if onReplaced == nil {
			onReplaced = e.Info.OnReplaced
		}
		s.response.forget = onReplaced(func() { s.response.Pipe.Cut(ErrReplaced) })
	}
	return nil
}

// pass passes the body on, of which n bytes are in piece.
func (s *sending) pass(piece []byte, n int) error {
	config := s.exchange.Config
	ahead := spool.NewReadAhead(source{s.response}, config.Spool, config.Descriptor.Spool.Response, s.notKept)
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

// notKept logs that a response waits for its client because there is no file to keep it in.
func (s *sending) notKept(err error) {
	s.exchange.Config.Log.Warn("response not kept for a slow client", "request", s.exchange.Info.ID, "reason", err)
}

func (s *sending) write(piece []byte) error {
	if err := s.checkRoom(len(piece)); err != nil {
		return err
	}
	s.written += int64(len(piece))
	if len(piece) == 0 || s.bodiless {
		return nil
	}
	_, err := s.exchange.W.Write(piece)
	return clientError(err)
}

// checkRoom fails the response when so many more bytes of its body are more than its Content-Length. None of them are sent, so
// that the client gets no response that looks complete.
func (s *sending) checkRoom(size int) error {
	if s.length < 0 || s.bodiless || s.written+int64(size) <= s.length {
		return nil
	}
	return badResponse("its body is longer than its Content-Length of %d bytes", s.length)
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
