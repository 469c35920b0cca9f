package response

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/spool"
	"github.com/modgw/modgw/modgw/wire"
)

// SmallEnd is the longest last frame of a response that is copied, so that other requests may use
// the connection while it is written to the client.
const SmallEnd = 32 << 10

// Response passes an app's response on to the client. Make it with [New].
type Response struct {
	// TakesTrailers means that the client wants trailers.
	TakesTrailers bool

	// OnLast is called when the worker has sent everything and the last of it was read; nil:
	// nothing is called.
	OnLast func()

	request *relay.Request
	client  *http.ResponseController
	source  Source
	isHead  bool // the request's method is HEAD

	forget   func() // ends the registration as an endless response; nil: none
	bodiless bool
	length   int64 // Content-Length; -1: unknown
	written  int64 // bytes of the body that have come

	ahead *spool.ReadAhead // reads the body; nil until more of it comes than came with the head

	rest []byte // the part of the last piece of the body that was not read
	used int    // bytes of the window that the last piece has used

	next     lookahead
	file     *os.File       // the end of the body is a part of it; nil: no file has come
	part     wire.FileRange // the part of file to send
	trailing []Field        // trailers for the client
}

// lookahead is a frame, or an error, that Ready has found for the next call of Read.
type lookahead struct {
	valid bool
	frame wire.Frame
	err   error // nil: there is a frame
}

// New makes the response to a request. Its frames come from source.
func New(r *relay.Request, source Source) *Response {
	return &Response{
		request: r,
		client:  http.NewResponseController(r.W),
		source:  source,
		isHead:  r.R.Method == http.MethodHead,
		length:  -1,
	}
}

// Copy reads the response from its source and writes it to the client, until its end. The error is
// relay.ErrClientGone, a [*relay.Failure], or the error of [Source.Next].
func (p *Response) Copy() error {
	f, err := p.source.Next()
	if err != nil {
		return err
	}
	return p.CopyFrom(f)
}

// CopyFrom is Copy for a response whose first frame was read.
func (p *Response) CopyFrom(f wire.Frame) error {
	defer func() {
		if p.forget != nil {
			p.forget()
		}
	}()
	for f.Type == wire.Event {
		err := p.passHints(f)
		if err == nil {
			f, err = p.source.Next()
		}
		if err != nil {
			return err
		}
	}
	if f.Type == wire.Abort {
		return AppFailed(f)
	}
	raw, body, err := p.source.Split(f)
	if err != nil {
		return err
	}
	var head Head
	if err := head.Decode(raw); err != nil {
		return err
	}
	body, err = p.begin(&head, body, f.End())
	if err != nil {
		return err
	}
	if f.End() && len(body) <= SmallEnd {
		p.request.NoteLast()
		return p.writeAll(body)
	}
	if err := p.setPiece(body); err != nil {
		return err
	}
	return p.pass()
}

// begin sends the head; body is the first piece of the body. It returns the part of that to be
// passed on now. A response that is complete already gets a Content-Length.
func (p *Response) begin(head *Head, body []byte, complete bool) (now []byte, err error) {
	if p.length, p.bodiless, err = head.Measure(p.isHead, int64(len(body)), complete); err != nil {
		return nil, err
	}
	header := p.request.W.Header()
	head.CopyTo(header)
	if p.length >= 0 {
		header["Content-Length"] = []string{strconv.FormatInt(p.length, 10)}
	}
	p.request.Begin(header)
	p.request.W.WriteHeader(head.Status)
	if !complete && modgw.IsEventStream(header) {
		p.source.RemoveDeadline() // the request's time limit is for responses that are meant to end
		if events, ok := p.source.(EventSource); ok && head.IsEventStream() {
			p.forget = events.EndEvents
			return events.BeginEvents(body), nil
		}
		p.forget = p.request.OnReplaced(nil, p.source.Replace)
	}
	return body, nil
}

// writeAll writes body, which is the whole one and came with the head.
func (p *Response) writeAll(body []byte) error {
	if err := p.setPiece(body); err != nil || len(p.rest) == 0 {
		return err
	}
	_, err := p.request.W.Write(p.rest)
	return clientError(err)
}

// checkRoom fails the response when so many more bytes of its body are more than its
// Content-Length. None of them are sent, so that the client gets no response that looks complete.
func (p *Response) checkRoom(size int64) error {
	if p.length < 0 || p.bodiless || p.written+size <= p.length {
		return nil
	}
	return tooLong(p.length)
}

// pass forwards the body as fast as the client accepts it and as soon as it arrives.
func (p *Response) pass() error {
	account := p.request.Config.Spool
	limit := p.request.Config.Descriptor.Spool.Response
	p.ahead = spool.NewReadAhead(p, account, limit, p.request.NotKept)
	defer p.closeFile()
	defer p.ahead.Close()
	piece := account.Piece()
	defer piece.Release()
	for {
		switch err := p.passBriefly(); {
		case err == io.EOF:
			return p.finish()
		case err != nil:
			return err
		}
		n, err := p.ahead.Read(piece.Bytes)
		if n > 0 {
			if _, err := p.request.W.Write(piece.Bytes[:n]); err != nil {
				return clientError(err)
			}
		}
		switch {
		case err == io.EOF:
			return p.finish()
		case err != nil:
			return err
		case p.ahead.Ready(): // frames that have arrived already are sent together with it
		default:
			if err := p.Flush(); err != nil {
				return err
			}
		}
	}
}

// finish sends the part after the worker's body, and checks its length.
func (p *Response) finish() error {
	var err error
	switch {
	case p.file != nil:
		err = p.writeFile()
	case p.trailing != nil:
		err = p.passTrailers()
	}
	if err == nil && p.written < p.length && !p.bodiless {
		err = Bad("it has %d bytes, and its Content-Length is %d", p.written, p.length)
	}
	return err
}

// IsBehind reports whether the client has not taken all of the body that was read.
func (p *Response) IsBehind() bool { return p.ahead.Behind() }

// Flush sends the client the bytes written so far.
func (p *Response) Flush() error {
	if err := p.client.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return clientError(err)
	}
	return nil
}

// openFile keeps the file of which a part is the rest of the body.
func (p *Response) openFile(f wire.Frame) (err error) {
	if p.part, err = wire.DecodeFile(f.Payload); err != nil {
		return err
	}
	if p.file, err = p.source.File(); err != nil {
		return err
	}
	info, err := p.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return wire.Errorf("a File frame with a descriptor of something else")
	}
	return nil
}

// writeFile writes the part of a file that is the rest of the body. The kernel does it where the
// front allows.
func (p *Response) writeFile() error {
	file, part := p.file, p.part
	size := part.Length
	if err := p.checkRoom(size); err != nil {
		return err
	}
	if p.bodiless || size == 0 {
		p.written += size
		return nil
	}
	if _, err := file.Seek(part.Offset, io.SeekStart); err != nil {
		return Bad("its file cannot be read: %v", err)
	}
	n, err := io.Copy(p.request.W, io.LimitReader(file, size))
	p.written += n
	if err != nil {
		return clientError(err)
	}
	if n < size {
		return Bad("its file ended %d bytes too early", size-n)
	}
	return nil
}

func (p *Response) closeFile() {
	if p.file != nil {
		// It was only read.
		_ = p.file.Close()
	}
}

func clientError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", relay.ErrClientGone, err)
}
