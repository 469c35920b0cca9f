package load

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets whose width grows with the duration: the error is at most
// 1/64.
type Histogram struct {
	Counts map[int]int   // number of durations in each bucket
	Slow   time.Duration // the exact longest duration
	Sum    time.Duration // sum of all durations
	N      int           // number of durations
}

const perOctave = 64

// Record counts a duration.
func (h *Histogram) Record(d time.Duration) {
	if h.Counts == nil {
		h.Counts = map[int]int{}
	}
	h.Counts[bucket(d)]++
	h.N++
	h.Sum += d
	h.Slow = max(h.Slow, d)
}

// Add adds the counts of another histogram.
func (h *Histogram) Add(other Histogram) {
	if h.Counts == nil {
		h.Counts = map[int]int{}
	}
	for b, n := range other.Counts {
		h.Counts[b] += n
	}
	h.N += other.N
	h.Sum += other.Sum
	h.Slow = max(h.Slow, other.Slow)
}

// Quantile returns the duration that a share q of all durations does not exceed, or 0 if none were
// counted.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.N == 0 {
		return 0
	}
	rank := int(q*float64(h.N-1)) + 1
	last := 0
	for b := range h.Counts {
		last = max(last, b)
	}
	seen := 0
	for b := 0; b <= last; b++ {
		if seen += h.Counts[b]; seen >= rank {
			return min(edge(b+1)-1, h.Slow)
		}
	}
	return h.Slow
}

// Mean returns the average duration, or 0 if none were counted.
func (h *Histogram) Mean() time.Duration {
	if h.N == 0 {
		return 0
	}
	return h.Sum / time.Duration(h.N)
}

func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < perOctave {
		return int(v)
	}
	octave := bits.Len64(v) - bits.Len64(perOctave)
	return perOctave*octave + int(v>>octave)
}

// edge returns the shortest duration of a bucket.
func edge(b int) time.Duration {
	if b < 2*perOctave {
		return time.Duration(b)
	}
	octave := b/perOctave - 1
	return time.Duration(b%perOctave+perOctave) << octave
}
