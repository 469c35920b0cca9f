package http

import (
	"net"
	"sync"
	"time"
)

// readDeadline is the earlier of two deadlines that are set independently: lifting the one must not lift the other, with
// which net/http may just be interrupting a read. Requests move them again and again, and hardly ever is one over; so the
// connection itself keeps a bound that comes too early, until it is over and a read has to go on.
type readDeadline struct {
	mu           sync.Mutex
	server, body time.Time
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

// begin bounds a read.
func (d *readDeadline) begin(c net.Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reading = true
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
	if t := d.earlier(); !t.IsZero() && !now.Before(t) {
		return true
	}
	return d.apply(c, now) != nil
}

// isNone reports whether no deadline is to come.
func (d *readDeadline) isNone() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.earlier()
	return t.IsZero() || !t.After(time.Now())
}

func (d *readDeadline) earlier() time.Time {
	if d.server.IsZero() || !d.body.IsZero() && d.body.Before(d.server) {
		return d.body
	}
	return d.server
}

// apply lets the connection's bound be one that comes in time; d.mu is held.
func (d *readDeadline) apply(c net.Conn, now time.Time) error {
	t := d.earlier()
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
