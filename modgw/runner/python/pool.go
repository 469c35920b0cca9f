package python

import (
	"container/list"
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/queue"
)

// Why a request gets no lane.
var (
	errQueueFull    = queue.ErrFull
	errQueueTimeout = queue.ErrTimeout
	errNoWorkers    = queue.ErrNobody
	errClosed       = queue.ErrClosed
)

// pool gives requests to lanes: of the least busy ready worker to the first that is idle, or that has room for more of
// those that its thread answers fast, so that a fast app stays on one thread. While a thread computes, it gets all that may
// share a lane, and no other one begins, until the thread is found to be busy for long with one request. Otherwise requests
// wait in the order in which they came. One that waits on a lane behind a slow one is taken back, and waits here again.
type pool struct {
	queue    modgw.Queue
	parallel bool // the threads of a worker run at the same time, so that a free one is better than a fast one

	mu      sync.Mutex
	workers []*worker // that are ready
	waiters list.List // of *waiter, by number
	number  uint64    // of the latest request
	hopes   int       // workers that are ready or will be soon; without any, nobody waits
	closed  bool
	busy    int // lanes that have requests
	behind  int // requests that wait behind another one on a lane

	waiting atomic.Bool // there are waiters; set with mu held
}

// ticket is what the pool knows of a request.
type ticket struct {
	alone    bool   // it shares its lane with no other
	returned bool   // a worker has given it back without having begun it
	number   uint64 // counts requests in the order in which they came; 0: not yet
}

// waiter is a request that waits for a lane.
type waiter struct {
	ticket *ticket
	got    chan struct{} // closes when lane or err is set
	lane   *lane
	err    error
}

// acquire returns a lane for a request until release. The error is one of the above, or ctx's.
func (p *pool) acquire(ctx context.Context, t *ticket) (*lane, error) {
	p.mu.Lock()
	if t.number == 0 {
		p.number++
		t.number = p.number
	}
	first := p.waiters.Front()
	if first == nil || t.number < first.Value.(*waiter).ticket.number {
		if l := p.free(t); l != nil {
			p.take(l, t)
			p.mu.Unlock()
			return l, nil
		}
	}
	if err := p.refusal(t); err != nil {
		p.mu.Unlock()
		return nil, err
	}
	w := &waiter{ticket: t, got: make(chan struct{})}
	element := p.enqueue(w)
	p.watchComputing()
	p.mu.Unlock()
	return p.wait(ctx, w, element)
}

// tryAcquire is acquire that returns nil where that would wait, or fail.
func (p *pool) tryAcquire(t *ticket) *lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.waiters.Len() > 0 {
		return nil
	}
	l := p.free(t)
	if l != nil {
		p.number++
		t.number = p.number
		p.take(l, t)
	}
	return l
}

// release gives a request's part of a lane back.
func (p *pool) release(l *lane, abandoned bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := l.worker
	if abandoned {
		w.abandoned--
	}
	if l.load--; l.load > 0 {
		p.behind--
		w.behind.Add(-1)
	} else {
		p.busy--
		l.alone = false
	}
	w.busy--
	if w.buried && l.load == 0 {
		l.close()
	}
	w.settleDrain()
	p.serveWaiters()
}

// abandon says that the request on a lane was answered without the worker, which still has to close the stream. Until
// then no other request comes to the lane: its thread may hang, and what waits behind an Abort frame that it has not read
// cannot be taken back.
func (p *pool) abandon(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.alone = true
	l.worker.abandoned++
	l.worker.settleDrain()
}

// bury takes note of a worker's end and returns its idle lanes. A busy one may still have bytes to read; it is closed
// when it is released.
func (p *pool) bury(w *worker) (idle []*lane) {
	p.remove(w)
	p.mu.Lock()
	defer p.mu.Unlock()
	w.buried = true
	for _, l := range w.lanes {
		if l.load == 0 {
			idle = append(idle, l)
		}
	}
	return idle
}

// drained returns a channel that closes when no request of a worker is left that waits for its answer. The worker must
// have been removed.
func (p *pool) drained(w *worker) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	drained := make(chan struct{})
	w.drain = drained
	w.settleDrain()
	return drained
}

// add makes a worker's lanes available.
func (p *pool) add(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers = append(p.workers, w)
	p.serveWaiters()
}

// remove takes no more lanes of a worker; those that are taken come back by release.
func (p *pool) remove(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.workers {
		if p.workers[i] == w {
			p.workers = append(p.workers[:i:i], p.workers[i+1:]...)
			return
		}
	}
}

// serve gives lanes to those who wait, after something has changed that is not the pool's.
func (p *pool) serve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serveWaiters()
}

// hope counts the workers that are worth waiting for up or down.
func (p *pool) hope(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hopes += n
	if p.hopes == 0 {
		p.dismiss(errNoWorkers)
	}
}

// close refuses all requests from now on.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.dismiss(errClosed)
}

// counts is how many requests are executed and how many wait.
func (p *pool) counts() (busy, queued int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busy, p.queued()
}

func (p *pool) wait(ctx context.Context, w *waiter, element *list.Element) (*lane, error) {
	var late <-chan time.Time
	if p.queue.Timeout > 0 {
		timer := time.NewTimer(p.queue.Timeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-w.got:
		return w.lane, w.err
	case <-late:
		return p.leave(w, element, errQueueTimeout)
	case <-ctx.Done():
		return p.leave(w, element, ctx.Err())
	}
}

// leave takes a waiter out of the queue, unless it just got its lane.
func (p *pool) leave(w *waiter, element *list.Element, err error) (*lane, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.got:
		return w.lane, w.err
	default:
		p.waiters.Remove(element)
		p.waiting.Store(p.waiters.Len() > 0)
		p.serveWaiters() // those behind it may have been waiting for it alone
		return nil, err
	}
}

// refusal is why a request may not even wait; p.mu is held, as in all that follows.
func (p *pool) refusal(t *ticket) error {
	switch {
	case p.closed:
		return errClosed
	case p.hopes == 0:
		return errNoWorkers
	case p.queued() >= p.queue.Max && !t.returned: // that one was in the queue already
		return errQueueFull
	}
	return nil
}

// queued is how many requests wait, here or behind another one.
func (p *pool) queued() int { return p.waiters.Len() + p.behind }

// enqueue puts a waiter behind those that came before it.
func (p *pool) enqueue(w *waiter) *list.Element {
	p.waiting.Store(true)
	for e := p.waiters.Back(); e != nil; e = e.Prev() {
		if e.Value.(*waiter).ticket.number < w.ticket.number {
			return p.waiters.InsertAfter(w, e)
		}
	}
	return p.waiters.PushFront(w)
}

// watchComputing has the lanes watched that may be what a new waiter waits for.
func (p *pool) watchComputing() {
	for _, w := range p.workers {
		for _, l := range w.lanes {
			if l.isComputing() {
				l.watchAwaited()
			}
		}
	}
}

func (p *pool) serveWaiters() {
	defer func() { p.waiting.Store(p.waiters.Len() > 0) }()
	for p.waiters.Len() > 0 {
		first := p.waiters.Front()
		w := first.Value.(*waiter)
		l := p.free(w.ticket)
		if l == nil {
			return
		}
		p.waiters.Remove(first)
		p.take(l, w.ticket)
		w.lane = l
		close(w.got)
	}
}

func (p *pool) dismiss(err error) {
	for p.waiters.Len() > 0 {
		w := p.waiters.Remove(p.waiters.Front()).(*waiter)
		w.err = err
		close(w.got)
	}
	p.waiting.Store(false)
}

func (p *pool) take(l *lane, t *ticket) {
	if l.load++; l.load > 1 {
		p.behind++
		if l.worker.behind.Add(1) == 1 {
			l.worker.watchBusy()
		}
	} else {
		p.busy++
		l.alone = t.alone
	}
	l.worker.busy++
	l.worker.Began()
}

// watchBusy has the lanes watched whose threads may keep the interpreter from the one that requests begin to wait for.
func (w *worker) watchBusy() {
	for _, l := range w.lanes {
		if l.load == 1 {
			l.watchAwaited()
		}
	}
}

// free is the lane to take next; nil when none has room.
func (p *pool) free(t *ticket) (found *lane) {
	share := !t.alone && p.behind < p.queue.Max
	wait := p.queued() < p.queue.Max
	busy := math.MaxInt
	for _, w := range p.workers {
		if w.busy >= busy {
			continue
		}
		spread := p.parallel || w.isKept()
		l := w.freeLane(share && !spread, wait && !spread)
		if l == nil && spread {
			l = w.freeLane(share, false)
		}
		if l != nil {
			found, busy = l, w.busy
		}
	}
	return found
}

// isKept reports whether a thread keeps the interpreter for long. Others then get it in turns, and the more of them want it the
// less is left to that one.
func (w *worker) isKept() bool {
	for _, l := range w.lanes {
		if l.load > 0 && l.keeps.Load() {
			return true
		}
	}
	return false
}

// freeLane is the lane for a request, which may share one with others, and may wait for one; nil without one. Where threads
// compute it is one of theirs, if the request may share it, and else none: another thread would only take the interpreter from
// them. What may not share a lane gets a second one, so that a thread computes while an answer is on its way.
func (w *worker) freeLane(share, wait bool) (free *lane) {
	computing, most := 0, 2
	for _, l := range w.lanes {
		room := l.load == 0 || share && l.hasRoom()
		if l.isComputing() {
			if room {
				return l
			}
			if computing++; share && !l.alone {
				most = 1
			}
		}
		if free == nil && room {
			free = l
		}
	}
	if wait && computing >= most {
		return nil
	}
	return free
}
