package http

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/rawsocket"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/front/onloop"
	"github.com/modgw/modgw/modgw/http1"
	"github.com/modgw/modgw/modgw/listen"
)

// maxInput is the largest size of a request, body included, that is served on the loop, in bytes.
const maxInput = 64 << 10

// loopConn is a connection on the loop: the [onloop.Protocol] for short requests without TLS. Its
// fields, conn included, belong to the goroutine while one has the connection.
type loopConn struct {
	conn *conn // without a net.Conn while it is on the loop

	part    part
	framing http1.Writer // for the response, from the head on

	// info is the value in the request's context. A request that ends on the loop leaves both to
	// the next one.
	info *modgw.RequestInfo
}

// part is the part of a request that was read.
type part uint8

const (
	noHead    part = iota // at most a part of its head
	wholeHead             // its head; the body is next in conn.in
	preface               // HTTP/2 begins in its place
)

// newOnLoop returns the server for connections on the loop, or nil if goroutines must serve them.
func newOnLoop(c Config) *onloop.Server {
	handler, ok := c.Handler.(modgw.LoopHandler)
	if !ok || len(c.Loops) == 0 || c.TLS != nil || c.ProxyProtocol {
		return nil
	}
	return onloop.New(onloop.Config{
		Loops: c.Loops, Handler: handler, Log: c.Log, IdleTimeout: c.IdleTimeout, FirstTimeout: c.HeaderTimeout,
	})
}

// looped is a connection on the loop.
type looped struct {
	*onloop.Conn
	conn *conn
}

func (c *looped) begin(ended func()) {
	l := c.conn
	l.left = ended
	c.Start(func() {
		l.leave()
		if l.raw == nil { // it was closed on the loop, and not by a goroutine or an app
			l.ended.Do(l.left)
		}
		l.forgetTaken(c)
	})
}

// Read implements [onloop.Protocol]. It reads until there is nothing more.
func (c *loopConn) Read(fd int) (n int, err error) {
	in := &c.conn.in
	for in.len() <= maxInput {
		room := in.room()
		m, err := rawsocket.Read(fd, room)
		in.add(m)
		n += m
		if err != nil || m < len(room) {
			return n, err
		}
	}
	return n, io.ErrShortBuffer
}

// HasInput implements [onloop.Protocol].
func (c *loopConn) HasInput() bool { return c.conn.in.len() > 0 || c.part != noHead }

// WasUsed implements [onloop.Protocol].
func (c *loopConn) WasUsed() bool { return c.conn.served }

// Parse implements [onloop.Protocol].
func (c *loopConn) Parse() onloop.Progress {
	l := c.conn
	if c.part == noHead {
		event, used, err := l.parser.Parse(l.in.bytes())
		switch {
		case event == http1.HTTP2Preface:
			c.part = preface
			return onloop.Unusual
		case err != nil:
			return onloop.Unusual
		case event == http1.HeadRead:
			l.message.Fill(&l.request, l.parser.Head())
			c.framing.Begin(l.parser.Head())
			c.part = wholeHead
		}
		l.in.discard(used)
	}
	r := &l.request
	switch {
	case c.part == noHead && l.in.len() <= maxInput:
		return onloop.Partial
	case c.part == noHead, r.ContentLength < 0, r.ContentLength > maxInput/2,
		r.Header["Expect"] != nil, r.Header["Upgrade"] != nil:
		return onloop.Unusual
	case int64(l.in.len()) < r.ContentLength:
		return onloop.Partial
	}
	return onloop.Whole
}

// Request implements [onloop.Protocol].
func (c *loopConn) Request(received time.Time) (r *http.Request, info *modgw.RequestInfo, ok bool) {
	l := c.conn
	if status, _ := l.server.refusal(&l.request); status != 0 {
		return nil, nil, false
	}
	l.know()
	l.served = true
	if c.info == nil {
		c.info = new(modgw.RequestInfo)
		l.request = *l.request.WithContext(modgw.WithRequestInfo(l.server.base, c.info))
	}
	l.request.RemoteAddr, l.request.Body = l.peer.remote, http.NoBody
	*c.info = l.server.prepare(&l.request, l.peer, received)
	return &l.request, c.info, true
}

// Body implements [onloop.Protocol].
func (c *loopConn) Body() []byte { return c.conn.in.bytes()[:c.conn.request.ContentLength] }

// AppendResponse implements [onloop.Protocol].
func (c *loopConn) AppendResponse(b []byte, status int, header http.Header, body []byte, now time.Time) ([]byte, bool) {
	if !isOrdinary(status, header) {
		return b, false
	}
	b, framing := c.appendHead(b, status, header, len(body), now)
	if framing.HasBody() && len(body) > 0 {
		if framing.Count(int64(len(body))) != nil {
			return b, false
		}
		b = framing.AppendPiece(b, len(body))
		b = append(b, body...)
		b = framing.AppendPieceEnd(b)
	}
	b = framing.AppendEnd(b, header)
	if !framing.IsComplete() {
		return b, false
	}
	c.framing = framing
	return b, true
}

// AppendHead implements [onloop.Sender].
func (c *loopConn) AppendHead(
	b []byte, status int, header http.Header, length int, now time.Time,
) ([]byte, bool) {
	if !isOrdinary(status, header) {
		return b, false
	}
	b, framing := c.appendHead(b, status, header, length, now)
	n := int64(length)
	if !framing.HasBody() || !framing.HasRoom(n) || framing.Count(n) != nil || !framing.IsComplete() {
		return b, false
	}
	c.framing = framing
	return b, true
}

func isOrdinary(status int, header http.Header) bool {
	return cgi.CheckHead(status, header) == nil && header["Connection"] == nil
}

// appendHead appends the head of a response whose body has so many bytes.
func (c *loopConn) appendHead(
	b []byte, status int, header http.Header, length int, now time.Time,
) ([]byte, http1.Writer) {
	cgi.StripHopByHop(header)
	framing := c.framing
	if c.conn.server.draining.Load() {
		framing.EndConnection()
	}
	b = framing.AppendHead(b, status, header)
	return framing.AppendHeadEnd(b, int64(length), c.conn.server.date.At(now)), framing
}

// EndRequest implements [onloop.Protocol].
func (c *loopConn) EndRequest() (keepsOpen bool) {
	l := c.conn
	length := int(l.request.ContentLength)
	l.parser.Advance(length)
	l.in.discard(length)
	keepsOpen = c.framing.KeepsOpen() && l.endRequest()
	c.part = noHead
	return keepsOpen
}

// Release implements [onloop.Protocol].
func (c *loopConn) Release() {
	l := c.conn
	l.in.putBack()
	l.in = input{}
	if l.message.Size() > inputSize {
		l.message = http1.Request{}
	}
	l.Conn, l.raw = nil, nil
	l.read, l.write = readDeadline{}, writeDeadline{}
}

// LeaveLoop implements [onloop.Protocol].
func (c *loopConn) LeaveLoop(rwc net.Conn, w onloop.Work) onloop.Driver {
	l := c.conn
	l.take(rwc)
	if l.watchEnd(); w.Info != nil && l.isWatched() {
		w.Info.InputEnded = l.presence.inputEnded()
	}
	d := &driver{conn: l, part: c.part, work: w}
	if w.Last {
		d.Drain()
	}
	if c.part == wholeHead {
		d.begun = &begunRequest{framing: c.framing, info: w.Info, serve: w.Serve}
	}
	c.part, c.info = noHead, nil
	return d
}

// driver is the [onloop.Driver] of a connection that came from the loop.
type driver struct {
	*conn
	work  onloop.Work
	part  part
	begun *begunRequest // nil unless the head was read
	hurry atomic.Bool   // the connection must be passed on as soon as it is idle
}

// begunRequest is a request whose head was read on the loop.
type begunRequest struct {
	framing http1.Writer
	// nil: the request was not prepared for its handler
	info  *modgw.RequestInfo
	serve func(http.ResponseWriter, *http.Request) // its handler; nil with info
}

// Drive implements [onloop.Driver].
func (d *driver) Drive() (fd int, goesBack bool) {
	c := d.conn
	defer listen.Contain(c, c.server.config.Log)
	if d.part == preface {
		c.hand()
		return -1, false
	}
	state := idle
	if len(d.work.Rest) > 0 {
		if _, err := c.Write(d.work.Rest); err != nil {
			state = over
		}
	}
	if body := d.work.Body; body != nil {
		if _, err := io.Copy(writerOnly{c}, body); err != nil {
			state = over
		}
		body.Close()
	}
	switch {
	case d.work.IsOver:
		state = over
	case d.begun != nil:
		state = c.serveRequest(d.begun)
	}
	for stay := d.work.Requests; state == idle; stay-- {
		if state = c.serveUntilIdle(); state != idle {
			break
		}
		if c.in.len() > 0 {
			continue
		}
		if stay <= 0 || d.hurry.Load() {
			if fd, ok := c.goBack(); ok {
				return fd, true
			}
		}
		if c.awaitRequest() {
			continue
		}
		if state = over; d.hurry.Load() {
			if fd, ok := c.goBack(); ok {
				return fd, true
			}
		}
	}
	if state == over {
		c.shut()
	}
	return -1, false
}

// Return implements [onloop.Driver].
func (d *driver) Return() {
	d.hurry.Store(true)
	d.conn.Drain() // it waits for no other request
}

// goBack makes an idle connection a descriptor for the loop, unless it is to end.
func (c *conn) goBack() (fd int, ok bool) {
	if c.server.draining.Load() {
		return -1, false
	}
	c.unwatchEnd()
	if fd, ok = eventloop.Take(c.raw); !ok {
		c.watchEnd()
	}
	return fd, ok
}
