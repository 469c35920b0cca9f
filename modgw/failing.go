package modgw

import (
	"net/http"
	"sync"
	"time"
)

// failingMinutes is for how long a request that failed is counted.
const failingMinutes = 10

// failing counts the requests of an app that were answered with a status from 500 on. Its zero
// value has none.
type failing struct {
	mu      sync.Mutex
	minutes [failingMinutes]failingMinute // by minute, modulo their number
	last    FailedRequest
}

type failingMinute struct {
	minute int64 // since 1970
	count  int
}

// note counts a request that was answered with status, if that means failure.
func (f *failing) note(status int, r *http.Request, info *RequestInfo, clock func() time.Time) {
	if status < http.StatusInternalServerError {
		return
	}
	now := clock()
	f.mu.Lock()
	defer f.mu.Unlock()
	minute := now.Unix() / 60
	m := &f.minutes[minute%failingMinutes]
	if m.minute != minute {
		*m = failingMinute{minute: minute}
	}
	m.count++
	f.last = FailedRequest{
		SuspectRequest: *newSuspect(r, info),
		Status:         status, Time: now,
	}
}

// status returns the failures of the last minutes, or nil if there are none.
func (f *failing) status(now time.Time) *FailingStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &FailingStatus{Minutes: failingMinutes, Last: f.last}
	for _, m := range f.minutes {
		if now.Unix()/60-m.minute < failingMinutes {
			s.Count += m.count
		}
	}
	if s.Count == 0 {
		return nil
	}
	return s
}
