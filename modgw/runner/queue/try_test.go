package queue

import (
	"testing"

	"github.com/modgw/modgw/modgw"
)

// TestTryingNeitherWaitsNorOvertakes has the only place of a member free, taken, waited for and
// gone.
func TestTryingNeitherWaitsNorOvertakes(t *testing.T) {
	story(t, func(t *testing.T) {
		q := New(modgw.Queue{Max: 10})
		m := &Member{Places: 1}
		if q.TryAcquire() != nil {
			t.Error("a place in an empty queue")
		}
		q.Expect(1)
		q.Add(m)
		if q.TryAcquire() != m {
			t.Fatal("no place, though one is free")
		}
		if q.TryAcquire() != nil {
			t.Error("a place that another request has")
		}
		waiting := ask(t, q)
		if q.TryAcquire() != nil {
			t.Error("a place before a request that waits")
		}
		q.Release(m)
		waiting.wantMember(t, m)
		q.Release(m)
		q.Pause(m)
		if q.TryAcquire() != nil {
			t.Error("a place of a member that is paused")
		}
		q.Resume(m)
		q.Close()
		if q.TryAcquire() != nil {
			t.Error("a place of a queue that is closed")
		}
	})
}
