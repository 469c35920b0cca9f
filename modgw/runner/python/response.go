package python

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/spool"
	"github.com/modgw/modgw/modgw/wire"
)

// response passes an app's response on to the client.
type response struct {
	request *relay.Request
	client  *http.ResponseController
	worker  *worker
	stream  incoming
	isHead  bool // the request's method is HEAD

	trailers bool // the client takes some

	forget   func() // takes the registration as an endless response back; nil without one
	bodiless bool
	length   int64 // Content-Length; -1: unknown
	written  int64 // of the body

	ahead *spool.ReadAhead // that the body passes through; nil before there is more of it than came with the head

	// What is left of the piece of the body that came last, and how many bytes of the window it has used.
	rest []byte
	used int

	// What next would return, if Ready has asked for it already.
	pending bool
	frame   wire.Frame
	failed  error

	file     *os.File // the end of the body is a part of it; nil without one
	part     wire.FileRange
	trailing []field // trailers that the client gets
	release  func()  // lets go of the worker once it has said all; nil: that is not urgent
}

// incoming is a stream on which an app's response comes.
type incoming interface {
	// next returns the next frame of the response. It is errOverdue when the time for it was up, context.Canceled when
	// the request's context was done, errReplaced after replace, and otherwise an error of the connection.
	next() (wire.Frame, error)

	// buffered returns it if it has arrived already.
	buffered() (f wire.Frame, ok bool, err error)

	// split splits a Response frame and counts what it has of the body.
	split(wire.Frame) (head, body []byte, err error)

	// descriptor returns the file that came with a File frame. The caller closes it.
	descriptor() (*os.File, error)

	// consumed gives bytes of the body that were used back to the worker.
	consumed(n int) error

	// ended reports whether the worker has said all that it will say.
	ended() bool

	// extend puts the deadline off, and unbound takes it away.
	extend(time.Duration)
	unbound()

	// replace makes next return errReplaced, and interrupt context.Canceled; any goroutine may call them, also after the
	// stream's end.
	replace()
	interrupt()
}

var (
	_ incoming = (*stream)(nil)
	_ incoming = (*sharedStream)(nil)
)

// copy reads the response from the stream and writes it to the client, until its end. It returns nil, relay.ErrClientGone, a
// *relay.Failure, or what stream.next returned.
func (p *response) copy() error {
	f, err := p.stream.next()
	if err != nil {
		return err
	}
	return p.from(f)
}

// from is copy with the first frame in hand.
func (p *response) from(f wire.Frame) error {
	for f.Type == wire.Event {
		err := p.hint(f)
		if err == nil {
			f, err = p.stream.next()
		}
		if err != nil {
			return err
		}
	}
	if f.Type == wire.Abort {
		return appFailed(f)
	}
	raw, body, err := p.stream.split(f)
	if err != nil {
		return err
	}
	head, err := decodeHead(raw)
	if err != nil {
		return err
	}
	if err := p.begin(head, body, f.End()); err != nil {
		return err
	}
	if f.End() && len(body) <= smallEnd {
		return p.writeAll(body)
	}
	if err := p.take(body); err != nil {
		return err
	}
	return p.pass()
}

// begin sends the head; body is the first piece of the body. A response that is complete already gets a Content-Length.
func (p *response) begin(head responseHead, body []byte, complete bool) error {
	if err := p.measure(head, body, complete); err != nil {
		return err
	}
	header := p.request.W.Header()
	head.copyTo(header)
	if p.length >= 0 {
		header["Content-Length"] = []string{strconv.FormatInt(p.length, 10)}
	}
	p.request.Begin(header)
	p.request.W.WriteHeader(head.status)
	if !complete && relay.IsEventStream(header) {
		p.stream.unbound() // the request's time limit is for responses that are meant to end
		p.forget = p.request.OnReplaced(p.stream.replace)
	}
	return nil
}

// measure sets the length of the response. A body that is there already must fit it.
func (p *response) measure(head responseHead, body []byte, complete bool) error {
	p.length = head.length
	p.bodiless = p.isHead || head.status == http.StatusNoContent || head.status == http.StatusNotModified
	switch {
	case head.status == http.StatusNoContent:
		p.length = -1
	case complete && p.length < 0 && (!p.bodiless || len(body) > 0):
		p.length = int64(len(body))
	case complete && p.length > int64(len(body)) && !p.bodiless:
		return badResponse("it has %d bytes, and its Content-Length is %d", len(body), p.length)
	}
	return p.checkRoom(int64(len(body)))
}

// writeAll writes body, which is the whole one and came with the head.
func (p *response) writeAll(body []byte) error {
	if err := p.take(body); err != nil || len(p.rest) == 0 {
		return err
	}
	_, err := p.request.W.Write(p.rest)
	return clientError(err)
}

// checkRoom fails the response when so many more bytes of its body are more than its Content-Length. None of them are sent, so
// that the client gets no response that looks complete.
func (p *response) checkRoom(size int64) error {
	if p.length < 0 || p.bodiless || p.written+size <= p.length {
		return nil
	}
	return badResponse("its body is longer than its Content-Length of %d bytes", p.length)
}

// pass passes the body on, as fast as the client takes it and as soon as it comes.
func (p *response) pass() error {
	account := p.worker.runner.config.Spool
	limit := p.worker.runner.config.Descriptor.Spool.Response
	p.ahead = spool.NewReadAhead(p, account, limit, p.request.NotKept)
	defer p.closeFile()
	defer p.ahead.Close()
	piece := account.Piece()
	defer piece.Release()
	for {
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
		case p.ahead.Ready(): // what has arrived already goes out with it
		default:
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
}

// finish sends what comes after the body that the worker has sent, and judges its length.
func (p *response) finish() error {
	var err error
	switch {
	case p.file != nil:
		err = p.writeFile()
	case p.trailing != nil:
		err = p.trail()
	}
	if err == nil && p.written < p.length && !p.bodiless {
		err = badResponse("it has %d bytes, and its Content-Length is %d", p.written, p.length)
	}
	return err
}

func (p *response) flush() error {
	if err := p.client.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return clientError(err)
	}
	return nil
}

// takeFile takes the file whose part is the rest of the body.
func (p *response) takeFile(f wire.Frame) (err error) {
	if p.part, err = wire.DecodeFile(f.Payload); err != nil {
		return err
	}
	if p.file, err = p.stream.descriptor(); err != nil {
		return err
	}
	info, err := p.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return wire.Errorf("a File frame with a descriptor of something else")
	}
	return nil
}

// writeFile writes the part of a file that is the rest of the body. The kernel does it where the front allows.
func (p *response) writeFile() error {
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
		return badResponse("its file cannot be read: %v", err)
	}
	n, err := io.Copy(p.request.W, io.LimitReader(file, size))
	p.written += n
	if err != nil {
		return clientError(err)
	}
	if n < size {
		return badResponse("its file ended %d bytes too early", size-n)
	}
	return nil
}

func (p *response) closeFile() {
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
