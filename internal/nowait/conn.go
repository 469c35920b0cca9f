package nowait

import (
	"io"
	"net"
	"syscall"
)

// most is how many bytes are moved by one call that the scheduler is not told of: some ten microseconds' worth.
const most = 256 << 10

// socket is what the net package's connections over TCP and Unix sockets are.
type socket interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// Conn is a stream socket. Like any [net.Conn] it may be used by many goroutines.
type Conn struct {
	socket
	in, out transfer
}

// Of returns c as a Conn. ok is false for what is no socket of the kernel's.
func Of(c net.Conn) (conn *Conn, ok bool) {
	s, ok := c.(socket)
	if !ok {
		return nil, false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil, false
	}
	conn = &Conn{socket: s}
	conn.in.begin(raw.Read, receive)
	conn.out.begin(raw.Write, send)
	return conn, true
}

// Read reads into p.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 || len(p) > most {
		return c.socket.Read(p)
	}
	n, _, _, err := c.in.do("read", p, nil, nil)
	return n, err
}

// ReadTwo reads into p, and what p has no room for into more, by one call. Neither may be empty.
func (c *Conn) ReadTwo(p, more []byte) (int, error) {
	n, _, _, err := c.in.do("read", p, more, nil)
	return n, err
}

// ReadMessage reads into p, which must not be empty, and into oob the control messages that come beside it; flags are those
// of recvmsg(2).
func (c *Conn) ReadMessage(p, oob []byte) (n, oobn, flags int, err error) {
	return c.in.do("read", p[:min(len(p), most)], nil, oob)
}

// Write writes p.
func (c *Conn) Write(p []byte) (int, error) { return c.WriteTwo(nil, p) }

// WriteTwo writes both pieces, by one call if they go out at once.
func (c *Conn) WriteTwo(p, more []byte) (written int, err error) {
	if len(p)+len(more) > most {
		n, err := (&net.Buffers{p, more}).WriteTo(c.socket)
		return int(n), err
	}
	for len(p)+len(more) > 0 {
		n, _, _, err := c.out.do("write", p, more, nil)
		written += n
		if err != nil {
			return written, err
		}
		first := min(n, len(p))
		p, more = p[first:], more[n-first:]
	}
	return written, nil
}

// ReadFrom sends what src has, by sendfile(2) where that is possible.
func (c *Conn) ReadFrom(src io.Reader) (int64, error) { return io.Copy(c.socket, src) }
