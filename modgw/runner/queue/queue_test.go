package queue

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/modgw"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// story runs a test on virtual time, so that waiting for ever is an error at once.
func story(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// request is a request that asks for a place on its own goroutine.
type request struct {
	got    chan struct{} // closes when member and err are set
	member *Member
	err    error
	cancel context.CancelFunc
}

// ask makes a request that waits for an hour at most, and returns when it has a place or waits.
func ask(t *testing.T, q *Queue) *request {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	r := &request{got: make(chan struct{}), cancel: cancel}
	go func() {
		defer cancel()
		r.member, r.err = q.Acquire(ctx)
		close(r.got)
	}()
	synctest.Wait()
	return r
}

// waits reports whether the request has no place and no error yet.
func (r *request) waits() bool {
	synctest.Wait()
	select {
	case <-r.got:
		return false
	default:
		return true
	}
}

// wantMember waits for the place, which must be of m.
func (r *request) wantMember(t *testing.T, m *Member) {
	t.Helper()
	if <-r.got; r.err != nil || r.member != m {
		t.Fatalf("got %v, %v", r.member, r.err)
	}
}

// wantError waits for the error.
func (r *request) wantError(t *testing.T, want error) {
	t.Helper()
	if <-r.got; !errors.Is(r.err, want) {
		t.Fatalf("got %v, %v; want %v", r.member, r.err, want)
	}
}

func wantCounts(t *testing.T, q *Queue, busy, capacity, queued int) {
	t.Helper()
	if b, c, w := q.Counts(); b != busy || c != capacity || w != queued {
		t.Errorf("%d busy of %d, %d wait; want %d of %d, %d", b, c, w, busy, capacity, queued)
	}
}

// open creates a queue with members that have the given numbers of places.
func open(limits modgw.Queue, places ...int) (*Queue, []*Member) {
	q := New(limits)
	q.Expect(1)
	var members []*Member
	for _, n := range places {
		m := &Member{Places: n}
		q.Add(m)
		members = append(members, m)
	}
	return q, members
}

func TestLeastBusyMemberIsNext(t *testing.T) {
	story(t, func(t *testing.T) {
		q, m := open(modgw.Queue{Max: 1}, 2, 1)
		for _, next := range []int{0, 1, 0} {
			ask(t, q).wantMember(t, m[next])
		}
		wantCounts(t, q, 3, 3, 0)
		q.Release(m[1])
		ask(t, q).wantMember(t, m[1])
	})
}

func TestThoseWhoWaitAreServedInOrder(t *testing.T) {
	story(t, func(t *testing.T) {
		q, m := open(modgw.Queue{Max: 2}, 1)
		ask(t, q).wantMember(t, m[0])
		first, second := ask(t, q), ask(t, q)
		wantCounts(t, q, 1, 1, 2)
		ask(t, q).wantError(t, ErrFull)
		for _, next := range []*request{first, second} {
			if !next.waits() {
				t.Fatal("it got a place that was not free, or out of turn")
			}
			q.Release(m[0])
			next.wantMember(t, m[0])
		}
		wantCounts(t, q, 1, 1, 0)
	})
}

func TestThoseWhoWaitAreServedByWhoeverComes(t *testing.T) {
	story(t, func(t *testing.T) {
		q, _ := open(modgw.Queue{Max: 1})
		r := ask(t, q)
		if !r.waits() {
			t.Fatalf("got %v, %v", r.member, r.err)
		}
		m := &Member{Places: 1}
		q.Add(m)
		r.wantMember(t, m)
	})
}

func TestNothingWaitsWhereNoMemberIsExpected(t *testing.T) {
	story(t, func(t *testing.T) {
		q := New(modgw.Queue{Max: 2})
		ask(t, q).wantError(t, ErrNobody)
		q.Expect(2)
		r := ask(t, q)
		q.Expect(-1)
		if !r.waits() {
			t.Fatal("a member is still expected")
		}
		q.Expect(-1)
		r.wantError(t, ErrNobody)
		wantCounts(t, q, 0, 0, 0)
	})
}

func TestWaitingEndsInTimeAndLeavesTheQueue(t *testing.T) {
	story(t, func(t *testing.T) {
		q, m := open(modgw.Queue{Max: 2, Timeout: time.Minute}, 1)
		ask(t, q).wantMember(t, m[0])
		begin := time.Now()
		late, gone := ask(t, q), ask(t, q)
		gone.cancel()
		gone.wantError(t, context.Canceled)
		wantCounts(t, q, 1, 1, 1)
		late.wantError(t, ErrTimeout)
		if waited := time.Since(begin); waited != time.Minute {
			t.Errorf("it waited for %s", waited)
		}
		wantCounts(t, q, 1, 1, 0)
		q.Release(m[0])
		ask(t, q).wantMember(t, m[0]) // and not one who has left
	})
}

// TestPlaceThatComesWithTheEndOfWaitingIsNotLost has a request that gets its place in the moment
// in which its time is over.
func TestPlaceThatComesWithTheEndOfWaitingIsNotLost(t *testing.T) {
	story(t, func(t *testing.T) {
		q, m := open(modgw.Queue{Max: 1}, 1)
		w := &waiter{got: make(chan struct{})}
		place := q.waiters.PushBack(w)
		q.mu.Lock()
		q.serve()
		q.mu.Unlock()
		if got, err := q.leave(w, place, ErrTimeout); got != m[0] || err != nil {
			t.Fatalf("got %v, %v", got, err)
		}
		wantCounts(t, q, 1, 1, 0)
	})
}

func TestClosedQueueRefusesAll(t *testing.T) {
	story(t, func(t *testing.T) {
		q, m := open(modgw.Queue{Max: 1}, 1)
		ask(t, q).wantMember(t, m[0])
		r := ask(t, q)
		q.Close()
		r.wantError(t, ErrClosed)
		q.Release(m[0])
		ask(t, q).wantError(t, ErrClosed)
	})
}

func TestRemovedMemberDrains(t *testing.T) {
	story(t, func(t *testing.T) {
		q, m := open(modgw.Queue{Max: 1}, 2)
		ask(t, q).wantMember(t, m[0])
		drained := q.Remove(m[0])
		r := ask(t, q)
		if !r.waits() {
			t.Errorf("a request came to a member that was removed: %v, %v", r.member, r.err)
		}
		select {
		case <-drained:
			t.Error("drained while a request is there")
		default:
		}
		q.Release(m[0])
		synctest.Wait()
		select {
		case <-drained:
		default:
			t.Fatal("it has not drained")
		}
		if q.Remove(m[0]) != drained {
			t.Error("another channel for the same member")
		}
		r.cancel()
	})
}

func TestIdleMemberHasDrainedWhenItIsRemoved(t *testing.T) {
	story(t, func(t *testing.T) {
		q, m := open(modgw.Queue{Max: 1}, 1, 1)
		select {
		case <-q.Remove(m[0]):
		default:
			t.Error("it waits for requests that it does not have")
		}
		ask(t, q).wantMember(t, m[1])
		wantCounts(t, q, 1, 1, 0)
	})
}

func TestPausedMemberGetsNothing(t *testing.T) {
	story(t, func(t *testing.T) {
		q, m := open(modgw.Queue{Max: 1}, 2)
		ask(t, q).wantMember(t, m[0])
		q.Pause(m[0])
		r := ask(t, q)
		q.Release(m[0])
		if !r.waits() {
			t.Fatalf("got %v, %v", r.member, r.err)
		}
		q.Resume(m[0])
		r.wantMember(t, m[0])
	})
}
