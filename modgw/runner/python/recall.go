package python

import (
	"time"

	"github.com/modgw/modgw/modgw/wire"
)

// stallTime is how long a thread may be busy with one request while others wait behind it on its lane.
const stallTime = 3 * time.Millisecond

// patience is how long a thread may be busy with one request before others are taken back that would go on at once. On
// a busy machine an answer may be on its way for a while.
const patience = 4 * stallTime

// watch looks after the requests that wait for a lane: behind another one on it, or in the pool because its thread computes.
// While there are none, nothing ticks.
type watch struct {
	timer    *time.Timer
	on       bool
	since    time.Time
	asks     int  // how often the worker was asked since that progress
	progress int  // of the lane, then
	over     bool // the lane is closed
}

// again has look called after a while.
func (w *watch) again(d time.Duration, look func()) {
	switch {
	case w.over:
	case w.timer == nil:
		w.timer = time.AfterFunc(d, look)
	default:
		w.timer.Reset(d)
	}
}

func (w *watch) stop() {
	w.over = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// watchOver begins to look after the requests that wait, if there are any; l.mu is held.
func (l *lane) watchOver() {
	if l.watch.on || !l.isAwaited() {
		return
	}
	if l.watch.progress != l.progress {
		l.watch.progress, l.watch.asks = l.progress, 0
	}
	l.watch.on, l.watch.since = true, time.Now()
	l.watch.again(stallTime, l.look)
}

// watchAwaited begins to look after the requests that wait, if nobody does; the pool's lock is held.
func (l *lane) watchAwaited() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watchOver()
}

// isAwaited reports whether requests wait for what the lane is busy with; l.mu is held.
func (l *lane) isAwaited() bool {
	switch len(l.order) {
	case 0:
		return false
	case 1:
		// Asked twice, the worker says what keeps the thread busy.
		return (!l.stalled.Load() || l.watch.asks < 2) &&
			(l.worker.behind.Load() > 0 || l.computes.Load() && l.pool.waiting.Load())
	}
	return true
}

// look recalls the streams that wait behind one for too long. It does so again, at longer intervals, while they are there: on a
// busy machine their requests may be on their way still.
func (l *lane) look() {
	if busy, stuck := l.isStuck(); stuck {
		l.worker.say(wire.Recall, wire.AppendRecall(nil, l.number, busy))
		if busy == 0 {
			l.pool.serve()
		}
	}
}

// isStuck reports whether to recall what waits, and behind which stream, and sees that somebody looks again. A worker that
// gives nothing back, because its interpreter is stuck, has the time that requests may wait in the queue.
func (l *lane) isStuck() (busy uint32, stuck bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isAwaited() || l.watch.progress != l.progress {
		l.watch.on = false
		l.watchOver()
		return 0, false
	}
	waited, limit := time.Since(l.watch.since), l.pool.queue.Timeout
	if limit > 0 && waited >= limit {
		l.watch.on = false
		l.dismiss()
		return 0, false
	}
	if waited < patience {
		busy = l.order[0].id
	} else if !l.stalled.Swap(true) {
		l.keeps.Store(true) // or the worker would have answered
	}
	l.watch.asks++
	again := max(stallTime, waited)
	if limit > 0 {
		again = min(again, limit-waited)
	}
	l.watch.again(again, l.look)
	return busy, true
}

// dismiss tells the streams that wait that it was too long; l.mu is held.
func (l *lane) dismiss() {
	for _, s := range l.order[1:] {
		s.late = true
		s.wake()
	}
}

// takeBack takes the requests back that the worker has not begun.
func (w *worker) takeBack(payload []byte, computed bool) error {
	number, ids, err := wire.DecodeReturned(payload)
	if err != nil {
		return err
	}
	if uint64(number) >= uint64(len(w.lanes)) {
		return wire.Errorf("a Returned frame for lane %d of %d", number, len(w.lanes))
	}
	if len(ids) > 0 {
		w.Log.Debug("requests given back", "lane", number, "requests", len(ids))
	}
	l := w.lanes[number]
	if err := l.giveAllBack(ids, computed); err != nil {
		return err
	}
	l.pool.serve()
	return nil
}

// giveAllBack gives streams back of a lane whose thread is busy for long.
func (l *lane) giveAllBack(ids []uint32, computed bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled.Store(true)
	l.keeps.Store(computed)
	for _, id := range ids {
		if err := l.giveBack(id); err != nil {
			return err
		}
	}
	return nil
}

// giveBack tells a stream that its request was not begun; l.mu is held.
func (l *lane) giveBack(id uint32) error {
	for i, s := range l.order {
		if s.id != id || s.returned || !s.whole {
			continue
		}
		s.returned = true
		if i == 0 {
			l.setDeadline(longAgo)
		}
		s.wake()
		return nil
	}
	return wire.Errorf("stream %d was given back, which is not open", id)
}
