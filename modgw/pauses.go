package modgw

import "time"

// PauseBounds are the upper bounds of the buckets of [Pauses], smallest first. The last bucket has
// no bound.
var PauseBounds = [...]time.Duration{
	250 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond,
	100 * time.Millisecond, 500 * time.Millisecond, 2500 * time.Millisecond,
}

// Pauses counts pauses by their length.
type Pauses struct {
	Count   uint64  `json:"count"`   // number of pauses
	Seconds float64 `json:"seconds"` // all of them together
	Longest float64 `json:"longest"` // the longest one, in seconds

	// Buckets has the number of pauses up to each of PauseBounds that are in no earlier bucket, and
	// last those that are longer.
	Buckets [len(PauseBounds) + 1]uint64 `json:"buckets"`
}

// Since returns the pauses that came after before, which is an earlier state of p. Longest is that
// of all. It is the zero value where before is no earlier state, as when another process has taken
// the worker's number.
func (p Pauses) Since(before Pauses) Pauses {
	if p.Count < before.Count || p.Seconds < before.Seconds {
		return Pauses{}
	}
	since := Pauses{Count: p.Count - before.Count, Seconds: p.Seconds - before.Seconds, Longest: p.Longest}
	for i := range p.Buckets {
		if p.Buckets[i] < before.Buckets[i] {
			return Pauses{}
		}
		since.Buckets[i] = p.Buckets[i] - before.Buckets[i]
	}
	return since
}

// Beyond returns the number of pauses that were longer than the bound of a bucket.
func (p Pauses) Beyond(bucket int) (n uint64) {
	for _, more := range p.Buckets[bucket+1:] {
		n += more
	}
	return n
}

// InterpreterStatus reports how long the interpreter of a worker has kept requests waiting since
// the worker's start. The worker measures it itself. Fields are null if it cannot.
type InterpreterStatus struct {
	// GC has the pauses for garbage collection. PyPy does not report them.
	GC *Pauses `json:"gc"`

	// GIL has how long a thread that was ready to run waited for the global interpreter lock: it is
	// tried about 20 times a second while threads run requests. Workers with one thread, and Python
	// without the lock, have none.
	GIL *Pauses `json:"gil"`

	// Loop has the delays of an event loop, measured about ten times a second while it has
	// requests. Only ASGI workers have one.
	Loop *Pauses `json:"loop"`
}
