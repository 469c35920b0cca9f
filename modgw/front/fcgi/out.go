package fcgi

import (
	"net"
	"sync"
)

// out is the sending side of a connection. Each write is whole records.
type out struct {
	mu  sync.Mutex
	err error // error of the first write that failed
	vec [2][]byte
}

// send writes records of stream s, or of no stream when s is nil. It fails when the stream is over.
func (c *conn) send(s *stream, pieces ...[]byte) error {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	if c.out.err == nil && s != nil && s.stage == replied {
		return errGone
	}
	return c.write(pieces...)
}

// sendLast is send for the last records of a stream; nothing more is sent of it.
func (c *conn) sendLast(s *stream, pieces ...[]byte) error {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	if s.stage == replied {
		return errGone
	}
	c.mu.Lock()
	s.stage = replied // before the peer can know it
	c.mu.Unlock()
	return c.write(pieces...)
}

func (c *conn) write(pieces ...[]byte) error {
	if c.out.err != nil {
		return c.out.err
	}
	c.writeTimer.Reset(c.server.config.WriteTimeout)
	if len(pieces) == 1 {
		_, c.out.err = c.rwc.Write(pieces[0])
	} else {
		buffers := net.Buffers(c.out.vec[:copy(c.out.vec[:], pieces)])
		_, c.out.err = buffers.WriteTo(c.socket)
	}
	c.writeTimer.Stop()
	return c.out.err
}

// sendRest writes the rest of a response that a loop has begun.
func (c *conn) sendRest(rest []byte) {
	if len(rest) == 0 {
		return
	}
	if err := c.send(nil, rest); err != nil {
		c.fail(err)
	}
}
