package modgw

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// noteRequest notes a request that took so long.
func noteRequest(k *requestRecords, id string, took time.Duration, status int) {
	r := httptest.NewRequest("GET", "/", nil)
	info := &RequestInfo{ID: id, Path: "/a b", Received: time.Now().Add(-took)}
	k.note(r, info, &Outcome{Status: status, Took: took}, false)
}

func idsOf(records []RequestRecord) (ids []string) {
	for _, r := range records {
		ids = append(ids, r.Request)
	}
	return ids
}

func TestSlowestRequestsOfTheLastMinutesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour) // the process's clock started long before the test's
		var k requestRecords
		for i := range 100 {
			noteRequest(&k, fmt.Sprint(i), time.Duration(50+(i*37)%100)*time.Millisecond, 200)
		}
		slow := k.list().Slow
		if len(slow) != keptRecords || slow[0].Took != 0.149 || slow[keptRecords-1].Took < 0.117 || slow[0].Path != "/a%20b" {
			t.Errorf("%d, from %v to %v", len(slow), slow[0], slow[len(slow)-1])
		}
		if !slices.IsSortedFunc(slow, func(a, b RequestRecord) int { return int(1e6 * (b.Took - a.Took)) }) {
			t.Error("they are not in order")
		}
		noteRequest(&k, "fast", 2*time.Millisecond, 200)
		noteRequest(&k, "at once", 0, 200)
		if ids := idsOf(k.list().Slow); slices.Contains(ids, "fast") {
			t.Error("a fast one is kept beside slow ones")
		}
		time.Sleep(slowAge + time.Minute)
		if n := len(k.list().Slow); n > 0 {
			t.Errorf("%d are shown that are too old", n)
		}
		noteRequest(&k, "later", 2*time.Millisecond, 200)
		if ids := idsOf(k.list().Slow); !slices.Equal(ids, []string{"later"}) {
			t.Errorf("kept later: %v", ids)
		}
	})
}

func TestLastFailedRequestsAreKept(t *testing.T) {
	var k requestRecords
	for i := range 3 * keptRecords / 2 {
		noteRequest(&k, fmt.Sprint(i), 0, 500+i%4)
		noteRequest(&k, "fine", 0, 404)
	}
	failed := k.list().Failed
	if len(failed) != keptRecords || failed[0].Request != fmt.Sprint(3*keptRecords/2-1) || failed[keptRecords-1].Request != fmt.Sprint(keptRecords/2) {
		t.Errorf("%v", idsOf(failed))
	}
	info := &RequestInfo{ID: "cut", Path: "/", Received: time.Now()}
	k.note(httptest.NewRequest("GET", "/", nil), info, &Outcome{Status: 200, Broken: true, Took: time.Minute}, true)
	if l := k.list(); l.Failed[0].Request != "cut" || len(l.Slow) > 0 {
		t.Errorf("%+v", l)
	}
}

func TestOrdinaryRequestIsNotedWithoutMemory(t *testing.T) {
	var k requestRecords
	for range keptRecords {
		noteRequest(&k, "slow", time.Second, 200)
	}
	r, info := httptest.NewRequest("GET", "/", nil), &RequestInfo{Received: time.Now()}
	o := &Outcome{Status: 200, Took: 5 * time.Millisecond}
	if n := testing.AllocsPerRun(100, func() { k.note(r, info, o, false) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
