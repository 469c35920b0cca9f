package diagnosis

import (
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/meter"
)

// Sample holds figures of an app at one time. Counts begin at the start of the host.
type Sample struct {
	Time       time.Time // time when they were read
	Generation int       // number of the generation that serves; 0: none

	Requests uint64 // requests that have ended
	Answered uint64 // requests that the app has answered, or the host at their time limit
	Failed   uint64 // answered with a status from 500 on
	Refused  uint64 // refused because the queue was full, or the wait in it too long
	Late     uint64 // ended at their time limit
	DiskFull uint64 // refused because their body could not be kept in a file
	TooLarge uint64 // refused because their body was larger than allowed
	Slow     uint64 // had a slow client

	SlowFor time.Duration // total time that the host waited for slow clients after the app was done

	// RefusedSince and RefusedUntil are the times when requests were first and last seen to be
	// refused, without a pause of more than a few seconds. They are zero if that was not seen.
	RefusedSince, RefusedUntil time.Time

	// QuietSince is the time since which workers have had requests and no request was answered;
	// zero: requests were answered.
	QuietSince time.Time

	Restarts int   // workers of the generation that ended unasked
	Workers  int   // existing workers
	Busy     int   // requests that workers execute
	Capacity int   // requests that workers could execute at once
	Queued   int   // requests that wait for a worker
	Memory   int64 // resident bytes of all workers; 0: unknown

	// CPU maps process IDs to the processor time of the workers.
	CPU map[int]time.Duration

	// Lock maps process IDs to the workers' waits for the interpreter lock.
	Lock map[int]modgw.Pauses
}

// Codes of faults that a sample counts.
const (
	codeTimeout       = "MGW-APP-009"
	codeQueueFull     = "MGW-APP-010"
	codeDiskFull      = "MGW-APP-025"
	codeStartingQueue = "MGW-APP-102"
	codeTooLarge      = "MGW-APP-015"
	codeClientGone    = "MGW-APP-103" // the client has gone while the app started
)

// NewSample returns the figures of an app; counted is nil if the app had no request.
func NewSample(now time.Time, s *modgw.AppStatus, counted *meter.App) Sample {
	f := Sample{
		Time: now, Workers: len(s.Runner.Workers), Busy: s.Runner.Busy, Capacity: s.Runner.Capacity,
		Queued: s.Waiting + s.Runner.Queued, Restarts: s.Runner.Restarts,
	}
	if s.Generation != nil {
		f.Generation = s.Generation.Number
	}
	for _, w := range s.Runner.Workers {
		f.Memory += w.Memory
		if w.Interpreter != nil && w.Interpreter.GIL != nil {
			if f.Lock == nil {
				f.Lock = map[int]modgw.Pauses{}
			}
			f.Lock[w.PID] = *w.Interpreter.GIL
		}
	}
	if counted == nil {
		return f
	}
	var unanswered uint64
	f.Slow, f.SlowFor = counted.Slow.Load(), time.Duration(counted.SlowFor.Load())
	counted.EachCode(func(code string, n uint64) {
		f.Requests += n
		if code[0] == '5' {
			f.Failed += n
		}
	})
	counted.EachCause(func(cause string, n uint64) {
		switch cause {
		case codeTimeout:
			f.Late += n
		case codeQueueFull, codeStartingQueue:
			f.Refused += n
		case codeDiskFull:
			f.DiskFull += n
		case codeTooLarge:
			f.TooLarge += n
		case modgw.ClientGone, codeClientGone:
			unanswered += n
		}
	})
	f.Answered = f.Requests - min(f.Requests, f.Refused+f.DiskFull+f.TooLarge+unanswered)
	return f
}

// refusedPause is the time without refusals after which the queue no longer counts as full.
const refusedPause = 15 * time.Second

// After returns s with the fields that depend on the previous sample.
func (s Sample) After(before Sample) Sample {
	if s.Busy > 0 && before.Busy > 0 && s.Generation == before.Generation && s.Answered == before.Answered {
		if s.QuietSince = before.QuietSince; s.QuietSince.IsZero() {
			s.QuietSince = before.Time
		}
	}
	s.RefusedSince, s.RefusedUntil = before.RefusedSince, before.RefusedUntil
	if s.Refused > before.Refused {
		if s.Time.Sub(s.RefusedUntil) > refusedPause {
			s.RefusedSince = s.Time
		}
		s.RefusedUntil = s.Time
	}
	return s
}

// recent is the maximum age of an event that a diagnosis mentions.
const recent = 10 * time.Minute

// last returns the newest sample, or the zero Sample if there is none.
func (a *App) last() Sample {
	if len(a.Samples) == 0 {
		return Sample{}
	}
	return a.Samples[len(a.Samples)-1]
}

// base returns the oldest sample of the window. It returns false if there is none before the last
// sample.
func (a *App) base() (Sample, bool) {
	for _, s := range a.Samples[:max(0, len(a.Samples)-1)] {
		if a.Now.Sub(s.Time) <= window {
			return s, true
		}
	}
	return Sample{}, false
}

// before returns the newest sample that is at least least old. It returns false if there is none
// that is at most most old.
func (a *App) before(least, most time.Duration) (Sample, bool) {
	for i := len(a.Samples) - 1; i >= 0; i-- {
		if age := a.Now.Sub(a.Samples[i].Time); age >= least {
			return a.Samples[i], age <= most
		}
	}
	return Sample{}, false
}

// since returns the time from which on a condition has held for every sample. It returns false if
// the condition does not hold for the last sample.
func (a *App) since(holds func(Sample) bool) (at time.Time, ok bool) {
	for i := len(a.Samples) - 1; i >= 0 && holds(a.Samples[i]); i-- {
		at, ok = a.Samples[i].Time, true
	}
	return at, ok
}
