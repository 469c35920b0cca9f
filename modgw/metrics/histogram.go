package metrics

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/meter"
)

// histogram is the metric of a histogram with classic and native buckets. The library makes a
// constant one of either kind, and not of both.
type histogram struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	counts meter.Counts
}

var _ prometheus.Metric = (*histogram)(nil)

func (f *family) histogram(h *meter.Histogram, labels ...string) prometheus.Metric {
	return &histogram{desc: f.desc, labels: prometheus.MakeLabelPairs(f.desc, labels), counts: h.Read()}
}

// Desc implements [prometheus.Metric].
func (h *histogram) Desc() *prometheus.Desc { return h.desc }

// Write implements [prometheus.Metric].
func (h *histogram) Write(out *dto.Metric) error {
	c := &h.counts
	count, sum := c.Count, c.Sum.Seconds()
	schema, zeroThreshold := int32(meter.Schema), meter.ZeroThreshold
	out.Label = h.labels
	out.Histogram = &dto.Histogram{
		SampleCount: &count, SampleSum: &sum, Schema: &schema, ZeroThreshold: &zeroThreshold, ZeroCount: &c.Zero,
	}
	for i, bound := range meter.Bounds {
		le := bound.Seconds()
		out.Histogram.Bucket = append(out.Histogram.Bucket, &dto.Bucket{CumulativeCount: &c.Classic[i], UpperBound: &le})
	}
	out.Histogram.PositiveSpan, out.Histogram.PositiveDelta = spans(c.Fine)
	if len(out.Histogram.PositiveSpan) == 0 {
		// An empty span distinguishes a native histogram without observations from a classic one.
		out.Histogram.PositiveSpan = []*dto.BucketSpan{{Offset: new(int32), Length: new(uint32)}}
	}
	return nil
}

// spans encodes buckets the way Prometheus transmits them: runs of neighbours, and differences of
// their counts.
func spans(buckets map[int]uint64) (runs []*dto.BucketSpan, deltas []int64) {
	next, before := 0, int64(0)
	for _, i := range slices.Sorted(maps.Keys(buckets)) {
		if len(runs) == 0 || i != next {
			offset, length := int32(i-next), uint32(0)
			runs = append(runs, &dto.BucketSpan{Offset: &offset, Length: &length})
		}
		*runs[len(runs)-1].Length++
		n := int64(buckets[i])
		deltas = append(deltas, n-before)
		next, before = i+1, n
	}
	return runs, deltas
}

// pauses returns the metric of pauses, which have only classic buckets.
func (f *family) pauses(p *modgw.Pauses, labels ...string) prometheus.Metric {
	buckets, n := make(map[float64]uint64, len(modgw.PauseBounds)), uint64(0)
	for i, bound := range modgw.PauseBounds {
		n += p.Buckets[i]
		buckets[bound.Seconds()] = n
	}
	return prometheus.MustNewConstHistogram(f.desc, p.Count, p.Seconds, buckets, labels...)
}
