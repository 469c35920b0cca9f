package mux

import (
	"os"

	"github.com/modgw/modgw/modgw/wire"
)

// shareBuffer makes the memory that large bodies pass through, and returns it as the worker gets
// it; nil where there is none.
func (c *Conn) shareBuffer() *os.File {
	file, err := wire.NewSharedMemory(2 * wire.MuxBufferSize)
	if err == nil {
		if c.buffer, err = wire.OpenMuxBuffer(file); err == nil {
			return file
		}
		file.Close()
	}
	c.server.app.Log.Debug("no memory is shared", "reason", err)
	return nil
}

// retainBuffer keeps the memory mapped for a stream until closeBuffer.
func (c *Conn) retainBuffer() {
	if c.buffer != nil {
		c.buffer.Retain()
	}
}

func (c *Conn) closeBuffer() {
	if c.buffer != nil {
		c.buffer.Close()
	}
}

// streamBuffer returns the buffer for the body of a request, whose first sent bytes are in its
// Request frame; nil: it goes in frames, as messages of WebSockets always do.
func (c *Conn) streamBuffer(o opening) *wire.StreamBuffer {
	if o.whole || o.kind != HTTP || !c.takesShared {
		return nil
	}
	return c.buffer.ForStream(len(o.body))
}

// acquireBody converts a Shared frame to the Body frame that it represents. Messages of WebSockets
// are checked, so they must not be in memory that the worker can change.
func (s *Stream) acquireBody(f wire.Frame) (wire.Frame, error) {
	if s.conn.buffer == nil || s.kind != HTTP {
		return f, wire.Errorf("a Shared frame without shared memory")
	}
	s.inBuffer = true
	piece, err := s.conn.buffer.Acquire(f.Payload)
	f.Type, f.Payload = wire.Body, piece
	return f, err
}

// releaseBody lets the worker use again everything that the stream has acquired and not released.
func (s *Stream) releaseBody() {
	s.mu.Lock()
	back := 0
	if s.inBuffer {
		back = s.received.Rest()
	}
	s.mu.Unlock()
	if back > 0 {
		s.conn.server.app.Pool.Background(func() { s.allow(back) }) // the worker may not read
	}
}

// allow lets the worker send n more bytes of the body, and use the memory of n bytes again. A write
// error surfaces where the connection is read.
func (s *Stream) allow(n int) {
	_ = s.Out.Write(func(b []byte) []byte { return wire.AppendWindow(b, s.ID, n) })
}
