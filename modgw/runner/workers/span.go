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

// usageInterval is how often a worker's memory and processor time are read when it finishes a
// request. Those of an idle worker do not grow.
const usageInterval = time.Second

// Span is how much a worker may do until it is replaced. Its zero value has no limits.
type Span struct {
	requests int64
	memory   int64
	cpu      time.Duration
	want     func(reason string)
	began    atomic.Bool  // a request
	done     atomic.Int64 // requests
	looked   atomic.Int64 // at both, as monotonic.Now has it

	mu  sync.Mutex
	age *time.Timer
}

// Arm sets the limits, each with a jitter of its own, so that workers that began together do not end together. want is
// called when one is reached, perhaps again and again. It must come before any request.
func (s *Span) Arm(limits modgw.Recycle, want func(reason string)) {
	s.want = want
	s.requests = jittered(int64(limits.Requests), limits.Jitter)
	s.memory = jittered(limits.Memory, limits.Jitter)
	s.cpu = time.Duration(jittered(int64(limits.CPU), limits.Jitter))
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := time.Duration(jittered(int64(limits.Age), limits.Jitter)); age > 0 {
		s.age = time.AfterFunc(age, func() { want(fmt.Sprintf("it is %s old", age.Round(time.Second))) })
	}
}

// Disarm stops what Arm began.
func (s *Span) Disarm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.age != nil {
		s.age.Stop()
	}
}

// Requests is how many were finished.
func (s *Span) Requests() int { return int(s.done.Load()) }

// Begin notes that the process was given a request.
func (s *Span) Begin() {
	if !s.began.Load() { // a write for each request would cost all processors something
		s.began.Store(true)
	}
}

// Began reports whether the process was given a request.
func (s *Span) Began() bool { return s.began.Load() }

// Finished counts a request of the process, and asks for the worker to be replaced when it has reached a limit.
func (s *Span) Finished(pid int) {
	n := s.done.Add(1)
	if s.requests > 0 && n >= s.requests {
		s.want(fmt.Sprintf("it has finished %d requests", n))
	}
	if s.memory == 0 && s.cpu == 0 || !s.due(monotonic.Now()) {
		return
	}
	if used := proc.ResidentMemory(pid); s.memory > 0 && used > s.memory {
		s.want(fmt.Sprintf("it uses %d bytes of memory", used))
	}
	if used := proc.CPUTime(pid); s.cpu > 0 && used >= s.cpu {
		s.want(fmt.Sprintf("it has used %s of processor time", used.Round(time.Millisecond)))
	}
}

// due reports whether it is time to read them again.
func (s *Span) due(now time.Duration) bool {
	last := s.looked.Load()
	return (last == 0 || int64(now)-last >= int64(usageInterval)) && s.looked.CompareAndSwap(last, int64(now))
}

// jittered spreads a limit by plus or minus the fraction; 0 stays 0.
func jittered(limit int64, fraction float64) int64 {
	if limit == 0 || fraction == 0 {
		return limit
	}
	return max(1, int64(float64(limit)*(1+fraction*(2*rand.Float64()-1))))
}
