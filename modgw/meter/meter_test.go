package meter

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

func TestEachDurationIsInTheBucketWhoseBoundsItLiesBetween(t *testing.T) {
	durations := []time.Duration{
		0, 1, 953, 954, 1000, time.Microsecond, time.Millisecond, time.Millisecond + 1, time.Second, time.Second + 1,
		125 * time.Millisecond, 2 * time.Second, time.Hour,
	}
	for range 1000 {
		durations = append(durations, time.Duration(math.Exp(rand.Float64()*30)))
	}
	for _, d := range durations {
		var h Histogram
		h.Observe(d)
		c := h.Read()
		if c.Count != 1 || c.Sum != d {
			t.Fatalf("%s: count %d, sum %s", d, c.Count, c.Sum)
		}
		for i, bound := range Bounds {
			if want := uint64(0); d <= bound {
				want = 1
				if c.Classic[i] != want {
					t.Errorf("%s is not counted up to %s", d, bound)
				}
			} else if c.Classic[i] != want {
				t.Errorf("%s is counted up to %s", d, bound)
			}
		}
		if c.Zero == 1 {
			if d.Seconds() > ZeroThreshold || len(c.Fine) > 0 {
				t.Errorf("%s counts as zero", d)
			}
			continue
		}
		for i := range c.Fine {
			low, high := math.Exp2(float64(i-1)/perOctave), math.Exp2(float64(i)/perOctave)
			if s := d.Seconds(); s <= low || s > high*(1+1e-15) {
				t.Errorf("%s is in bucket %d, from %g to %g", d, i, low, high)
			}
		}
		if len(c.Fine) != 1 {
			t.Errorf("%s is in the fine buckets %v", d, c.Fine)
		}
	}
}

func TestDurationsBeyondTheBucketsAreCountedInTheLast(t *testing.T) {
	var h Histogram
	h.Observe(-1)
	h.Observe(1000 * time.Hour)
	c := h.Read()
	if c.Count != 2 || c.Zero != 1 || c.Fine[FirstBucket+fineBuckets-1] != 1 {
		t.Errorf("%+v", c)
	}
}

func TestStatusesHaveABoundedNumberOfLabels(t *testing.T) {
	for status, want := range map[int]string{
		0: "none", -1: "none", 99: "none", 1000: "none", 200: "200", 299: "2xx", 404: "404", 599: "5xx", 101: "101", 420: "4xx",
	} {
		if got := CodeLabel(status); got != want {
			t.Errorf("%d: %s, not %s", status, got, want)
		}
	}
	var a App
	for status := range 2000 {
		a.Count(&Request{Status: status})
	}
	sum, labels := uint64(0), 0
	a.EachCode(func(_ string, n uint64) { sum += n; labels++ })
	if sum != 2000 || labels != len(codeLabels) {
		t.Errorf("%d requests with %d labels, of %d", sum, labels, len(codeLabels))
	}
}

func TestNothingIsLostWhenManyCount(t *testing.T) {
	var a App
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				a.Count(&Request{
					Status: 503, Cause: "full", Given: true, Took: time.Millisecond, Received: 2, Sent: 3, Broken: true, Tries: 3,
				})
			}
		})
	}
	all.Wait()
	causes := map[string]uint64{}
	a.EachCause(func(cause string, n uint64) { causes[cause] = n })
	for what, n := range map[string]uint64{
		"causes": causes["full"], "durations": a.Duration.Read().Count, "queued": a.Queue.Read().Count, "uploads": a.Uploads.Load(),
		"broken": a.Broken.Load(), "retries": a.Retries.Load() / 2, "received": a.Received.Load() / 2, "sent": a.Sent.Load() / 3,
	} {
		if n != 8000 {
			t.Errorf("%s: %d", what, n)
		}
	}
}

func TestCountingTakesNoMemory(t *testing.T) {
	var a App
	r := Request{Status: 200, Given: true, Took: time.Millisecond, Cause: "full"}
	a.Count(&r)
	if n := testing.AllocsPerRun(100, func() { a.Count(&r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestQuantilesAreNearTheDurationsSinceAReading(t *testing.T) {
	var h Histogram
	h.Observe(time.Hour)
	before := h.Read()
	if _, ok := before.Since(before).Quantile(0.5); ok {
		t.Error("nothing has a median")
	}
	for i := range 1000 {
		h.Observe(time.Duration(i+1) * time.Millisecond)
	}
	since := h.Read().Since(before)
	if since.Count != 1000 || since.Classic[0] != 1 {
		t.Errorf("%+v", since)
	}
	for share, want := range map[float64]float64{0.5: 0.5, 0.95: 0.95, 0.99: 0.99, 1: 1} {
		if got, ok := since.Quantile(share); !ok || math.Abs(got.Seconds()/want-1) > 0.1 {
			t.Errorf("%v: %s", share, got)
		}
	}
	h = Histogram{}
	h.Observe(0)
	h.Observe(0)
	h.Observe(8 * time.Second)
	for share, want := range map[float64]time.Duration{0.5: 0, 1: 8 * time.Second} {
		if got, ok := h.Read().Quantile(share); !ok || got != want {
			t.Errorf("%v: %s", share, got)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	var a App
	for b.Loop() {
		a.Count(&Request{Status: 200, Given: true, Took: 300 * time.Microsecond, Queued: 10 * time.Microsecond, Sent: 12})
	}
}
