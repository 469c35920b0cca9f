package http

import (
	"io"
	"time"
)

// How long, and for how many octets, a refused client's input is still read: a connection that is closed with input left
// is reset, and the answer with it.
const (
	lingerTime   = 500 * time.Millisecond
	lingerOctets = 1 << 20
)

// Close closes the connection. One whose client was refused stays open until that one has had the time to read why.
func (c *conn) Close() error {
	fault := c.guard.refused.Load()
	if fault == nil || c.closing.Swap(true) {
		return c.end()
	}
	c.server.config.Log.Warn("request refused", "code", fault.Code, "error", fault.Line(), "client", c.RemoteAddr().String())
	c.server.group.Go(c.linger) // the connection itself counts until Close returns
	return nil
}

func (c *conn) linger() {
	if c.CloseWrite() == nil && c.Conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, c.Conn, lingerOctets)
	}
	_ = c.end()
}
