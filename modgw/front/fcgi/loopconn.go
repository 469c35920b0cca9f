package fcgi

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/rawsocket"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/front/onloop"
	"github.com/modgw/modgw/modgw/listen"
)

// loopConn is a connection on the loop: the [onloop.Protocol] for requests that are whole in one
// buffer.
type loopConn struct {
	server  *Server
	base    context.Context // parent of all requests; never done
	trusted bool
	buf     *[bufferSize]byte // nil while the connection is idle
	have    int               // bytes in buf
	begun   bool              // the peer has begun a request

	// The request that is served.
	whole   wholeRequest
	request *http.Request
	builder *cgi.Builder
}

// Read implements [onloop.Protocol].
func (c *loopConn) Read(fd int) (int, error) {
	if c.buf == nil {
		c.buf = c.server.buffers.get()
	}
	if c.have == len(c.buf) {
		return 0, io.ErrShortBuffer
	}
	n, err := rawsocket.Read(fd, c.buf[c.have:])
	c.have += n
	return n, err
}

// HasInput implements [onloop.Protocol].
func (c *loopConn) HasInput() bool { return c.have > 0 }

// WasUsed implements [onloop.Protocol].
func (c *loopConn) WasUsed() bool { return c.begun }

// Parse implements [onloop.Protocol].
func (c *loopConn) Parse() (p onloop.Progress) {
	c.whole, p = findRequest(c.buf[:c.have])
	return p
}

// Request implements [onloop.Protocol]. It makes the request of the variables in the buffer.
func (c *loopConn) Request(received time.Time) (r *http.Request, info *modgw.RequestInfo, ok bool) {
	config := &c.server.config
	c.builder = c.server.builders.Get().(*cgi.Builder)
	params := string(c.buf[c.whole.params.from:c.whole.params.to])
	if err := fcgi.EachPair(params, c.builder.Set); err != nil {
		return nil, nil, false
	}
	r, err := c.builder.Request(c.base, cgi.Options{Front: "fcgi", Trusted: c.trusted, Received: received})
	length := int64(c.whole.bodyLength)
	if err != nil || r.TransferEncoding != nil || r.ContentLength >= 0 && r.ContentLength != length {
		return nil, nil, false
	}
	r.ContentLength = length
	config.TrustedProxies.Resolve(r)
	c.whole.joinBody(c.buf[:])
	c.begun, c.request = true, r
	return r, modgw.RequestInfoOf(r), true
}

// Body implements [onloop.Protocol].
func (c *loopConn) Body() []byte { return c.whole.body(c.buf[:]) }

// AppendResponse implements [onloop.Protocol]. The response is one record and the end record.
func (c *loopConn) AppendResponse(b []byte, status int, header http.Header, body []byte, _ time.Time) ([]byte, bool) {
	start := len(b)
	b = append(b, make([]byte, fcgi.HeaderLen)...)
	declared := cgi.DeclaredLength(header)
	bodiless := status == http.StatusNoContent || status == http.StatusNotModified ||
		c.request.Method == http.MethodHead
	b, err := appendHead(b, status, header)
	if err != nil || declared < 0 && !bodiless {
		return b, false
	}
	b = append(b, "\r\n"...)
	if !bodiless {
		b = append(b, body...)
	}
	content := len(b) - start - fcgi.HeaderLen
	if content > fcgi.MaxContent {
		return b, false
	}
	fcgi.Header{Type: fcgi.TypeStdout, ID: c.whole.id, Content: content}.Put(b[start:])
	return fcgi.AppendEnd(b, c.whole.id, fcgi.End{}), true
}

// EndRequest implements [onloop.Protocol].
func (c *loopConn) EndRequest() (keepsOpen bool) {
	keepsOpen = c.whole.keepConn
	c.builder.Reuse()
	c.server.builders.Put(c.builder)
	c.removeRequest()
	return keepsOpen
}

// removeRequest removes the request from the buffer.
func (c *loopConn) removeRequest() {
	c.have = copy(c.buf[:], c.buf[c.whole.length:c.have])
	c.whole, c.request, c.builder = wholeRequest{}, nil, nil
}

// Release implements [onloop.Protocol].
func (c *loopConn) Release() {
	c.server.buffers.put(c.buf)
	c.buf, c.have = nil, 0
}

// LeaveLoop implements [onloop.Protocol].
func (c *loopConn) LeaveLoop(rwc net.Conn, w onloop.Work) onloop.Driver {
	l := newConn(c.server, c.base, rwc, c.trusted)
	l.stay = w.Requests
	if c.begun {
		l.phase = open
	}
	if w.Serve != nil {
		s := c.resumed(l, w)
		l.streams, l.ready = []*stream{s}, []*stream{s}
		c.removeRequest()
	}
	if c.buf != nil {
		l.inBuf = c.buf
		l.in.Reset(l.rwc, c.buf[:], c.have)
		c.buf, c.have = nil, 0
	}
	if w.Last || w.IsOver {
		l.startClosing()
	}
	return &driver{conn: l, from: c, rest: w.Rest}
}

// resumed is the stream of the request that was begun on the loop.
func (c *loopConn) resumed(l *conn, w onloop.Work) *stream {
	ctx, cancel := context.WithCancelCause(c.request.Context())
	body := bytes.Clone(c.Body())
	s := &stream{
		conn:     l,
		id:       c.whole.id,
		keepConn: c.whole.keepConn,
		stage:    running,
		input:    inputEnded,
		request:  c.request.WithContext(ctx),
		cancel:   cancel,
		length:   int64(len(body)),
		whole:    true,
		stdin:    body,
		received: int64(len(body)),
		serve:    w.Serve,
	}
	if s.body.stream = s; len(body) > 0 {
		s.request.Body = &s.body
	}
	return s
}

// driver is the [onloop.Driver] of a connection that came from the loop.
type driver struct {
	*conn
	from *loopConn
	rest []byte // rest of a response, to be sent first
}

// Return implements [onloop.Driver]. A goroutine that waits for a request is interrupted.
func (d *driver) Return() {
	c := d.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stay = 0; len(c.streams) == 0 {
		c.interrupt()
	}
}

// Drive implements [onloop.Driver].
func (d *driver) Drive() (fd int, goesBack bool) {
	defer listen.Contain(d.socket, d.log)
	d.sendRest(d.rest)
	for d.serve() {
		if fd, ok := eventloop.Take(d.socket); ok {
			d.from.begun = true
			return fd, true
		}
		d.stayHere()
	}
	return -1, false
}
