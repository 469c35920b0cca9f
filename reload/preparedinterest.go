package reload

import (
	"time"

	"golang.org/x/sys/unix"
)

// preparedInterest is an interest with its compiled rules.
type preparedInterest struct {
	Interest
	rules    *rules
	declared time.Time // by the clock of file times
}

// prepareInterest prepares an interest without looking at any file.
func prepareInterest(in Interest) (*preparedInterest, error) {
	if in.Settle <= 0 {
		in.Settle = defaultSettle
	}
	if in.MaxSettle <= 0 {
		in.MaxSettle = defaultMaxSettle
	}
	in.MaxSettle = max(in.MaxSettle, in.Settle, time.Millisecond)
	rules, err := rulesOf(in)
	if err != nil {
		return nil, err
	}
	return &preparedInterest{Interest: in, rules: rules, declared: kernelTime()}, nil
}

// changedBeforeScan reports whether a file that is scanned for the first time may have changed
// after it began to count: when the interest was declared or, if workers have loaded it before
// that, when they were started. Times in the future are those of a clock that was set back, and are
// ignored.
func (w *preparedInterest) changedBeforeScan(path string, e entry) bool {
	since := w.declared
	if loaded := w.Extra[path]; !loaded.IsZero() {
		since = loaded.Add(-kernelTimeStep)
	}
	return !e.ctime.Before(since) && e.ctime.Before(kernelTime().Add(time.Second))
}

// kernelTimeStep is the longest step of kernelTime, on kernels that tick 100 times a second.
const kernelTimeStep = 10 * time.Millisecond

// kernelTime is the time that the kernel gives to files that change now. It moves in steps of some
// milliseconds, so a file with that time may have changed a little earlier or later.
func kernelTime() time.Time {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &ts) != nil {
		return time.Time{}
	}
	return time.Unix(ts.Unix())
}
