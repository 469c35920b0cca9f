package meter

import (
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// Bounds are the upper bounds of the classic buckets of a [Histogram], smallest first. The last
// bucket, which has no bound, is not among them.
var Bounds = [...]time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
	30 * time.Second, time.Minute,
}

// The fine buckets are those of a native histogram of Prometheus: bucket i has durations up to
// 2^(i/PerOctave) seconds that are longer than the bound of bucket i-1.
const (
	// Schema is the resolution of the fine buckets, as Prometheus counts it.
	Schema = 3

	perOctave   = 1 << Schema
	firstOctave = -20 // shorter durations, of less than a microsecond, are counted as zero
	lastOctave  = 15  // longer durations, of nine hours, are counted in the last bucket
)

// FirstBucket is the index of the first fine bucket.
const FirstBucket = firstOctave*perOctave + 1

// ZeroThreshold is up to how many seconds a duration is counted as zero by the fine buckets.
const ZeroThreshold = 1.0 / (1 << -firstOctave)

const fineBuckets = (lastOctave - firstOctave) * perOctave

// octave are the upper bounds of the fine buckets of one octave, in halves of its end.
var octave = func() (bounds [perOctave]float64) {
	for i := range bounds {
		bounds[i] = math.Exp2(float64(i)/perOctave) / 2
	}
	return bounds
}()

// Histogram counts durations. Its zero value is empty. Many goroutines may use it at once.
type Histogram struct {
	sum     atomic.Int64 // nanoseconds
	classic [len(Bounds) + 1]atomic.Uint64
	zero    atomic.Uint64
	fine    [fineBuckets]atomic.Uint64
}

// Observe counts a duration; a negative one counts as zero.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	h.sum.Add(int64(d))
	i := 0
	for i < len(Bounds) && d > Bounds[i] {
		i++
	}
	h.classic[i].Add(1)
	if i := fineBucket(d); i < 0 {
		h.zero.Add(1)
	} else {
		h.fine[i].Add(1)
	}
}

// fineBucket is the place of a duration among the fine buckets; -1: it is counted as zero.
func fineBucket(d time.Duration) int {
	s := d.Seconds()
	if s <= ZeroThreshold {
		return -1
	}
	fraction, exponent := math.Frexp(s)
	i := 0
	for i < perOctave && fraction > octave[i] {
		i++
	}
	return min((exponent-1-firstOctave)*perOctave+i-1, fineBuckets-1)
}

// Counts are the numbers of a [Histogram] at one time.
type Counts struct {
	Count   uint64              // number of durations
	Sum     time.Duration       // sum of the durations
	Classic [len(Bounds)]uint64 // up to each of Bounds, those in earlier buckets included
	Zero    uint64              // counted as zero by the fine buckets
	Fine    map[int]uint64      // by index of the bucket; empty buckets are left out
}

// Read returns the numbers. Durations that are observed meanwhile may be in a part of them.
func (h *Histogram) Read() Counts {
	c := Counts{Sum: time.Duration(h.sum.Load()), Fine: map[int]uint64{}}
	for i := range Bounds {
		c.Count += h.classic[i].Load()
		c.Classic[i] = c.Count
	}
	c.Count += h.classic[len(Bounds)].Load()
	c.Zero = h.zero.Load()
	for i := range h.fine {
		if n := h.fine[i].Load(); n > 0 {
			c.Fine[FirstBucket+i] = n
		}
	}
	return c
}

// Since returns the difference to the earlier counts before.
func (c Counts) Since(before Counts) Counts {
	d := Counts{Count: c.Count - before.Count, Sum: c.Sum - before.Sum, Zero: c.Zero - before.Zero, Fine: map[int]uint64{}}
	for i := range c.Classic {
		d.Classic[i] = c.Classic[i] - before.Classic[i]
	}
	for i, n := range c.Fine {
		if n > before.Fine[i] {
			d.Fine[i] = n - before.Fine[i]
		}
	}
	return d
}

// Quantile returns the duration that a share of the durations, from 0 to 1, do not exceed, as far
// as the fine buckets know it; false when none was counted.
func (c Counts) Quantile(share float64) (time.Duration, bool) {
	total := c.Zero
	for _, n := range c.Fine {
		total += n
	}
	if total == 0 {
		return 0, false
	}
	wanted, counted := max(share*float64(total), 1), float64(c.Zero)
	if counted >= wanted {
		return 0, true
	}
	var last int
	for _, i := range slices.Sorted(maps.Keys(c.Fine)) {
		n := float64(c.Fine[i])
		if counted+n >= wanted {
			within := float64(i-1) + (wanted-counted)/n
			return time.Duration(math.Exp2(within/perOctave) * float64(time.Second)), true
		}
		counted, last = counted+n, i
	}
	return time.Duration(math.Exp2(float64(last)/perOctave) * float64(time.Second)), true
}
