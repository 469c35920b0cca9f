package load

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// role is the purpose of a connection.
type role uint8

const (
	asksPage     role = iota // sends requests again and again, and is measured
	asksSlowPage             // requests the slow page again and again
	staysIdle                // sends one request and is then kept
)

// conn is one connection of the client, with its request under way.
type conn struct {
	engine *engine
	fd     int       // -1: not connected
	began  time.Time // when the request under way should have been sent; zero: none is
	reused bool      // a response has come on this connection
	role   role

	unsent   []byte // unsent bytes of the request's head, or of a message
	body     int64  // unsent bytes of the request's body
	waiting  bool   // for room to send
	upgraded bool   // speaks WebSocket

	answer answer
	echo   echo
	stream stream
}

// ask sends a request that should have been sent at began.
func (c *conn) ask(began time.Time) {
	c.began = began
	c.send()
}

func (c *conn) send() {
	c.answer.reset()
	if c.fd < 0 {
		if err := c.connect(); err != nil {
			c.engine.fail(c, "connect: "+err.Error())
			return
		}
	}
	switch {
	case c.upgraded:
		c.unsent = c.engine.message
	case c.role == asksSlowPage:
		c.unsent = c.engine.slow
	default:
		c.unsent, c.body = c.engine.head, c.engine.job.Upload
	}
	c.flush()
}

// open reports whether a WebSocket or a stream has begun.
func (c *conn) open() bool { return c.upgraded || c.answer.state > inHead }

func (c *conn) connect() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // loopback always has it
	if err := unix.Connect(fd, &c.engine.address); err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return err
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(c.engine.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		unix.Close(fd)
		return err
	}
	c.fd, c.reused, c.waiting, c.upgraded = fd, false, false, false
	c.engine.byFD[fd] = c
	return nil
}

// flush sends as much as fits.
func (c *conn) flush() {
	for len(c.unsent) > 0 || c.body > 0 {
		piece := c.unsent
		if len(piece) == 0 {
			piece = c.engine.zeros[:min(c.body, int64(len(c.engine.zeros)))]
		}
		n, err := unix.Write(c.fd, piece)
		switch {
		case err == unix.EAGAIN || err == unix.ENOTCONN:
			c.waitForRoom(true)
			return
		case err != nil:
			// The server has ended the connection; its last data may still be unread.
			c.unsent, c.body = nil, 0
			c.waitForRoom(false)
			return
		case len(c.unsent) > 0:
			c.unsent = c.unsent[n:]
		default:
			c.body -= int64(n)
			c.engine.result.Out += int64(n)
		}
	}
	c.waitForRoom(false)
}

func (c *conn) waitForRoom(wait bool) {
	if wait == c.waiting {
		return
	}
	c.waiting = wait
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.fd)}
	if wait {
		event.Events |= unix.EPOLLOUT
	}
	// the descriptor is open and known
	_ = unix.EpollCtl(c.engine.epoll, unix.EPOLL_CTL_MOD, c.fd, &event)
}

// receive reads once; epoll reports any remaining bytes again.
func (c *conn) receive() {
	n, err := unix.Read(c.fd, c.engine.room)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
	case err != nil || n == 0:
		c.ended(err)
	default:
		c.take(c.engine.room[:n])
	}
}

func (c *conn) take(p []byte) {
	switch {
	case c.upgraded:
		if _, complete := c.echo.feed(p); complete && !c.began.IsZero() {
			c.engine.answered(c, "")
		}
	case c.engine.job.Protocol == Events && c.answer.state > inHead:
		c.engine.events(c, p)
	default:
		c.takeResponse(p)
	}
}

func (c *conn) takeResponse(p []byte) {
	before := c.answer.length
	rest, complete, err := c.answer.feed(p)
	c.engine.result.In += c.answer.length - before
	switch {
	case err != nil:
		c.close()
		c.engine.fail(c, err.Error())
	case c.engine.job.Protocol == WebSocket && complete:
		c.beginEcho()
	case c.engine.job.Protocol == Events && c.answer.state > inHead:
		c.engine.events(c, p) // the head has no events
	case complete && len(rest) > 0:
		c.close()
		c.engine.fail(c, "more than a response")
	case complete:
		c.complete()
	}
}

func (c *conn) complete() {
	wrong := c.answer.verdict(c.engine.job.Length)
	c.reused = true
	if c.answer.closes || c.body > 0 || len(c.unsent) > 0 {
		c.close()
		c.engine.result.Reconnects++
	}
	c.engine.answered(c, wrong)
}

func (c *conn) beginEcho() {
	if c.answer.status != 101 {
		status := c.answer.status
		c.close()
		c.engine.fail(c, fmt.Sprintf("status %d", status))
		return
	}
	c.upgraded = true
	if !c.engine.opening {
		c.send()
	}
}

// ended is called when the server has closed the connection.
func (c *conn) ended(err error) {
	begun, reused, whole := c.answer.begun(), c.reused, c.answer.state == untilClose && err == nil
	c.close()
	switch {
	case c.began.IsZero():
		c.engine.result.Reconnects++
	case whole && c.engine.job.Protocol == HTTP:
		c.engine.result.Reconnects++
		c.engine.answered(c, c.answer.verdict(c.engine.job.Length))
	case reused && !begun:
		// It was closed before the server saw the request, which any client of a kept connection
		// must expect.
		c.engine.result.Reconnects++
		c.send()
	case begun:
		c.engine.fail(c, "cut off")
	default:
		c.engine.fail(c, "closed without an answer")
	}
}

func (c *conn) close() {
	if c.fd < 0 {
		return
	}
	delete(c.engine.byFD, c.fd)
	unix.Close(c.fd)
	c.fd, c.upgraded, c.unsent, c.body = -1, false, nil, 0
}
