package wsgi

import (
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw/wire"
)

// stallTime is how long a thread may be busy with one request while others wait behind it.
const stallTime = 3 * time.Millisecond

// patience is how long a thread may be busy with one request before others are taken back that
// would continue at once. On a busy machine an answer may be in transit for a while.
const patience = 4 * stallTime

// lingerTime is how long a request may wait for a thread that continues a request whose response is
// complete. Most finish in a moment.
const lingerTime = 50 * time.Millisecond

// watch watches over the requests that wait for a thread: behind another one on its connection, or
// in the queue because it computes. It sets no timer while there are none.
type watch struct {
	alarm *eventloop.Alarm // calls checkStall; nil: it was not needed yet
	on    bool             // its time counts; an old alarm may still ring
	// waits for a thread that continues a request whose response is complete
	lingers bool
	over    bool      // the connection is closed
	since   time.Time // when it was turned on
	turns   int       // turns of the connection at that time
	asks    int       // how often the worker was asked since that turn
}

// scheduleCheck has checkStall called after a while; c.mu is held.
func (c *Conn) scheduleCheck(d time.Duration) {
	if c.watch.over {
		return
	}
	if c.watch.alarm == nil {
		c.watch.alarm = c.worker.loop.NewAlarm(c.checkStall)
	}
	c.watch.alarm.Set(d)
}

func (w *watch) stop() {
	w.over = true
	if w.alarm != nil {
		w.alarm.Stop()
	}
}

// watchWaiting starts to watch over the requests that wait, if there are any; c.mu is held.
func (c *Conn) watchWaiting() {
	lingers, wait := c.mayLinger(), stallTime
	if lingers {
		wait = lingerTime
	}
	if c.watch.on && !(c.watch.lingers && !lingers) || !c.isAwaited() {
		return
	}
	if c.watch.turns != c.turns {
		c.watch.turns, c.watch.asks = c.turns, 0
	}
	c.watch.on, c.watch.since, c.watch.lingers = true, time.Now(), lingers
	c.scheduleCheck(wait)
}

// mayLinger reports whether the only request may wait for the app to go on with the one before it;
// c.mu is held.
func (c *Conn) mayLinger() bool { return c.lingers.Load() && len(c.order) == 1 && c.order[0].whole }

// watchAwaited is watchWaiting for the scheduler; scheduler.mu is held.
func (c *Conn) watchAwaited() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchWaiting()
}

// isAwaited reports whether requests wait for the thread of the connection; c.mu is held.
func (c *Conn) isAwaited() bool {
	switch len(c.order) {
	case 0:
		return false
	case 1:
		// When asked twice, the worker reports why the thread is busy.
		return c.mayLinger() || (!c.isStalled() || c.watch.asks < 2) &&
			(c.worker.waiting.Load() > 0 || c.computes.Load() && c.scheduler.waiting.Load())
	}
	return true
}

// checkStall asks for the requests that wait behind one for too long. It asks again, at longer
// intervals, while there are any: on a busy machine they may still be in transit. The loop calls
// it, and does not wait for a worker that does not read.
func (c *Conn) checkStall() {
	if busy, stuck := c.isStuck(); stuck {
		go c.recall(busy) // it ends after the deadline of the control connection at the latest
	}
}

// recall asks for the requests that wait behind a stream, if the thread is still busy with it.
func (c *Conn) recall(busy uint32) {
	c.worker.Send(wire.Unqueue, wire.AppendUnqueue(nil, c.number, busy))
	if busy == 0 {
		c.scheduler.serve()
	}
}

// isStuck reports whether to ask for the waiting requests, and behind which stream, and schedules
// the next check. A worker that gives nothing back, because its interpreter is stuck, has as long
// as requests may wait in the queue.
func (c *Conn) isStuck() (busy uint32, stuck bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isAwaited() || c.watch.turns != c.turns {
		c.watch.on = false
		c.watchWaiting()
		return 0, false
	}
	if c.mayLinger() {
		c.lingers.Store(false) // it is asked once
		c.watch.on = false
		c.watchWaiting()
		return c.order[0].ID, true
	}
	waited, limit := time.Since(c.watch.since), c.scheduler.queue.Timeout
	if limit > 0 && waited >= limit {
		c.watch.on = false
		c.expire()
		return 0, false
	}
	if waited < patience {
		busy = c.order[0].ID
	} else {
		c.stall.CompareAndSwap(flowing, computed) // or the worker would have answered
	}
	c.watch.asks++
	again := max(stallTime, waited)
	if limit > 0 {
		again = min(again, limit-waited)
	}
	c.scheduleCheck(again)
	return busy, true
}

// expire ends the streams that have waited too long behind another one; c.mu is held.
func (c *Conn) expire() {
	for _, s := range c.order[1:] {
		s.demand = max(s.demand, expired)
		s.wake()
	}
}

// Requeue implements [control.Connections].
func (w *Worker) Requeue(payload []byte, computed bool) error {
	c, ids, err := w.decodeReturned(payload)
	if err != nil {
		return err
	}
	if len(ids) > 0 {
		w.Log.Debug("requests given back", "thread", c.number, "requests", len(ids))
	}
	if err := c.requeue(ids, computed); err != nil {
		return err
	}
	w.scheduler.serve()
	return nil
}

// Join implements [control.Connections]. A thread that is away gets no requests.
func (w *Worker) Join(payload []byte, back bool) error {
	if len(payload) == 0 {
		w.wake()
		return nil
	}
	c, ids, err := w.decodeReturned(payload)
	if err != nil {
		return err
	}
	w.scheduler.setAway(c, !back)
	c.mu.Lock()
	for _, id := range ids {
		if err == nil {
			err = c.requeueStream(id)
		}
	}
	c.mu.Unlock()
	w.scheduler.serve()
	return err
}

// decodeReturned returns the connection of a thread, and the ids of the streams that it gives back.
func (w *Worker) decodeReturned(payload []byte) (c *Conn, ids []uint32, err error) {
	number, ids, err := wire.DecodeUnqueued(payload)
	if err == nil && uint64(number) >= uint64(len(w.Conns)) {
		err = wire.Errorf("requests given back by thread %d of %d", number, len(w.Conns))
	}
	if err != nil {
		return nil, nil, err
	}
	return w.Conns[number], ids, nil
}

// requeue requeues streams of a connection whose thread is busy for long, computing or not.
func (c *Conn) requeue(ids []uint32, computing bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := stalled
	if computing {
		state = computed
	}
	c.stall.Store(state)
	for _, id := range ids {
		if err := c.requeueStream(id); err != nil {
			return err
		}
	}
	return nil
}

// requeueStream informs a stream that its request was not begun; c.mu is held.
func (c *Conn) requeueStream(id uint32) error {
	for i, s := range c.order {
		if s.ID != id || s.demand == returned || !s.whole {
			continue
		}
		s.demand = returned
		if i == 0 {
			c.setDeadline(longAgo)
		}
		s.wake()
		return nil
	}
	return wire.Errorf("stream %d was given back, which is not open", id)
}
