package queue

import (
	"context"
	"errors"
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestBriefQueueWaitsForMembersAndNotForRoom(t *testing.T) {
	q := NewBrief(modgw.Queue{Max: 10})
	q.Expect(1)
	got := make(chan *Member, 1)
	go func() {
		m, err := q.Acquire(t.Context())
		if err != nil {
			t.Error(err)
		}
		got <- m
	}()
	for _, _, queued := q.Counts(); queued == 0; _, _, queued = q.Counts() {
	}
	only := &Member{Places: 1}
	q.Add(only)
	if m := <-got; m != only {
		t.Errorf("got %v", m)
	}
	if _, err := q.Acquire(context.Background()); !errors.Is(err, ErrFull) {
		t.Errorf("a full member: %v", err)
	}
	q.Release(only)
	if m, err := q.Acquire(context.Background()); m != only || err != nil {
		t.Errorf("got %v, %v", m, err)
	}
}
