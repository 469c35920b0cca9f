package queue

import (
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestBriefQueueWaitsForMembersAndNotForRoom(t *testing.T) {
	story(t, func(t *testing.T) {
		q := NewBrief(modgw.Queue{Max: 1})
		q.Expect(1)
		r := ask(t, q)
		if !r.waits() {
			t.Fatalf("no member is there yet: %v, %v", r.member, r.err)
		}
		m := &Member{Places: 2}
		q.Add(m)
		r.wantMember(t, m)
		ask(t, q).wantMember(t, m)
		ask(t, q).wantError(t, ErrFull)
		q.Release(m)
		q.Pause(m)
		r = ask(t, q) // there is room, but none may be used now
		q.Resume(m)
		r.wantMember(t, m)
	})
}
