package fastcgi

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw/fcgi"
)

const (
	// readSize is the size of a connection's buffer for reading.
	readSize = 32 << 10

	// unboundTime is how long a program may take to read its input if a request has no time limit.
	unboundTime = 5 * time.Minute
)

// protocolError is an error after which the connection cannot be used, because its input cannot be
// trusted any more.
type protocolError struct{ rule string }

// Error names the rule that was broken.
func (e *protocolError) Error() string { return "protocol error: " + e.rule }

func brokeRule(format string, args ...any) error { return &protocolError{fmt.Sprintf(format, args...)} }

// conn is a connection to a program, with its current requests: one at a time, or several if the
// program supports that. Its own goroutine reads it, so that a closed connection is noticed before
// it is used again.
type conn struct {
	program *program
	net     net.Conn
	mpxs    bool
	ended   chan struct{} // closes when nothing more is read

	writing sync.Mutex
	scratch []byte // for records; guarded by writing

	mu      sync.Mutex
	streams map[uint16]*stream
	heard   bool  // something has come: the program has accepted it
	broken  error // nothing more can be done with it
}

// read reads until the connection ends, and dispatches records to their requests.
func (c *conn) read() {
	defer close(c.ended)
	var r fcgi.Reader
	r.Reset(c.net, make([]byte, readSize), 0)
	for {
		h, err := r.Next()
		if err == nil {
			c.hear()
			err = c.take(&r, h)
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
}

// take takes one record.
func (c *conn) take(r *fcgi.Reader, h fcgi.Header) error {
	if h.ID == 0 {
		return nil // a management record, of which we asked for none
	}
	s := c.stream(h.ID)
	if s == nil {
		return brokeRule("a record for request %d, which is none", h.ID)
	}
	switch h.Type {
	case fcgi.TypeStdout:
		return each(r, s.stdout)
	case fcgi.TypeStderr:
		return each(r, s.stderr)
	case fcgi.TypeEnd:
		body, err := r.ReadBody()
		if err != nil {
			return brokeRule("an end record with %d bytes", h.Content)
		}
		c.finish(s, fcgi.ParseEnd(body[:]))
		return nil
	}
	return brokeRule("a record of type %d from an application", h.Type)
}

// each passes on the content of a record in pieces.
func each(r *fcgi.Reader, pass func([]byte)) error {
	for r.Left() > 0 {
		piece, err := r.Piece()
		if err != nil {
			return err
		}
		pass(piece)
	}
	return nil
}

// hear notes that the program has accepted the connection.
func (c *conn) hear() {
	c.mu.Lock()
	first := !c.heard
	c.heard = true
	c.mu.Unlock()
	if first {
		c.program.accepted()
	}
}

func (c *conn) stream(id uint16) *stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[id]
}

// finish ends a request with the status from the program.
func (c *conn) finish(s *stream, end fcgi.End) {
	c.mu.Lock()
	delete(c.streams, s.id)
	c.mu.Unlock()
	s.finish(end)
}

// fail ends the connection and all requests on it.
func (c *conn) fail(err error) {
	c.mu.Lock()
	if c.broken == nil {
		c.broken = err
	}
	err = c.broken
	streams := c.streams
	c.streams = nil
	heard := c.heard
	c.heard = true
	c.mu.Unlock()
	c.net.Close()
	for _, s := range streams {
		s.fail(err)
	}
	c.program.lost(c, heard)
}

// close ends the connection, and the requests on it, because of err.
func (c *conn) close(err error) {
	c.mu.Lock()
	if c.broken == nil {
		c.broken = err
	}
	for _, s := range c.streams {
		s.pipe.Cut(err) // the reader may be waiting for the consumer of the data
	}
	c.mu.Unlock()
	c.net.Close() // which the reader sees
}

// why is why the connection cannot be used; nil when it can.
func (c *conn) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// begin makes a stream for a request.
func (c *conn) begin(s *stream) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return c.broken
	}
	for id := uint16(1); ; id++ {
		if id == 0 {
			return errors.New("it has no request ids left")
		}
		if c.streams[id] == nil {
			s.conn, s.id = c, id
			c.streams[id] = s
			return nil
		}
	}
}

// errUnsent means that no byte was written.
type errUnsent struct{ error }

func (e errUnsent) Unwrap() error { return e.error }

// write writes the records that build appends to a buffer. The program has so long to take them; 0:
// as long as there may be.
func (c *conn) write(within time.Duration, build func(b []byte) []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.scratch = build(c.scratch[:0])
	err := c.net.SetWriteDeadline(time.Now().Add(cmp.Or(within, unboundTime)))
	var n int
	if err == nil {
		n, err = c.net.Write(c.scratch)
	}
	if cap(c.scratch) > 4*readSize {
		c.scratch = nil
	}
	if err != nil && n == 0 {
		return errUnsent{err}
	}
	return err
}
