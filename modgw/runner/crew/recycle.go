package crew

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// memoryInterval is how often a worker's memory is looked at, when it finishes a request; an idle worker's does not grow.
const memoryInterval = time.Second

// span is how much a worker may do until it is replaced. Its zero value has no limits.
type span struct {
	requests int64
	memory   int64
	age      *time.Timer
	looked   atomic.Int64 // at the memory, in Unix nanoseconds
}

// arm sets the limits of a worker, each with a jitter of its own, so that workers that began together do not end
// together.
func (w *Worker) arm(limits modgw.Recycle) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.span.requests = jittered(int64(limits.Requests), limits.Jitter)
	w.span.memory = jittered(limits.Memory, limits.Jitter)
	if age := time.Duration(jittered(int64(limits.Age), limits.Jitter)); age > 0 {
		w.span.age = time.AfterFunc(age, func() { w.Want(fmt.Sprintf("it is %s old", age.Round(time.Second))) })
	}
}

// disarm stops what arm began.
func (w *Worker) disarm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.span.age != nil {
		w.span.age.Stop()
	}
}

// Finished counts a request, and asks for the worker to be replaced when it has reached a limit.
func (w *Worker) Finished() {
	n := w.requests.Add(1)
	if w.span.requests > 0 && n >= w.span.requests {
		w.Want(fmt.Sprintf("it has finished %d requests", n))
	}
	if w.span.memory > 0 && w.span.due(time.Now()) {
		if used := proc.ResidentMemory(w.process.PID()); used > w.span.memory {
			w.Want(fmt.Sprintf("it uses %d bytes of memory", used))
		}
	}
}

// due reports whether it is time to look at the memory again.
func (s *span) due(now time.Time) bool {
	last := s.looked.Load()
	return now.UnixNano()-last >= int64(memoryInterval) && s.looked.CompareAndSwap(last, now.UnixNano())
}

// jittered spreads a limit by plus or minus the fraction; 0 stays 0.
func jittered(limit int64, fraction float64) int64 {
	if limit == 0 || fraction == 0 {
		return limit
	}
	return max(1, int64(float64(limit)*(1+fraction*(2*rand.Float64()-1))))
}
