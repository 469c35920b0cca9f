package fcgi

import (
	"io"
	"syscall"

	"github.com/modgw/modgw/internal/rawsocket"
)

// idle waits for the first bytes of a request without holding a buffer: web servers keep thousands
// of connections open, most of them idle. The caller has the reading turn.
type idle struct {
	raw syscall.RawConn // nil for a connection that is none of the kernel's
	n   int
	err error
}

// awaitBytes returns when the reader has a buffer and, if that could be waited for, something in
// it.
func (c *conn) awaitBytes() error {
	c.server.buffers.put(c.inBuf)
	c.inBuf = nil
	c.in.Reset(nil, nil, 0) // which would keep the buffer from being freed
	if c.idle.raw == nil {
		c.inBuf = c.server.buffers.get()
		c.in.Reset(c.rwc, c.inBuf[:], 0)
		return nil
	}
	if err := c.idle.raw.Read(c.tryRead); err != nil {
		return err
	}
	if c.idle.err != nil {
		return c.idle.err
	}
	if c.idle.n == 0 {
		return io.EOF
	}
	c.in.Reset(c.rwc, c.inBuf[:], c.idle.n)
	return nil
}

// readOnce reads the available bytes, and reports whether there were some, or the end.
func (c *conn) readOnce(fd uintptr) bool {
	buf := c.server.buffers.get()
	c.idle.n, c.idle.err = rawsocket.Read(int(fd), buf[:])
	if c.idle.err == syscall.EAGAIN {
		c.server.buffers.put(buf)
		return false
	}
	c.inBuf = buf
	return true
}

// rawConn returns the raw connection, to wait for input without a buffer.
func rawConn(rwc any) syscall.RawConn {
	if s, ok := rwc.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}
