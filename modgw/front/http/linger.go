package http

import (
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// How long, and for how many octets, the input of a connection is still read that ends before its
// client has sent everything: a connection that is closed with input left is reset, and the answer
// with it.
const (
	lingerPause  = 2 * time.Second // without input
	lingerTime   = 10 * time.Second
	lingerOctets = 64 << 20
)

// Close closes the connection, after the answer to a head that was refused. One that has input left
// stays open until the client has had the time to read its answer.
func (c *conn) Close() error {
	if status := c.owed.Swap(0); status != 0 {
		c.answerRefusal(int(status))
	}
	if !c.hasInputLeft() || c.closing.Swap(true) {
		return c.end()
	}
	c.server.group.Go(c.linger) // the connection itself counts until Close returns
	return nil
}

// answerRefusal answers a request of which net/http knows nothing.
func (c *conn) answerRefusal(status int) {
	fault := c.guard.refused.Load()
	c.server.config.Log.Warn("request refused", "status", status, "code", fault.Code,
		"error", fault.Line(), "client", c.RemoteAddr().String())
	line := fmt.Sprintf("%d %s", status, http.StatusText(status))
	// A client that takes no answer gets none.
	_, _ = fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"Content-Length: %d\r\nDate: %s\r\nConnection: close\r\n\r\n%s\n",
		line, len(line)+1, time.Now().UTC().Format(http.TimeFormat), line)
}

// hasInputLeft reports whether a part of what the client has sent, or may be sending, was not read.
func (c *conn) hasInputLeft() bool {
	return c.unread.Load() || c.guard.refused.Load() != nil || hasUnread(c.raw)
}

// hasUnread reports whether a socket has octets that nobody has read.
func hasUnread(socket net.Conn) (unread bool) {
	s, ok := socket.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	err = raw.Control(func(fd uintptr) {
		n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		unread = err == nil && n > 0
	})
	return unread && err == nil
}

// linger reads what the client still sends, within bounds, and ends the connection.
func (c *conn) linger() {
	defer c.end()
	if c.CloseWrite() != nil {
		return
	}
	end := time.Now().Add(lingerTime)
	buffer := readBuffers.Get().(*[readSize]byte)
	defer readBuffers.Put(buffer)
	for left := lingerOctets; left > 0; {
		if c.raw.SetReadDeadline(earlier(end, time.Now().Add(lingerPause))) != nil {
			return
		}
		n, err := c.raw.Read(buffer[:])
		if left -= n; err != nil {
			return
		}
	}
}
