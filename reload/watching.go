package reload

import (
	"time"

	"golang.org/x/sys/unix"
)

// watching is an interest with its rules, ready to be looked at.
type watching struct {
	Interest
	rules    *rules
	declared time.Time // by the clock of file times
}

// newWatching prepares an interest without looking at any file.
func newWatching(in Interest) (*watching, error) {
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
	return &watching{Interest: in, rules: rules, declared: kernelTime()}, nil
}

// since reports whether a file may have changed after the interest was declared. Times beyond now are those of a clock
// that was put back, and say nothing.
func (w *watching) since(e entry) bool {
	return !e.ctime.Before(w.declared) && e.ctime.Before(kernelTime().Add(time.Second))
}

// kernelTime is the time that the kernel gives to files which change now. It moves in steps of some milliseconds, so that a
// file that has it may have changed a little before or after.
func kernelTime() time.Time {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &ts) != nil {
		return time.Time{}
	}
	return time.Unix(ts.Unix())
}
