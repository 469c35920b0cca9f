// Package monotonic measures time with a clock that cannot be set, as a number that an atomic
// variable can hold. The nanoseconds of [time.Time.UnixNano] jump with the system's clock.
package monotonic

import "time"

var start = time.Now()

// Now returns the approximate time since this process began. It is never zero.
func Now() time.Duration { return time.Since(start) + 1 }

// Of converts a time returned by time.Now to the value that Now had at that time.
func Of(t time.Time) time.Duration { return t.Sub(start) + 1 }
