package mux

import (
	"time"

	"github.com/modgw/modgw/modgw/runner/python/control"
)

const (
	// loopTick is the interval at which a connection is checked while the worker has unread bytes.
	loopTick = 100 * time.Millisecond

	// stuckTime is how long a worker may take to end a request that was cancelled, and how long its
	// loop may be blocked while requests wait.
	stuckTime = 5 * time.Second
)

// loopWatch detects whether the loop of a worker reads its input. An event loop and gevent's hub do
// that at once unless blocked. It checks the kernel's buffer, which does not depend on an
// interpreter that may be stuck. No timer runs while nothing is sent. It is guarded by the mutex of
// its connection.
type loopWatch struct {
	state  watchState
	timer  *time.Timer // calls checkLoop; nil: nothing was sent yet
	frames uint64      // frames of the worker at the last check
	since  time.Time   // when the buffer was first found unread; zero: it was read since
}

// watchState is the state of a loopWatch.
type watchState uint8

const (
	watchIdle    watchState = iota // everything was read; no timer runs
	watchRunning                   // something was sent
	watchBlocked                   // the loop has read nothing for [control.LagTime]
	watchEnded                     // the connection has ended
)

// watchLoop starts to check whether the loop reads the bytes just sent; c.mu is held.
func (c *Conn) watchLoop() {
	w := &c.watch
	if w.state != watchIdle {
		return
	}
	w.state, w.frames = watchRunning, c.frames
	if w.timer == nil {
		w.timer = time.AfterFunc(loopTick, c.checkLoop)
	} else {
		w.timer.Reset(loopTick)
	}
}

// noteSent is watchLoop after something was sent without c.mu.
func (c *Conn) noteSent() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchLoop()
}

// endWatch ends the checks; c.mu is held.
func (c *Conn) endWatch() {
	c.watch.state = watchEnded
	if c.watch.timer != nil {
		c.watch.timer.Stop()
	}
}

// checkLoop checks whether the loop is blocked. The worker then gets no requests until the loop
// goes on, and is replaced when requests wait for long.
func (c *Conn) checkLoop() {
	unread := c.conn.HasUnsent()
	c.mu.Lock()
	w := &c.watch
	if w.state == watchEnded {
		c.mu.Unlock()
		return
	}
	before := w.state == watchBlocked
	switch moved := c.frames != w.frames; {
	case !unread:
		w.state, w.since = watchIdle, time.Time{}
	case moved || w.since.IsZero():
		w.state, w.since = watchRunning, time.Now()
	case time.Since(w.since) >= control.LagTime:
		w.state = watchBlocked
	}
	w.frames = c.frames
	now := w.state == watchBlocked
	long := now && time.Since(w.since) >= stuckTime
	if w.state != watchIdle {
		w.timer.Reset(loopTick)
	}
	c.mu.Unlock()
	switch {
	case now && !before:
		c.pause()
		c.worker.RequestLoopStack()
		c.worker.Log.Warn("worker gets no requests for now", "reason", "its loop is blocked")
	case before && !now:
		c.resume()
		c.worker.Log.Info("worker gets requests again")
	}
	if long {
		if _, queued := c.server.Counts(); queued > 0 {
			c.worker.Want("its loop has been blocked for " + stuckTime.String() + " while requests wait")
		}
	}
}

// isBlocked reports whether the loop is known to be blocked.
func (c *Conn) isBlocked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watch.state == watchBlocked
}
