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

// changedSince reports whether a file may have changed after the interest was declared. Times in
// the future are those of a clock that was set back, and mean nothing.
func (w *preparedInterest) changedSince(e entry) bool {
	return !e.ctime.Before(w.declared) && e.ctime.Before(kernelTime().Add(time.Second))
}

// kernelTime is the time that the kernel gives to files that change now. It moves in steps of some
// milliseconds, so a file with that time may have changed a little earlier or later.
func kernelTime() time.Time {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &ts) != nil {
		return time.Time{}
	}
	return time.Unix(ts.Unix())
}
