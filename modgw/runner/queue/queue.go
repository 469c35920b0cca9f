package queue

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Why a request gets no place.
var (
	ErrFull    = errors.New("the queue is full")
	ErrTimeout = errors.New("no worker became free in time")
	ErrNobody  = errors.New("all workers have failed and wait to be started again")
	ErrClosed  = errors.New("the app is being stopped")
)

// Queue hands out the places of its members. Make it with [New].
type Queue struct {
	limits  modgw.Queue
	brief   bool   // no request waits until members have room
	crowded func() // as [modgw.RunnerConfig.Crowded]; nil: it is not called

	mu      sync.Mutex
	members []*Member
	waiters list.List // has *waiter values
	hopes   int       // members that are there or will be soon; without any, no request waits
	closed  bool
	busy    int
}

// Member has places for requests. Its owner adds it to a queue and sets no field afterwards.
type Member struct {
	Places int // requests at once
	Value  any // for the owner's use

	busy   int
	paused bool          // it gets no more requests for now
	drain  chan struct{} // closes when busy is 0; nil while no one waits for that
}

// waiter is a request that waits for a place.
type waiter struct {
	got    chan struct{} // closes when member or err is set
	member *Member
	err    error
}

// crowd is from how many requests of a member on it is crowded.
const crowd = 4

// New makes a queue without members.
func New(limits modgw.Queue) *Queue { return &Queue{limits: limits} }

// NewBrief returns a queue for requests that occupy their place for long: they wait until there are
// members, as at a start, but not until busy members have room.
func NewBrief(limits modgw.Queue) *Queue { return &Queue{limits: limits, brief: true} }

// OnCrowd sets the function for [modgw.RunnerConfig.Crowded]. Call it before the first request.
func (q *Queue) OnCrowd(crowded func()) *Queue {
	q.crowded = crowded
	return q
}

// Acquire returns a member with a place that is the caller's until Release. The error is one of the
// above, or ctx's.
func (q *Queue) Acquire(ctx context.Context) (*Member, error) {
	q.mu.Lock()
	if m := q.free(); m != nil {
		q.take(m)
		q.mu.Unlock()
		return m, nil
	}
	if err := q.refusal(); err != nil {
		q.mu.Unlock()
		return nil, err
	}
	w := &waiter{got: make(chan struct{})}
	place := q.waiters.PushBack(w)
	if q.crowded != nil {
		q.crowded()
	}
	q.mu.Unlock()
	return q.wait(ctx, w, place)
}

// TryAcquire is Acquire that returns nil where that would wait or fail.
func (q *Queue) TryAcquire() *Member {
	q.mu.Lock()
	defer q.mu.Unlock()
	m := q.free() // nil while requests wait: they get any free place
	if m != nil {
		q.take(m)
	}
	return m
}

// Release gives a place back.
func (q *Queue) Release(m *Member) {
	q.mu.Lock()
	defer q.mu.Unlock()
	m.busy--
	q.busy--
	m.settle()
	q.serve()
}

// Add lets requests come to a member.
func (q *Queue) Add(m *Member) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.members = append(q.members, m)
	q.serve()
}

// Remove lets no more requests come to a member, which need not be there any more. The channel
// closes when none is left.
func (q *Queue) Remove(m *Member) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.members {
		if q.members[i] == m {
			q.members = append(q.members[:i:i], q.members[i+1:]...)
			break
		}
	}
	if m.drain == nil {
		m.drain = make(chan struct{})
		m.settle()
	}
	return m.drain
}

// Pause stops new requests to a member until Resume. They wait for it, or for another one, as if it
// were busy.
func (q *Queue) Pause(m *Member) {
	q.mu.Lock()
	defer q.mu.Unlock()
	m.paused = true
}

// Resume ends a Pause.
func (q *Queue) Resume(m *Member) {
	q.mu.Lock()
	defer q.mu.Unlock()
	m.paused = false
	q.serve()
}

// Expect counts the members that are worth waiting for up or down.
func (q *Queue) Expect(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.hopes += n
	if q.hopes == 0 {
		q.dismiss(ErrNobody)
	}
}

// Close refuses all requests from now on.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.dismiss(ErrClosed)
}

// Counts returns the number of requests that have a place, the number of places, and the number of
// requests that wait.
func (q *Queue) Counts() (busy, capacity, queued int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.members {
		capacity += m.Places
	}
	return q.busy, capacity, q.waiters.Len()
}

func (q *Queue) wait(ctx context.Context, w *waiter, place *list.Element) (*Member, error) {
	var late <-chan time.Time
	if q.limits.Timeout > 0 {
		timer := time.NewTimer(q.limits.Timeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-w.got:
		return w.member, w.err
	case <-late:
		return q.leave(w, place, ErrTimeout)
	case <-ctx.Done():
		return q.leave(w, place, ctx.Err())
	}
}

// leave takes a waiter out of the queue, unless it just got its place.
func (q *Queue) leave(w *waiter, place *list.Element, err error) (*Member, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-w.got:
		return w.member, w.err
	default:
		q.waiters.Remove(place)
		return nil, err
	}
}

// refusal is why a request may not even wait; q.mu is held, as in all that follows.
func (q *Queue) refusal() error {
	switch {
	case q.closed:
		return ErrClosed
	case q.hopes == 0:
		return ErrNobody
	case q.waiters.Len() >= q.limits.Max, q.brief && q.isFull():
		return ErrFull
	}
	return nil
}

// isFull reports whether every member has as many requests as it may; false without members.
func (q *Queue) isFull() bool {
	for _, m := range q.members {
		if m.busy < m.Places {
			return false
		}
	}
	return len(q.members) > 0
}

func (q *Queue) serve() {
	for q.waiters.Len() > 0 {
		m := q.free()
		if m == nil {
			return
		}
		q.take(m)
		w := q.waiters.Remove(q.waiters.Front()).(*waiter)
		w.member = m
		close(w.got)
	}
}

func (q *Queue) dismiss(err error) {
	for q.waiters.Len() > 0 {
		w := q.waiters.Remove(q.waiters.Front()).(*waiter)
		w.err = err
		close(w.got)
	}
}

func (q *Queue) take(m *Member) {
	m.busy++
	q.busy++
	if m.busy >= crowd && q.crowded != nil {
		q.crowded()
	}
}

// free is the member to go to next, which is the least busy one; nil when all are busy or paused,
// or the queue is closed.
func (q *Queue) free() (least *Member) {
	if q.closed {
		return nil
	}
	for _, m := range q.members {
		if !m.paused && m.busy < m.Places && (least == nil || m.busy < least.busy) {
			least = m
		}
	}
	return least
}

func (m *Member) settle() {
	if m.drain == nil || m.busy > 0 {
		return
	}
	select {
	case <-m.drain:
	default:
		close(m.drain)
	}
}
