package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/modgw"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func acquire(t *testing.T, q *Queue) *Member {
	t.Helper()
	m, err := q.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLeastBusyMemberIsNext(t *testing.T) {
	q := New(modgw.Queue{})
	a, b := &Member{Places: 2, Value: "a"}, &Member{Places: 1, Value: "b"}
	q.Add(a)
	q.Add(b)
	for i, want := range []any{"a", "b", "a"} {
		if got := acquire(t, q).Value; got != want {
			t.Errorf("request %d went to %v", i, got)
		}
	}
	q.Release(b)
	if got := acquire(t, q); got != b {
		t.Errorf("got %v", got.Value)
	}
	if busy, capacity, queued := q.Counts(); busy != 3 || capacity != 3 || queued != 0 {
		t.Errorf("%d busy of %d, %d queued", busy, capacity, queued)
	}
}

func TestThoseWhoWaitAreServedInOrder(t *testing.T) {
	q := New(modgw.Queue{Max: 2})
	q.Expect(1)
	m := &Member{Places: 1}
	q.Add(m)
	acquire(t, q)
	order := make(chan int, 2)
	for i := range 2 {
		go func() {
			if _, err := q.Acquire(context.Background()); err == nil {
				order <- i
			}
		}()
		for {
			if _, _, queued := q.Counts(); queued == i+1 {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	if _, err := q.Acquire(t.Context()); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	for i := range 2 {
		q.Release(m)
		if got := <-order; got != i {
			t.Errorf("%d came before %d", got, i)
		}
	}
}

func TestWhyThereIsNoPlace(t *testing.T) {
	q := New(modgw.Queue{Max: 1, Timeout: time.Millisecond})
	if _, err := q.Acquire(t.Context()); !errors.Is(err, ErrNobody) {
		t.Error(err)
	}
	q.Expect(1)
	if _, err := q.Acquire(t.Context()); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Acquire(gone); err == nil {
		t.Error("a place for one who has gone")
	}
	q.Add(&Member{Places: 1})
	q.Close()
	if _, err := q.Acquire(t.Context()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestRemovedMemberDrains(t *testing.T) {
	q := New(modgw.Queue{})
	m := &Member{Places: 2}
	q.Add(m)
	acquire(t, q)
	drained := q.Remove(m)
	select {
	case <-drained:
		t.Error("drained while a request is there")
	default:
	}
	q.Release(m)
	<-drained
	if q.Remove(m) != drained {
		t.Error("another channel for the same member")
	}
}
