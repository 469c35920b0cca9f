package modgw

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
)

const (
	// keptRecords is the number of slow and of failed requests of an app that are kept.
	keptRecords = 32

	// slowAge is how long a slow request is kept at least; slower ones replace it.
	slowAge = 10 * time.Minute

	// neverSlow is the duration up to which a request is never slow, regardless of the others.
	neverSlow = time.Millisecond

	// longestPath is the number of bytes of a path that are kept.
	longestPath = 512
)

// RequestRecord is a request that has ended, with its timeline.
type RequestRecord struct {
	SuspectRequest
	Time       time.Time `json:"time"`       // when its head was complete
	Status     int       `json:"status"`     // status of the response; 0: there was none
	Cause      string    `json:"cause"`      // see [Outcome]; "": the app has answered
	Broken     bool      `json:"broken"`     // the response was broken off
	Generation int       `json:"generation"` // number of the generation that had it; 0: none
	Worker     int       `json:"worker"`     // number of the worker; 0: none, or it is unknown
	Tries      int       `json:"tries"`      // how many workers got it
	Received   int64     `json:"received"`   // bytes of its body that were read
	Sent       int64     `json:"sent"`       // bytes of the body of the response

	// The durations are those of Outcome, in seconds.
	Front     float64 `json:"front"`
	Queued    float64 `json:"queued"`
	FirstByte float64 `json:"firstByte"`
	LastByte  float64 `json:"lastByte"`
	Took      float64 `json:"took"`
}

// RequestRecords are the requests of an app that are worth a look.
type RequestRecords struct {
	Slow   []RequestRecord `json:"slow"`   // the slowest of the last minutes, slowest first
	Failed []RequestRecord `json:"failed"` // the last that failed, newest first
}

// requestRecords keeps the slowest requests of an app and the last that failed. Its zero value has
// none. It costs a request that is neither two loads at most.
type requestRecords struct {
	slower  atomic.Int64 // nanoseconds that a request must have taken to be kept
	renewal atomic.Int64 // when slower is to be found again, as monotonic.Now has it; 0: at once

	mu     sync.Mutex
	slow   []RequestRecord
	failed []RequestRecord // oldest first, from the index oldest on
	oldest int
}

// note keeps a request that was slow or failed. The response of an endless one may last for ever,
// so that it is not slow.
func (k *requestRecords) note(r *http.Request, info *RequestInfo, o *Outcome, endless bool) {
	failed := o.Status >= http.StatusInternalServerError || o.Broken || o.Cause != ""
	slow := !endless && o.Took > neverSlow && (int64(o.Took) > k.slower.Load() ||
		int64(monotonic.Of(info.Received)+o.Took) > k.renewal.Load())
	if !failed && !slow {
		return
	}
	record := newRequestRecord(r, info, o)
	k.mu.Lock()
	defer k.mu.Unlock()
	if failed {
		k.addFailed(record)
	}
	if slow {
		k.addSlow(record)
	}
}

// newRequestRecord shares no memory with the request, whose front may use it for the next one.
func newRequestRecord(r *http.Request, info *RequestInfo, o *Outcome) RequestRecord {
	return RequestRecord{
		SuspectRequest: *newSuspect(r, info),
		Time:           info.Received, Status: o.Status, Cause: o.Cause, Broken: o.Broken, Generation: o.Generation,
		Worker: o.Worker, Tries: o.Tries, Received: o.Received, Sent: o.Bytes,
		Front: o.Front.Seconds(), Queued: o.Queued.Seconds(), FirstByte: o.FirstByte.Seconds(),
		LastByte: o.LastByte.Seconds(), Took: o.Took.Seconds(),
	}
}

// newSuspect names a request, and shares no memory with it either.
func newSuspect(r *http.Request, info *RequestInfo) *SuspectRequest {
	path := info.Path
	if len(path) > longestPath {
		path = path[:longestPath] + "…"
	}
	return &SuspectRequest{
		Request: strings.Clone(info.ID), Method: strings.Clone(r.Method), Path: strings.Clone((&url.URL{Path: path}).EscapedPath()),
	}
}

func (k *requestRecords) addFailed(record RequestRecord) {
	if len(k.failed) < keptRecords {
		k.failed = append(k.failed, record)
		return
	}
	k.failed[k.oldest] = record
	k.oldest = (k.oldest + 1) % keptRecords
}

// addSlow stores a request in place of the fastest one, or of one that is too old.
func (k *requestRecords) addSlow(record RequestRecord) {
	now := time.Now()
	k.slow = slices.DeleteFunc(k.slow, func(s RequestRecord) bool { return now.Sub(s.Time) > slowAge })
	at, _ := slices.BinarySearchFunc(k.slow, record, func(a, b RequestRecord) int {
		if a.Took >= b.Took {
			return -1
		}
		return 1
	})
	if at < keptRecords {
		k.slow = slices.Insert(k.slow[:min(len(k.slow), keptRecords-1)], at, record)
	}
	if len(k.slow) < keptRecords {
		k.slower.Store(0)
	} else {
		k.slower.Store(int64(k.slow[keptRecords-1].Took * float64(time.Second)))
	}
	first := now
	for _, s := range k.slow {
		if s.Time.Before(first) {
			first = s.Time
		}
	}
	k.renewal.Store(int64(monotonic.Of(first.Add(slowAge))))
}

// list returns a copy of the records.
func (k *requestRecords) list() RequestRecords {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	l := RequestRecords{Slow: []RequestRecord{}, Failed: slices.Concat(k.failed[k.oldest:], k.failed[:k.oldest])}
	for _, s := range k.slow {
		if now.Sub(s.Time) <= slowAge {
			l.Slow = append(l.Slow, s)
		}
	}
	slices.Reverse(l.Failed)
	return l
}

// RequestRecords returns the requests of an app that are worth a look.
func (g *Gateway) RequestRecords(name AppName) (RequestRecords, error) {
	app, err := g.app(name)
	if err != nil {
		return RequestRecords{}, err
	}
	return app.records.list(), nil
}
