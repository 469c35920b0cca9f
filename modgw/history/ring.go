package history

import "time"

const (
	// Interval is the time between samples while there are requests, or someone reads.
	Interval = 5 * time.Second

	// mostPoints is the maximum number of points of an app: an hour.
	mostPoints = 720
)

// ring holds the last points of one app. The zero value is empty.
type ring struct {
	times  []int64   // milliseconds since 1970, at the index of the point
	values []float32 // values of all series of a point, point after point
	oldest int       // index of the oldest point, once there are mostPoints
}

// add appends a point, in place of the oldest when there are mostPoints.
func (r *ring) add(at time.Time, values []float32) {
	if len(r.times) < mostPoints {
		r.times, r.values = append(r.times, at.UnixMilli()), append(r.values, values...)
		return
	}
	r.times[r.oldest] = at.UnixMilli()
	copy(r.values[r.oldest*len(values):], values)
	r.oldest = (r.oldest + 1) % mostPoints
}

// last returns the time of the newest point; zero: there is none.
func (r *ring) last() time.Time {
	if len(r.times) == 0 {
		return time.Time{}
	}
	return time.UnixMilli(r.times[(r.oldest+len(r.times)-1)%len(r.times)])
}

// after yields the points that are newer than a time, oldest first.
func (r *ring) after(since time.Time, yield func(at int64, values []float32)) {
	if len(r.times) == 0 {
		return
	}
	width := len(r.values) / len(r.times)
	for i := range r.times {
		at := (r.oldest + i) % len(r.times)
		if r.times[at] > since.UnixMilli() {
			yield(r.times[at], r.values[at*width:(at+1)*width])
		}
	}
}
