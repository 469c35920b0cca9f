package rawsocket

import (
	"io"
	"net"
	"syscall"
)

// maxSize is the maximum number of bytes that one call moves without informing the scheduler: they
// take about ten microseconds to copy.
const maxSize = 256 << 10

// socket is implemented by the net package's connections over TCP and Unix sockets.
type socket interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// Conn is a stream socket. Like any [net.Conn], it may be used by several goroutines.
type Conn struct {
	socket
	in, out transfer
}

// Of returns c as a Conn. ok is false unless c is a socket of the kernel's.
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
	if len(p) == 0 || len(p) > maxSize {
		return c.socket.Read(p)
	}
	n, _, _, err := c.in.do("read", nil, p)
	return n, err
}

// ReadTwo reads into p and, if p is full, into more, by one call. Neither may be empty.
func (c *Conn) ReadTwo(p, more []byte) (int, error) {
	n, _, _, err := c.in.do("read", nil, p, more)
	return n, err
}

// ReadMessage reads data into p, which must not be empty, and the accompanying control messages
// into oob. flags are the flags that recvmsg(2) returns.
func (c *Conn) ReadMessage(p, oob []byte) (n, oobn, flags int, err error) {
	return c.in.do("read", oob, p[:min(len(p), maxSize)])
}

// Write writes p.
func (c *Conn) Write(p []byte) (written int, err error) {
	if len(p) > maxSize {
		return c.socket.Write(p)
	}
	for written < len(p) && err == nil {
		var n int
		n, _, _, err = c.out.do("write", nil, p[written:])
		written += n
	}
	return written, err
}

// WritePieces writes all pieces, at most [MaxPieces], by one call if the socket accepts them at
// once. It removes from pieces the data that was written.
func (c *Conn) WritePieces(pieces [][]byte) error {
	for {
		total := 0
		for _, p := range pieces {
			total += len(p)
		}
		switch {
		case total == 0:
			return nil
		case total > maxSize:
			return c.writeLarge(pieces)
		}
		n, _, _, err := c.out.do("write", nil, pieces...)
		if skip(pieces, n); err != nil {
			return err
		}
	}
}

func (c *Conn) writeLarge(pieces [][]byte) error {
	for i, p := range pieces {
		n, err := c.socket.Write(p)
		if pieces[i] = p[n:]; err != nil {
			return err
		}
	}
	return nil
}

// skip removes the first n bytes of the pieces.
func skip(pieces [][]byte, n int) {
	for i, p := range pieces {
		first := min(n, len(p))
		pieces[i], n = p[first:], n-first
	}
}

// ReadFrom sends the data of src, by sendfile(2) if possible.
func (c *Conn) ReadFrom(src io.Reader) (int64, error) { return io.Copy(c.socket, src) }
