package workers

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// usageInterval is the shortest interval between two readings of a worker's memory and processor
// time. They are read when a request has finished, because they do not grow in an idle worker.
const usageInterval = time.Second

// recycleLimits are the limits after which a worker is replaced, with the counters. The zero value
// has no limits.
type recycleLimits struct {
	requests int64               // how many it may finish; 0: any number
	memory   int64               // bytes that it may use; 0: any number
	cpu      time.Duration       // processor time that it may use; 0: any
	exceeded func(reason string) // is called when a limit is reached

	begun    atomic.Bool  // a request was begun
	finished atomic.Int64 // requests that were finished
	measured atomic.Int64 // when the usage was read, in monotonic time; 0: never

	mu  sync.Mutex
	age *time.Timer // calls exceeded when the worker is old; nil: it may become as old as it likes
}

// start sets the limits, each with its own jitter, so that workers that began together do not end
// together. exceeded is called each time a limit is found to be exceeded. start must be called
// before any request. lived is the age of the process.
func (l *recycleLimits) start(limits modgw.Recycle, lived time.Duration, exceeded func(reason string)) {
	l.exceeded = exceeded
	l.requests = withJitter(int64(limits.Requests), limits.Jitter)
	l.memory = withJitter(limits.Memory, limits.Jitter)
	l.cpu = time.Duration(withJitter(int64(limits.CPU), limits.Jitter))
	l.mu.Lock()
	defer l.mu.Unlock()
	if age := time.Duration(withJitter(int64(limits.Age), limits.Jitter)); age > 0 {
		l.age = time.AfterFunc(max(0, age-lived), func() { exceeded(fmt.Sprintf("it is %s old", age.Round(time.Second))) })
	}
}

// stop ends the timers of start.
func (l *recycleLimits) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.age != nil {
		l.age.Stop()
	}
}

// countFinished returns how many requests were finished.
func (l *recycleLimits) countFinished() int { return int(l.finished.Load()) }

// requestBegan notes that the process was given a request.
func (l *recycleLimits) requestBegan() {
	if !l.begun.Load() { // writing for each request would slow all processors down
		l.begun.Store(true)
	}
}

// hasBegun reports whether the process was given a request.
func (l *recycleLimits) hasBegun() bool { return l.begun.Load() }

// requestFinished counts a request of the process, and checks the limits.
func (l *recycleLimits) requestFinished(pid int) {
	n := l.finished.Add(1)
	if l.requests > 0 && n >= l.requests {
		l.exceeded(fmt.Sprintf("it has finished %d requests", n))
	}
	if l.memory == 0 && l.cpu == 0 || !l.isUsageDue(monotonic.Now()) {
		return
	}
	if used := proc.ResidentMemory(pid); l.memory > 0 && used > l.memory {
		l.exceeded(fmt.Sprintf("it uses %d bytes of memory", used))
	}
	if used := proc.CPUTime(pid); l.cpu > 0 && used >= l.cpu {
		l.exceeded(fmt.Sprintf("it has used %s of processor time", used.Round(time.Millisecond)))
	}
}

// isUsageDue reports whether it is time to read the usage. If it is, only this caller gets true.
func (l *recycleLimits) isUsageDue(now time.Duration) bool {
	last := l.measured.Load()
	due := last == 0 || int64(now)-last >= int64(usageInterval)
	return due && l.measured.CompareAndSwap(last, int64(now))
}

// withJitter spreads a limit by plus or minus the fraction; 0 stays 0.
func withJitter(limit int64, fraction float64) int64 {
	if limit == 0 || fraction == 0 {
		return limit
	}
	return max(1, int64(float64(limit)*(1+fraction*(2*rand.Float64()-1))))
}
