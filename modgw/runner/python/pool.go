package python

import (
	"container/list"
	"context"
	"math"
	"sync"
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

// pool gives each request a lane of its own: of the least busy ready worker the first that is free, so that an app which
// answers fast stays on one thread. When none is free, requests wait in the order in which they came. No lane ever has
// two requests, so none waits behind a slow one that it did not have to wait for.
type pool struct {
	queue modgw.Queue

	mu      sync.Mutex
	workers []*worker // that are ready
	waiters list.List // of *waiter
	hopes   int       // workers that are ready or will be soon; without any, nobody waits
	closed  bool
	busy    int
}

// waiter is a request that waits for a lane.
type waiter struct {
	got  chan struct{} // closes when lane or err is set
	lane *lane
	err  error
}

// acquire returns a lane that nobody else has until release. The error is one of the above, or ctx's.
func (p *pool) acquire(ctx context.Context) (*lane, error) {
	p.mu.Lock()
	if l := p.free(); l != nil {
		p.take(l)
		p.mu.Unlock()
		return l, nil
	}
	if err := p.refusal(); err != nil {
		p.mu.Unlock()
		return nil, err
	}
	w := &waiter{got: make(chan struct{})}
	place := p.waiters.PushBack(w)
	p.mu.Unlock()
	return p.wait(ctx, w, place)
}

// release gives a lane back whose stream is closed.
func (p *pool) release(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := l.worker
	l.busy = false
	if l.abandoned {
		l.abandoned = false
		w.abandoned--
	}
	p.busy--
	w.busy--
	if w.buried {
		l.close()
	}
	w.settleDrain()
	p.serveWaiters()
}

// abandon says that the request on a lane was answered without the worker, which still has to close the stream.
func (p *pool) abandon(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.abandoned = true
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
		if !l.busy {
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
	return p.busy, p.waiters.Len()
}

func (p *pool) wait(ctx context.Context, w *waiter, place *list.Element) (*lane, error) {
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
		return p.leave(w, place, errQueueTimeout)
	case <-ctx.Done():
		return p.leave(w, place, ctx.Err())
	}
}

// leave takes a waiter out of the queue, unless it just got its lane.
func (p *pool) leave(w *waiter, place *list.Element, err error) (*lane, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.got:
		return w.lane, w.err
	default:
		p.waiters.Remove(place)
		return nil, err
	}
}

// refusal is why a request may not even wait; p.mu is held, as in all that follows.
func (p *pool) refusal() error {
	switch {
	case p.closed:
		return errClosed
	case p.hopes == 0:
		return errNoWorkers
	case p.waiters.Len() >= p.queue.Max:
		return errQueueFull
	}
	return nil
}

func (p *pool) serveWaiters() {
	for p.waiters.Len() > 0 {
		l := p.free()
		if l == nil {
			return
		}
		p.take(l)
		w := p.waiters.Remove(p.waiters.Front()).(*waiter)
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
}

func (p *pool) take(l *lane) {
	l.busy = true
	p.busy++
	l.worker.busy++
}

// free is the lane to take next; nil when all are busy.
func (p *pool) free() *lane {
	var least *worker
	busy := math.MaxInt
	for _, w := range p.workers {
		if w.busy < busy && w.busy < len(w.lanes) {
			least, busy = w, w.busy
		}
	}
	if least == nil {
		return nil
	}
	for _, l := range least.lanes {
		if !l.busy {
			return l
		}
	}
	return nil
}
