package fcgi

import "time"

// phase is the phase in the life of a connection that a goroutine serves.
type phase uint8

const (
	unused        phase = iota // the peer has begun no request
	unusedClosing              // as unused, and the connection ends after its first request
	open                       // another request may follow
	closing                    // the connection ends when no request is in flight
	lingering                  // closing, and the rest of a request's body is still to come
	returning                  // the connection goes back to its loop
)

// readingTurn reports whether a goroutine is reading records of a connection.
type readingTurn uint8

const (
	turnFree        readingTurn = iota // none does
	turnTaken                          // one does, or waits for them
	turnInterrupted                    // the one that waits was interrupted, to let go
)

// newcomerGrace is how long a connection that was accepted just before the end may take to begin
// its request.
const newcomerGrace = time.Second

// requestBegun notes that the peer has begun a request. It does not send the rest of the one before
// any more then (apache.md A11).
func (c *conn) requestBegun() {
	switch c.phase {
	case unused:
		c.phase = open
	case unusedClosing, lingering:
		c.phase = closing
	}
}

// startClosing has the connection end when no request is in flight. One on which nothing was asked
// may do so for a while: its client may have waited in the backlog of the socket for long.
func (c *conn) startClosing() {
	switch c.phase {
	case unused:
		c.phase = unusedClosing
		c.readTimer.Reset(newcomerGrace)
	case open, returning:
		c.phase = closing
	}
}

// isUnused reports whether the peer has begun no request.
func (c *conn) isUnused() bool { return c.phase <= unusedClosing }

// isOver reports whether the connection has done its work.
func (c *conn) isOver() bool { return c.phase == closing && len(c.streams) == 0 }

// mayReturn reports whether a connection that came from a loop is idle again.
func (c *conn) mayReturn() bool {
	return c.stay <= 0 && c.phase == open && c.reading == turnFree && len(c.streams) == 0 && c.in.Between()
}
