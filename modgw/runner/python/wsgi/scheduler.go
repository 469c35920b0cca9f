package wsgi

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/queue"
)

// scheduler gives requests to threads: to the first one, of the least busy worker, that is idle or
// has room for more requests because it answers them fast. So a fast app stays on one thread. A
// thread that computes gets all requests that may share it, and no other thread begins, until it is
// found to be busy for long with one request. Other requests wait in order. A request that waits on
// a connection behind a slow one is requeued, and waits here again.
type scheduler struct {
	queue    modgw.Queue
	parallel bool   // threads run at the same time: a free one is better than a fast one
	crowded  func() // as [modgw.RunnerConfig.Crowded]; nil: it is not called

	mu       sync.Mutex
	workers  []*Worker // those that are ready
	waiters  list.List // *waiter values, by number
	number   uint64    // number of the latest request
	expected int       // workers that are ready or will be soon; 0: no request waits
	closed   bool      // all requests are refused
	busy     int       // connections that have requests
	behind   int       // requests that wait behind another one on a connection
	moving   int       // requests that are requeued: no longer there, and not yet among the waiters

	waiting atomic.Bool // there are waiters; set with mu held
}

// ticket has the facts about a request that the scheduler needs.
type ticket struct {
	alone    bool   // it shares its connection with no other
	requeued bool   // a worker has given it back without having begun it
	moving   bool   // it is being requeued, and its place in the queue is kept
	number   uint64 // counts requests in the order in which they came; 0: not counted yet
}

// waiter is a request that waits for a thread, or may have to.
type waiter struct {
	ticket *ticket
	place  *list.Element // among the waiters; nil: it does not wait
	conn   *Conn         // the connection that it got
	err    error         // why it gets none
	wake   func()        // called with mu held when conn or err is set; nil: it cannot wait
}

// acquire returns a connection for a request until release. The error is one of the queue's, or
// ctx's.
func (s *scheduler) acquire(ctx context.Context, t *ticket) (*Conn, error) {
	got := make(chan struct{})
	w := &waiter{ticket: t, wake: func() { close(got) }}
	if s.begin(w) {
		s.wait(ctx, w, got)
	}
	return w.conn, w.err
}

// begin gives a request a connection, or the reason why it gets none; neither if it would have to
// wait and cannot. It reports whether the request waits, until wake is called.
func (s *scheduler) begin(w *waiter) (waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := w.ticket
	isNew := t.number == 0
	if isNew {
		s.number++
		t.number = s.number
	}
	s.setMoving(t, false)
	first := s.waiters.Front()
	if first == nil || t.number < first.Value.(*waiter).ticket.number {
		if w.conn = s.free(t); w.conn != nil {
			s.take(w.conn, t)
			return false
		}
	}
	if w.err = s.refusal(isNew); w.err != nil || w.wake == nil {
		return false
	}
	s.enqueue(w)
	s.watchComputing()
	return true
}

// keepPlace keeps the place in the queue of a request that is about to leave a connection on which
// it was not begun, until it begins again or loses its place.
func (s *scheduler) keepPlace(t *ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.requeued = true
	s.setMoving(t, true)
}

// losePlace gives up the place of a request that is not served again.
func (s *scheduler) losePlace(t *ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setMoving(t, false)
}

// release gives a request's part of a connection back.
func (s *scheduler) release(c *Conn, abandoned bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := c.worker
	if abandoned {
		w.abandoned--
	}
	if c.load--; c.load > 0 {
		s.behind--
		w.waiting.Add(-1)
	} else {
		s.busy--
		c.alone = false
	}
	w.busy--
	if w.ended && c.load == 0 {
		c.close()
	}
	w.checkDrained()
	s.serveWaiters()
}

// abandon reports that the request on a connection was answered without the worker, which still has
// to close the stream. Until then the connection gets no other request: its thread may hang, and a
// request behind a Cancel frame that it has not read cannot be requeued.
func (s *scheduler) abandon(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.alone = true
	c.worker.abandoned++
	c.worker.checkDrained()
}

// cleanUp notes the end of a worker and returns its idle connections. A busy one may still have
// bytes to read; it is closed when it is released.
func (s *scheduler) cleanUp(w *Worker) (idle []*Conn) {
	s.remove(w)
	s.mu.Lock()
	defer s.mu.Unlock()
	w.ended = true
	for _, c := range w.Conns {
		if c.load == 0 {
			idle = append(idle, c)
		}
	}
	return idle
}

// drained returns a channel that closes when no request of a worker is left that waits for its
// answer. The worker must have been removed.
func (s *scheduler) drained(w *Worker) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	drained := make(chan struct{})
	w.drained = drained
	w.checkDrained()
	return drained
}

// add lets requests come to a worker.
func (s *scheduler) add(w *Worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers = append(s.workers, w)
	s.serveWaiters()
}

// remove stops new requests to a worker; its current ones are released later.
func (s *scheduler) remove(w *Worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers = slices.DeleteFunc(s.workers, func(other *Worker) bool { return other == w })
}

// pause stops new requests to a worker that is being told to end one, until resume. Its interpreter
// may be stuck, and then they would not be answered either.
func (s *scheduler) pause(w *Worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.silent = true
}

// resume lets requests come again to a worker that has answered.
func (s *scheduler) resume(w *Worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.silent {
		w.silent = false
		s.serveWaiters()
	}
}

// setAway notes whether the thread of a connection is busy for another host.
func (s *scheduler) setAway(c *Conn, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.away = away
}

// serve serves the waiters after something has changed that the scheduler does not know of.
func (s *scheduler) serve() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serveWaiters()
}

// expect counts the workers that are ready or will be soon up or down.
func (s *scheduler) expect(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected += n
	if s.expected == 0 {
		s.dismiss(queue.ErrNobody)
	}
}

// close refuses all requests from now on.
func (s *scheduler) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.dismiss(queue.ErrClosed)
}

// counts returns the number of requests that are executed and the number that wait.
func (s *scheduler) counts() (busy, queued int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy, s.queued()
}

// wait waits until a waiter has its connection, or may not wait any longer.
func (s *scheduler) wait(ctx context.Context, w *waiter, got <-chan struct{}) {
	var late <-chan time.Time
	if s.queue.Timeout > 0 {
		timer := time.NewTimer(s.queue.Timeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-got:
	case <-late:
		s.leave(w, queue.ErrTimeout)
	case <-ctx.Done():
		s.leave(w, ctx.Err())
	}
}

// leave takes a waiter out of the queue because of err. It reports false when wake was called
// before.
func (s *scheduler) leave(w *waiter, err error) (left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.place == nil {
		return false
	}
	s.waiters.Remove(w.place)
	w.place, w.err = nil, err
	s.waiting.Store(s.waiters.Len() > 0)
	s.serveWaiters() // those behind it may have been waiting for it alone
	return true
}

// refusal explains why a request may not even wait. One that was admitted before is not refused
// because the queue has become full. s.mu is held, as in all functions below.
func (s *scheduler) refusal(isNew bool) error {
	switch {
	case s.closed:
		return queue.ErrClosed
	case s.expected == 0:
		return queue.ErrNobody
	case isNew && s.queued() >= s.queue.Max:
		return queue.ErrFull
	}
	return nil
}

// queued returns the number of requests that wait, here, behind another one, or on their way from
// there.
func (s *scheduler) queued() int { return s.waiters.Len() + s.behind + s.moving }

func (s *scheduler) setMoving(t *ticket, moving bool) {
	if t.moving == moving {
		return
	}
	t.moving = moving
	if moving {
		s.moving++
	} else {
		s.moving--
	}
}

// enqueue puts a waiter behind those that came before it.
func (s *scheduler) enqueue(w *waiter) {
	s.waiting.Store(true)
	if s.crowded != nil {
		s.crowded()
	}
	for e := s.waiters.Back(); e != nil; e = e.Prev() {
		if e.Value.(*waiter).ticket.number < w.ticket.number {
			w.place = s.waiters.InsertAfter(w, e)
			return
		}
	}
	w.place = s.waiters.PushFront(w)
}

// watchComputing watches the connections whose threads a new waiter may be waiting for.
func (s *scheduler) watchComputing() {
	for _, w := range s.workers {
		for _, c := range w.Conns {
			if c.isComputing() {
				c.watchAwaited()
			}
		}
	}
}

func (s *scheduler) serveWaiters() {
	defer func() { s.waiting.Store(s.waiters.Len() > 0) }()
	for s.waiters.Len() > 0 {
		first := s.waiters.Front()
		w := first.Value.(*waiter)
		c := s.free(w.ticket)
		if c == nil {
			return
		}
		s.waiters.Remove(first)
		s.take(c, w.ticket)
		w.place, w.conn = nil, c
		w.wake()
	}
}

func (s *scheduler) dismiss(err error) {
	for s.waiters.Len() > 0 {
		w := s.waiters.Remove(s.waiters.Front()).(*waiter)
		w.place, w.err = nil, err
		w.wake()
	}
	s.waiting.Store(false)
}

func (s *scheduler) take(c *Conn, t *ticket) {
	if c.load++; c.load > 1 {
		s.behind++
		if c.worker.waiting.Add(1) == 1 {
			c.worker.watchBusy()
			if s.crowded != nil {
				s.crowded()
			}
		}
	} else {
		s.busy++
		c.alone = t.alone
	}
	c.worker.busy++
	c.worker.Began()
}

// watchBusy watches the connections whose threads may keep the interpreter from the thread that
// requests begin to wait for.
func (w *Worker) watchBusy() {
	for _, c := range w.Conns {
		if c.load == 1 {
			c.watchAwaited()
		}
	}
}
