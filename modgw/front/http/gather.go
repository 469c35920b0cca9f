package http

import (
	"sync"

	"github.com/modgw/modgw/internal/nowait"
)

// bufferSize is how much net/http gathers of a response before it writes that. The head and the beginning of the body fill the
// buffer, and the rest of a longer body follows at once.
const bufferSize = 4 << 10

var heldBuffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// gather begins to hold full buffers of the response back until the next write, so that one call sends both and the client
// wakes up once.
func (c *conn) gather() {
	_, isSocket := c.Conn.(*nowait.Conn)
	c.gathers.Store(isSocket)
}

// hold reports whether p can wait for what comes next.
func (c *conn) hold(p []byte) bool {
	if len(p) != bufferSize || !c.gathers.Load() || c.held.Load() != nil {
		return false
	}
	buffer := heldBuffers.Get().(*[bufferSize]byte)
	copy(buffer[:], p)
	c.held.Store(buffer)
	return true
}

// flush sends what is held.
func (c *conn) flush() error {
	if buffer := c.held.Swap(nil); buffer != nil {
		defer heldBuffers.Put(buffer)
		_, err := c.writeInTime(buffer[:], nil)
		return err
	}
	return nil
}

// scatter sends what is held, and holds nothing from now on.
func (c *conn) scatter() error {
	c.gathers.Store(false)
	return c.flush()
}
