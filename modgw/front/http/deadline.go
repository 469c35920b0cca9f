package http

import (
	"net"
	"sync"
	"time"
)

// readDeadline is the earliest of three deadlines that are set independently: lifting one must not
// lift another, with which net/http may just be interrupting a read. Requests move them again and
// again, and hardly ever is one over; so the connection itself keeps a bound that comes too early,
// until it is over and a read has to go on.
type readDeadline struct {
	mu           sync.Mutex
	server, body time.Time
	head         time.Time // of the present read
	bound        time.Time // that of the connection
	reading      bool
}

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

// begin bounds a read, by head too, unless that is zero.
func (d *readDeadline) begin(c net.Conn, head time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reading, d.head = true, head
	return d.apply(c, time.Now())
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

// isUnbounded reports whether net/http waits for what it reads now for ever, or has just stopped
// waiting.
func (d *readDeadline) isUnbounded() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.server.IsZero() || !d.server.After(time.Now())
}

func (d *readDeadline) earliest() time.Time { return earlier(earlier(d.server, d.body), d.head) }

// earlier returns the earlier deadline; the zero time never comes.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// apply lets the connection's bound be one that comes in time; d.mu is held.
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

// apply lets the bound be one that comes in time.
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
