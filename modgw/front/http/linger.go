package http

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw/front/onloop"
)

// How long, and for how many octets, the input of a connection is still read that ends before its
// client has sent everything: a connection that is closed with input left is reset, and the answer
// with it.
const (
	lingerPause = 2 * time.Second // without input
	lingerTime  = 10 * time.Second
	lingerBytes = 64 << 20
)

// shut ends a connection from which nothing more is read, after the answer to a head that was
// refused. If it has unread input, it stays open until the client has had time to read the answer.
func (c *conn) shut() {
	if c.owed != 0 {
		c.answerRefusal()
	}
	if c.unread || c.refused != nil || hasUnread(c.raw) {
		c.linger()
	}
	c.end()
}

// Close closes the connection for its owner after HTTP/1 has ended on it. The server of HTTP/2
// has said its last word before, and waited.
func (c *conn) Close() error {
	if c.handed || !hasUnread(c.raw) || c.closing.Swap(true) {
		return c.end()
	}
	go func() {
		c.linger()
		c.end()
	}()
	return nil
}

// answerRefusal answers a request that could not be read.
func (c *conn) answerRefusal() {
	c.server.config.Log.Warn("request refused", "status", c.owed, "code", c.refused.Code,
		"error", c.refused.Line(), "client", c.RemoteAddr().String())
	c.server.tellRefused(unreadRequest(c.RemoteAddr()), c.owed, c.refused)
	line := fmt.Sprintf("%d %s", c.owed, http.StatusText(c.owed))
	// A client that takes no answer gets none.
	_, _ = fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"Content-Length: %d\r\nDate: %s\r\nConnection: close\r\n\r\n%s\n",
		line, len(line)+1, time.Now().UTC().Format(http.TimeFormat), line)
}

// hasUnread reports whether a socket has octets that were not read.
func hasUnread(socket net.Conn) (unread bool) {
	withDescriptor(socket, func(fd int) { unread = onloop.HasUnread(fd) })
	return unread
}

// linger reads and discards further input of the client, within limits.
func (c *conn) linger() {
	if c.CloseWrite() != nil {
		return
	}
	end := time.Now().Add(lingerTime)
	buffer := inputBuffers.Get().(*[inputSize]byte)
	defer inputBuffers.Put(buffer)
	for left := lingerBytes; left > 0; {
		if c.raw.SetReadDeadline(earlier(end, time.Now().Add(lingerPause))) != nil {
			return
		}
		n, err := c.raw.Read(buffer[:])
		if left -= n; err != nil {
			return
		}
	}
}
