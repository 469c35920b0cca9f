package reload

import "time"

// debounce detects when changes have settled: nothing has changed for quiet, or longest has passed
// since the first change.
type debounce struct {
	quiet, longest time.Duration
	first, last    time.Time // zero: nothing has changed
}

// note records a change.
func (d *debounce) note(now time.Time) {
	if d.first.IsZero() {
		d.first = now
	}
	d.last = now
}

// due returns when the changes count as settled; zero while there are none.
func (d *debounce) due() time.Time {
	if d.first.IsZero() {
		return time.Time{}
	}
	due, latest := d.last.Add(d.quiet), d.first.Add(d.longest)
	if due.After(latest) {
		return latest
	}
	return due
}

// isQuiet reports whether the changes have settled, rather than gone on for longest.
func (d *debounce) isQuiet(now time.Time) bool { return !now.Before(d.last.Add(d.quiet)) }

// reset forgets the changes.
func (d *debounce) reset() { d.first, d.last = time.Time{}, time.Time{} }
