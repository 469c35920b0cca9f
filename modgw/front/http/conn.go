package http

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/rawsocket"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/http1"
)

// The number of bytes sent under one deadline: of a file, and of one write of a handler.
const (
	filePiece  = 1 << 20
	writePiece = 256 << 10
)

// conn is a connection with a client. Each single write has a time limit: a deadline for the whole
// response would cut off streams.
//
// It is a [net.Conn] for users that take it over after HTTP/1. Bytes that were already read come
// first.
type conn struct {
	net.Conn // source of requests: the kernel's connection, or the one that TLS decrypts
	server   *Server
	raw      net.Conn // the kernel's
	// origin of the requests: the peer, or the client that the peer has named
	client net.Addr
	tls    *tls.ConnectionState // nil without TLS
	facts  map[string]string    // variables about TLS; nil without TLS
	peer   *peer                // set when the connection is open

	in      input
	parser  http1.Parser
	message http1.Request
	request http.Request // the one that was read last, without a context
	served  bool         // a request was
	begun   time.Time    // when an incomplete head began to arrive; zero: none did

	read    readDeadline
	write   writeDeadline
	refused *modgw.Fault // why no more is read; nil: it may be
	unread  bool         // the rest of a request's body is in the way of another request
	handed  bool         // to the server of HTTP/2
	owed    int          // status of the answer to a head that was refused; 0: none

	ctx      context.Context // parent of the requests' contexts; nil before the first one
	presence presence        // whether the client is there
	// watches whether the client goes, unless the connection is on the loop
	source eventloop.Source

	closing atomic.Bool // and lingering
	known   sync.Once   // has ended being a newcomer
	ended   sync.Once
	left    func() // called when the connection has ended
}

func newConn(s *Server, rwc net.Conn) *conn {
	c := &conn{client: rwc.RemoteAddr(), server: s}
	c.take(rwc)
	c.parser.Limits = s.limits
	return c
}

// take begins to use the kernel's connection.
func (c *conn) take(rwc net.Conn) {
	if socket, ok := rawsocket.Of(rwc); ok {
		rwc = socket
	}
	c.Conn, c.raw = rwc, rwc
}

// RemoteAddr is the client's address.
func (c *conn) RemoteAddr() net.Addr { return c.client }

// Read reads the rest of the buffer, and then from the connection.
func (c *conn) Read(p []byte) (int, error) {
	if c.in.len() > 0 {
		n := copy(p, c.in.bytes())
		c.in.discard(n)
		c.in.release()
		return n, nil
	}
	return c.readInTime(p, time.Time{}, time.Now(), forMore)
}

// fill reads once into the free part of the buffer. It must finish before the deadline, unless that
// is zero.
func (c *conn) fill(deadline, now time.Time, waits waiting) error {
	n, err := c.readInTime(c.in.room(), deadline, now, waits)
	c.in.add(n)
	return err
}

// readInTime reads once. It does not return (0, nil).
func (c *conn) readInTime(p []byte, deadline, now time.Time, waits waiting) (int, error) {
	for {
		if err := c.read.begin(c.Conn, deadline, now, waits); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(p)
		c.read.end()
		switch {
		case n > 0:
			return n, nil // the error comes again
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && !c.read.passed(c.Conn):
		default:
			return 0, err
		}
		now = time.Now()
	}
}

// SetReadDeadline bounds reads of a handler, the present one too.
func (c *conn) SetReadDeadline(t time.Time) error {
	return c.read.set(c.Conn, &c.read.handler, t)
}

// setBodyDeadline bounds the next read of a request's body; the zero time lifts the bound.
func (c *conn) setBodyDeadline(t time.Time) error {
	return c.read.set(c.Conn, &c.read.body, t)
}

// SetWriteDeadline bounds writing until the next Write, which has a bound of its own.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		return nil
	}
	return c.write.set(c.Conn, t)
}

// SetDeadline sets both.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Write writes p.
func (c *conn) Write(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		piece := [...][]byte{p[n:min(len(p), n+writePiece)]}
		sent := len(piece[0])
		err = c.writeInTime(piece[:])
		if n += sent - len(piece[0]); err != nil || n == len(p) {
			return n, err
		}
	}
}

// writePieces writes all pieces, each writePiece bytes of them before the write timeout is over.
func (c *conn) writePieces(pieces [][]byte) error {
	for {
		total := 0
		for _, p := range pieces {
			total += len(p)
		}
		if total <= writePiece {
			return c.writeInTime(pieces)
		}
		var group [rawsocket.MaxPieces][]byte
		room := writePiece
		for i, p := range pieces {
			n := min(len(p), room)
			group[i], pieces[i] = p[:n], p[n:]
			room -= n
		}
		if err := c.writeInTime(group[:len(pieces)]); err != nil {
			return err
		}
	}
}

// writeInTime writes all pieces before the write timeout is over.
func (c *conn) writeInTime(pieces [][]byte) error {
	now := time.Now()
	return c.writeUntil(pieces, now, now.Add(c.server.config.WriteTimeout))
}

// isSocket reports whether bytes are written to the kernel unchanged.
func (c *conn) isSocket() bool {
	_, ok := c.Conn.(*rawsocket.Conn)
	return ok
}

// writeUntil writes all pieces before end; now is the current time. Unwritten bytes stay in pieces.
func (c *conn) writeUntil(pieces [][]byte, now, end time.Time) error {
	socket, ok := c.Conn.(*rawsocket.Conn)
	if !ok {
		if err := c.write.set(c.Conn, end); err != nil {
			return err
		}
		return writeJoined(c.Conn, pieces) // TLS is done for after a write that was not in time
	}
	for {
		if err := c.write.apply(c.Conn, end, now); err != nil {
			return err
		}
		err := socket.WritePieces(pieces)
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if now = time.Now(); !now.Before(end) {
			return err
		}
	}
}

// joinedSize is the size up to which pieces are joined to one write if a call writes one piece: a
// record of TLS.
const joinedSize = 16 << 10

var joinBuffers = sync.Pool{New: func() any { return new([joinedSize]byte) }}

// writeJoined writes pieces one after the other, short ones together. Unwritten bytes stay in
// pieces.
func writeJoined(to io.Writer, pieces [][]byte) error {
	buffer := joinBuffers.Get().(*[joinedSize]byte)
	defer joinBuffers.Put(buffer)
	for i := 0; i < len(pieces); {
		first, n := i, 0
		for ; i < len(pieces) && n+len(pieces[i]) <= len(buffer); i++ {
			n += copy(buffer[n:], pieces[i])
		}
		data := buffer[:n]
		if i == first { // it is longer than the buffer
			data = pieces[i]
			i++
		}
		written, err := to.Write(data)
		for j := first; j < i; j++ {
			m := min(written, len(pieces[j]))
			pieces[j], written = pieces[j][m:], written-m
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ReadFrom sends src, by sendfile(2) where that is possible.
func (c *conn) ReadFrom(src io.Reader) (n int64, err error) {
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

// CloseWrite ends the sending side.
func (c *conn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// end closes the connection for good.
func (c *conn) end() (err error) {
	c.ended.Do(func() {
		c.source.Forget() // closing the connection takes it off the loop
		err = c.Conn.Close()
		c.left()
	})
	return err
}

// Drain ends the connection instead of waiting for another request.
func (c *conn) Drain() {
	_ = c.read.set(c.Conn, &c.read.drained, time.Now()) // a connection that fails ends
}

// Cut ends the connection at once.
func (c *conn) Cut(error) { c.raw.Close() }

type writerOnly struct{ io.Writer }
