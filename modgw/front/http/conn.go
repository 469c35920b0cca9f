package http

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/nowait"
)

// How much is sent under one deadline: of a file, and of what a handler writes at once.
const (
	filePiece  = 1 << 20
	writePiece = 256 << 10
)

// conn is a connection whose input is guarded, and whose single writes must end in time. A deadline for the whole response,
// as net/http has it, would cut off streams.
type conn struct {
	net.Conn // what requests are read from: the kernel's connection, or what TLS has decrypted
	server   *Server
	raw      net.Conn             // the kernel's
	client   net.Addr             // whom the requests come from: the peer, or whom the peer has named
	tls      *tls.ConnectionState // nil without TLS
	facts    map[string]string    // of TLS, as variables; nil without
	guard    guard
	read     readDeadline
	write    writeDeadline
	gathers  atomic.Bool // full buffers are held
	held     atomic.Pointer[[bufferSize]byte]
	closing  atomic.Bool // and lingering
	known    sync.Once   // has ended being a newcomer
	ended    sync.Once
	left     func() // called when the connection has ended

	headBegun time.Time    // when the first octet of an incomplete head came; zero without one
	served    int64        // requests that a handler was called for; belongs to net/http's goroutine
	unread    atomic.Bool  // nothing more is read: the rest of a request's body is dropped
	owed      atomic.Int32 // status of the answer to a head that was refused; 0: none

	presence presence // of the client
	watched  bool     // hangups tell when the client goes
	fd       int32    // by which hangups know it
}

func newConn(s *Server, rwc net.Conn, left func()) *conn {
	if socket, ok := nowait.Of(rwc); ok {
		rwc = socket
	}
	c := &conn{Conn: rwc, raw: rwc, client: rwc.RemoteAddr(), server: s, left: left}
	c.guard.framing.limits = &s.headLimits
	return c
}

// RemoteAddr is the client's address.
func (c *conn) RemoteAddr() net.Addr { return c.client }

// errUnread is what reading returns when the rest of a request's body was dropped.
var errUnread = errors.New("the rest of the request is not read")

// Read reads what the guard lets pass.
func (c *conn) Read(p []byte) (int, error) {
	background := c.isBackground(p)
	if background && c.watched {
		return 0, nil // which net/http ignores
	}
	for {
		if c.unread.Load() {
			return 0, errUnread
		}
		n, err := c.readInTime(p, background)
		switch {
		case n > 0, background && c.guard.refused.Load() != nil:
			return n, nil
		case err == nil && background:
			return 0, nil
		case err == nil:
			continue // a part of a head
		case errors.Is(err, os.ErrDeadlineExceeded) && !c.read.passed(c.Conn):
			continue
		}
		return 0, c.readError(err)
	}
}

// isBackground reports whether a read is the one by which net/http, while a request is answered,
// only wants to learn that the client has gone.
func (c *conn) isBackground(p []byte) bool {
	return len(p) == 1 && c.guard.framing.at != steppedBy && c.read.isUnbounded()
}

// readInTime reads once. Except in the background, the rest of a head must come within the header
// timeout.
func (c *conn) readInTime(p []byte, background bool) (int, error) {
	var headEnd time.Time
	switch {
	case !c.guard.withinHead():
		c.headBegun = time.Time{}
	case c.headBegun.IsZero():
		c.headBegun = time.Now()
		fallthrough
	case !background:
		headEnd = c.headBegun.Add(c.server.config.HeaderTimeout)
	}
	if err := c.read.begin(c.Conn, headEnd); err != nil {
		return 0, err
	}
	defer c.read.end()
	return c.guard.read(c.Conn, p)
}

// readError is the error of a read for net/http. Where a head is refused, Close answers: net/http
// ends without a word at io.EOF, after what it has answered before.
func (c *conn) readError(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && c.guard.withinHead() {
		c.guard.giveUp()
	}
	if !c.guard.refusesHead() {
		return err
	}
	if c.guard.framing.at != atHTTP2 {
		c.owed.Store(int32(c.guard.framing.verdict.status()))
	}
	return io.EOF
}

// hasRest reports whether a part of the body of the request that is served has not been received.
func (c *conn) hasRest() bool { return c.guard.completed.Load() < c.served }

// SetReadDeadline is for net/http, which interrupts its own reads with it.
func (c *conn) SetReadDeadline(t time.Time) error {
	return c.read.set(c.Conn, &c.read.server, t)
}

// setBodyDeadline bounds the next read of a request's body; the zero time lifts the bound.
func (c *conn) setBodyDeadline(t time.Time) error {
	return c.read.set(c.Conn, &c.read.body, t)
}

// SetWriteDeadline bounds writing until the next Write, which has a bound of its own. net/http lifts the bound when it has
// written a response to its end.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		return c.scatter()
	}
	return c.write.set(c.Conn, t)
}

// SetDeadline sets both.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Write writes each piece of p before the write timeout is over.
func (c *conn) Write(p []byte) (n int, err error) {
	if c.hold(p) {
		return len(p), nil
	}
	var first []byte
	if held := c.held.Swap(nil); held != nil {
		defer heldBuffers.Put(held)
		first = held[:]
	}
	for {
		m, err := c.writeInTime(first, p[:min(len(p), writePiece-len(first))])
		m = max(0, m-len(first))
		n += m
		if p, first = p[m:], nil; err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// writeInTime writes both pieces, of which the first is empty but for sockets.
func (c *conn) writeInTime(first, p []byte) (n int, err error) {
	now := time.Now()
	end := now.Add(c.server.config.WriteTimeout)
	socket, ok := c.Conn.(*nowait.Conn)
	if !ok {
		if err := c.write.set(c.Conn, end); err != nil {
			return 0, err
		}
		return c.Conn.Write(p) // TLS is done for after a write that was not in time
	}
	for {
		if err := c.write.apply(c.Conn, end, now); err != nil {
			return n, err
		}
		m, err := socket.WriteTwo(first, p)
		n += m
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if now = time.Now(); !now.Before(end) {
			return n, err
		}
		written := min(m, len(first))
		first, p = first[written:], p[m-written:]
	}
}

// ReadFrom sends src, by sendfile(2) where that is possible.
func (c *conn) ReadFrom(src io.Reader) (n int64, err error) {
	if err := c.flush(); err != nil {
		return 0, err
	}
	to, ok := c.Conn.(io.ReaderFrom)
	limited, isLimited := src.(*io.LimitedReader)
	if !ok || !isLimited {
		return io.Copy(writerOnly{c}, src)
	}
	for limited.N > 0 {
		if err := c.write.set(c.Conn, time.Now().Add(c.server.config.WriteTimeout)); err != nil {
			return n, err
		}
		piece := &io.LimitedReader{R: limited.R, N: min(limited.N, filePiece)}
		m, err := to.ReadFrom(piece)
		n += m
		limited.N -= m
		if err != nil || m == 0 {
			return n, err
		}
	}
	return n, nil
}

// CloseWrite ends the sending side, so that net/http can linger before it closes a connection with unread input.
func (c *conn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// end closes the connection for good.
func (c *conn) end() error {
	if c.watched {
		c.server.hangups.remove(c)
	}
	err := c.Conn.Close()
	c.ended.Do(c.left)
	return err
}

type writerOnly struct{ io.Writer }
