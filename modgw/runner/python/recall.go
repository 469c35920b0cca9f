package python

import (
	"time"

	"github.com/modgw/modgw/modgw/wire"
)

// stallTime is how long a thread may be busy with one request while others wait behind it on its lane.
const stallTime = 3 * time.Millisecond

// watch looks after the streams of a lane that wait behind another one. While there are none, nothing ticks.
type watch struct {
	timer    *time.Timer
	on       bool
	progress int  // of the lane, when it was looked at last
	over     bool // the lane is closed
}

func (w *watch) stop() {
	w.over = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// watchOver begins to look after the streams that wait, if there are any; l.mu is held.
func (l *lane) watchOver() {
	if l.watch.on || l.watch.over || len(l.order) < 2 {
		return
	}
	l.watch.on, l.watch.progress = true, l.progress
	if l.watch.timer == nil {
		l.watch.timer = time.AfterFunc(stallTime, l.look)
	} else {
		l.watch.timer.Reset(stallTime)
	}
}

// look recalls the streams that wait behind one for too long. A worker that does not even give them back, because its
// interpreter is stuck, has the time that requests may wait in the queue.
func (l *lane) look() {
	l.mu.Lock()
	moved := l.watch.progress != l.progress
	l.watch.progress = l.progress
	recall, limit := false, l.pool.queue.Timeout
	switch {
	case l.watch.over || len(l.order) < 2:
		l.watch.on = false
	case moved:
		l.watch.timer.Reset(stallTime)
	case !l.stalled.Swap(true):
		recall = true
		if l.watch.on = limit > 0; l.watch.on {
			l.watch.timer.Reset(limit)
		}
	default:
		l.watch.on = false
		for _, s := range l.order[1:] {
			s.late = true
			s.wake()
		}
	}
	l.mu.Unlock()
	if recall {
		l.worker.say(wire.Recall, wire.AppendRecall(nil, l.number))
	}
}

// takeBack takes the requests back that the worker has not begun.
func (w *worker) takeBack(payload []byte) error {
	number, ids, err := wire.DecodeReturned(payload)
	if err != nil {
		return err
	}
	if uint64(number) >= uint64(len(w.lanes)) {
		return brokeRule("a Returned frame for lane %d of %d", number, len(w.lanes))
	}
	w.log.Debug("requests given back", "lane", number, "requests", len(ids))
	l := w.lanes[number]
	l.mu.Lock()
	defer l.mu.Unlock()
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
	return brokeRule("stream %d was given back, which is not open", id)
}
