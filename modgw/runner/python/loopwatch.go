package python

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// loopTick is how often a worker's connection is looked at while there is something in it that was not read.
	loopTick = 100 * time.Millisecond

	// stuckTime is how long a worker may take to end a request that it was told to end, and how long its loop may be blocked
	// while requests wait for it.
	stuckTime = 5 * time.Second
)

// loopWatch knows whether the loop of a worker reads what it is sent, as an event loop and gevent's hub do at once unless
// something blocks them. It looks at the kernel's buffer, so that it needs no help of an interpreter that may be stuck. While
// nothing is sent, nothing ticks. It is guarded by its lane's mutex.
type loopWatch struct {
	timer   *time.Timer
	on      bool
	heard   uint64    // frames of the worker when the buffer was last looked at
	since   time.Time // when it was first found unread; zero: it was read since
	blocked bool
	over    bool // the lane has ended
}

// watchLoop begins to look whether the loop reads what was just sent; l.mu is held.
func (l *sharedLane) watchLoop() {
	w := &l.watch
	if w.on || w.over {
		return
	}
	w.on, w.heard = true, l.heard
	if w.timer == nil {
		w.timer = time.AfterFunc(loopTick, l.lookAtLoop)
	} else {
		w.timer.Reset(loopTick)
	}
}

// sent is watchLoop for whoever has sent something.
func (l *sharedLane) sent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watchLoop()
}

// endWatch ends what watchLoop began; l.mu is held.
func (l *sharedLane) endWatch() {
	l.watch.over, l.watch.blocked = true, false
	if l.watch.timer != nil {
		l.watch.timer.Stop()
	}
}

// lookAtLoop notes whether the loop is blocked. A worker whose loop is gets no more requests until it goes on, and is replaced
// when requests have nobody else to go to for long.
func (l *sharedLane) lookAtLoop() {
	unread := hasUnread(l.conn)
	l.mu.Lock()
	w := &l.watch
	if w.over {
		l.mu.Unlock()
		return
	}
	before := w.blocked
	switch moved := l.heard != w.heard; {
	case !unread:
		w.on, w.since, w.blocked = false, time.Time{}, false
	case moved || w.since.IsZero():
		w.since, w.blocked = time.Now(), false
	case time.Since(w.since) >= lagTime:
		w.blocked = true
	}
	w.heard = l.heard
	now, long := w.blocked, w.blocked && time.Since(w.since) >= stuckTime
	if w.on {
		w.timer.Reset(loopTick)
	}
	l.mu.Unlock()
	switch {
	case now && !before:
		l.runner.seats.pause(l.worker)
		l.worker.askForLag()
		l.worker.Log.Warn("worker gets no requests for now", "reason", "its loop is blocked")
	case before && !now:
		l.runner.seats.resume(l.worker)
		l.worker.Log.Info("worker gets requests again")
	}
	if long {
		if _, queued := l.runner.seats.counts(); queued > 0 {
			l.worker.Want("its loop has been blocked for " + stuckTime.String() + " while requests wait")
		}
	}
}

// isBlocked reports whether the loop is known to be blocked.
func (l *sharedLane) isBlocked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watch.blocked
}

// hasUnread reports whether the other end of a Unix socket has not read all that was sent (unix(7), SIOCOUTQ).
func hasUnread(conn syscall.Conn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	unread := 0
	_ = raw.Control(func(fd uintptr) { unread, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }) // of a closed one nothing is
	return err == nil && unread > 0
}
