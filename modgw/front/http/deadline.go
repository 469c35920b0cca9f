package http

import (
	"net"
	"sync"
	"time"
)

// readDeadline is the earliest of the deadlines of a connection's reads, which are set
// independently: a handler may interrupt a read from any goroutine while the read's own deadline
// applies. Requests move the deadlines again and again, and they hardly ever expire. So the socket
// keeps a deadline that may be too early, until it expires and a read has to continue.
type readDeadline struct {
	mu      sync.Mutex
	handler time.Time // set by [net.Conn.SetReadDeadline]
	body    time.Time // deadline of a request's body
	own     time.Time // deadline of the present read
	waits   waiting   // reason of the present read
	drained time.Time // since then the connection is to end between two requests; zero: it may stay
	bound   time.Time // deadline that the socket has
	reading bool
}

// waiting is the thing that a read waits for.
type waiting uint8

const (
	forMore    waiting = iota // the rest of a request
	forRequest                // the next request of a connection that had one
	forFirst                  // the first request of a connection
)

// set moves one of the deadlines.
func (d *readDeadline) set(c net.Conn, which *time.Time, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	*which = t
	if !d.reading {
		return nil
	}
	return d.apply(c, time.Now())
}

// begin sets a read's own deadline, in addition to the others.
func (d *readDeadline) begin(c net.Conn, own, now time.Time, waits waiting) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reading, d.own, d.waits = true, own, waits
	return d.apply(c, now)
}

func (d *readDeadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reading = false
}

// passed reports whether a read has to end whose bound is over.
func (d *readDeadline) passed(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if t := d.earliest(); !t.IsZero() && !now.Before(t) {
		return true
	}
	return d.apply(c, now) != nil
}

// earliest is the deadline that counts. A connection that is to end waits for no other request, and
// for its first one a while.
func (d *readDeadline) earliest() time.Time {
	t := earlier(earlier(d.handler, d.body), d.own)
	switch {
	case d.drained.IsZero():
	case d.waits == forRequest:
		return d.drained
	case d.waits == forFirst:
		return earlier(t, d.drained.Add(newcomerGrace))
	}
	return t
}

// earlier returns the earlier deadline; the zero time never comes.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// apply ensures that the socket's deadline is early enough; d.mu is held.
func (d *readDeadline) apply(c net.Conn, now time.Time) error {
	t := d.earliest()
	if comesFirst(d.bound, t, now) || t.IsZero() && d.bound.IsZero() {
		return nil
	}
	d.bound = t
	return c.SetReadDeadline(t)
}

// writeDeadline is the bound of a connection's writes, and is kept in the same way.
type writeDeadline struct {
	mu    sync.Mutex
	bound time.Time
}

// set sets it now.
func (d *writeDeadline) set(c net.Conn, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bound = t
	return c.SetWriteDeadline(t)
}

// apply ensures that the deadline is early enough.
func (d *writeDeadline) apply(c net.Conn, t, now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if comesFirst(d.bound, t, now) {
		return nil
	}
	d.bound = t
	return c.SetWriteDeadline(t)
}

// comesFirst reports whether a bound is to come, and not after t; the zero time never comes.
func comesFirst(bound, t, now time.Time) bool {
	return bound.After(now) && (t.IsZero() || !bound.After(t))
}
