package python

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/wire"
)

// response passes an app's response on to the client.
type response struct {
	w      http.ResponseWriter
	client *http.ResponseController
	worker *worker
	stream incoming
	feeder *feeder // of the request's body; nil without one
	isHead bool    // the request's method is HEAD

	trailers bool // the client takes some
	info     *modgw.RequestInfo

	forget   func() // takes the registration as an endless response back; nil without one
	sent     bool   // the head was
	bodiless bool
	length   int64 // Content-Length; -1: unknown
	written  int64 // of the body
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

	// replace makes next return errReplaced; any goroutine may call it, also after the stream's end.
	replace()
}

var (
	_ incoming = (*stream)(nil)
	_ incoming = (*sharedStream)(nil)
)

// copy reads the response from the stream and writes it to the client, until its end. It returns nil, errClientGone, a
// *failure, or what stream.next returned.
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
		return &failure{http.StatusInternalServerError, appFailed(proc.Printable(string(f.Payload)))}
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
	for !p.stream.ended() {
		if err := p.more(); err != nil {
			return err
		}
	}
	if p.written < p.length && !p.bodiless {
		return &failure{http.StatusInternalServerError, badResponse("it has %d bytes, and its Content-Length is %d", p.written, p.length)}
	}
	return nil
}

// begin sends the head and the first piece of the body. A response that is complete already gets a Content-Length.
func (p *response) begin(head responseHead, body []byte, complete bool) error {
	p.length = head.length
	p.bodiless = p.isHead || head.status == http.StatusNoContent || head.status == http.StatusNotModified
	switch {
	case head.status == http.StatusNoContent:
		p.length = -1
	case complete && p.length < 0 && (!p.bodiless || len(body) > 0):
		p.length = int64(len(body))
	case complete && p.length > int64(len(body)) && !p.bodiless:
		return badHead("it has %d bytes, and its Content-Length is %d", len(body), p.length)
	}
	if err := p.checkRoom(int64(len(body))); err != nil {
		return err
	}
	header := p.w.Header()
	head.copyTo(header)
	if p.length >= 0 {
		header["Content-Length"] = []string{strconv.FormatInt(p.length, 10)}
	}
	p.feeder.announce(header)
	p.w.WriteHeader(head.status)
	p.sent = true
	if !complete && isEventStream(header) {
		p.stream.unbound() // the request's time limit is for responses that are meant to end
		p.forget = p.worker.OnReplaced(p.info, p.stream.replace)
	}
	return p.write(body)
}

// isEventStream reports whether a response may last for ever (HTML standard, section 9.2).
func isEventStream(header http.Header) bool {
	return strings.HasPrefix(header.Get("Content-Type"), "text/event-stream")
}

// more passes on the next frame; what has arrived already goes out with it.
func (p *response) more() error {
	f, ok, err := p.stream.buffered()
	if err != nil {
		return err
	}
	if !ok {
		if err := p.flush(); err != nil {
			return err
		}
		if f, err = p.stream.next(); err != nil {
			return err
		}
	}
	switch f.Type {
	case wire.Abort:
		return &failure{http.StatusInternalServerError, appFailed(proc.Printable(string(f.Payload)))}
	case wire.File:
		return p.writeFile(f)
	case wire.Event:
		return p.trail(f)
	}
	return p.write(f.Payload)
}

// write writes a piece of the body and gives its bytes back to the worker.
func (p *response) write(piece []byte) error {
	size := len(piece)
	if size == 0 {
		return nil
	}
	if err := p.checkRoom(int64(size)); err != nil {
		return err
	}
	p.written += int64(size)
	if !p.bodiless {
		if err := p.timed(func() error { _, err := p.w.Write(piece); return err }); err != nil {
			return err
		}
	}
	return p.stream.consumed(size)
}

// checkRoom fails the response when so many more bytes of its body are more than its Content-Length. None of them are sent, so
// that the client gets no response that looks complete.
func (p *response) checkRoom(size int64) error {
	if p.length < 0 || p.bodiless || p.written+size <= p.length {
		return nil
	}
	return badHead("its body is longer than its Content-Length of %d bytes", p.length)
}

func (p *response) flush() error {
	return p.timed(func() error {
		if err := p.client.Flush(); err != nil && !isUnsupported(err) {
			return err
		}
		return nil
	})
}

// timed runs a write to the client, whose time is not the app's.
func (p *response) timed(write func() error) error {
	if p.stream.ended() {
		return clientError(write())
	}
	begin := time.Now()
	err := write()
	if took := time.Since(begin); took > time.Millisecond {
		p.stream.extend(took)
	}
	return clientError(err)
}

// writeFile writes the part of a file that is the rest of the body. The kernel does it where the front allows.
func (p *response) writeFile(f wire.Frame) error {
	part, err := wire.DecodeFile(f.Payload)
	if err != nil {
		return err
	}
	file, err := p.stream.descriptor()
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return brokeRule("a File frame with a descriptor of something else")
	}
	size := part.Length
	if err := p.checkRoom(size); err != nil {
		return err
	}
	if p.bodiless || size == 0 {
		p.written += size
		return nil
	}
	if _, err := file.Seek(part.Offset, io.SeekStart); err != nil {
		return &failure{http.StatusInternalServerError, badResponse("its file cannot be read: %v", err)}
	}
	n, err := io.Copy(p.w, io.LimitReader(file, size))
	p.written += n
	if err != nil {
		return clientError(err)
	}
	if n < size {
		return &failure{http.StatusInternalServerError, badResponse("its file ended %d bytes too early", size-n)}
	}
	return nil
}

func clientError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errClientGone, err)
}
