package metrics

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// jsonFamily is a metric in JSON.
type jsonFamily struct {
	Name   string       `json:"name"`
	Help   string       `json:"help"`
	Type   string       `json:"type"` // "counter", "gauge", "histogram" …
	Series []jsonSeries `json:"series"`
}

// jsonSeries is a series of a metric. A histogram has a count, a sum and buckets; others have a
// value.
type jsonSeries struct {
	Labels  map[string]string `json:"labels"`
	Value   *float64          `json:"value,omitempty"`
	Count   *uint64           `json:"count,omitempty"`
	Sum     *float64          `json:"sum,omitempty"`
	Buckets map[string]uint64 `json:"buckets,omitempty"` // by upper bound in seconds
}

// serveJSON answers with the metrics in JSON.
func serveJSON(w http.ResponseWriter, g prometheus.Gatherer) {
	gathered, err := g.Gather()
	if err != nil && len(gathered) == 0 {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	families := []jsonFamily{}
	for _, g := range gathered {
		f := jsonFamily{Name: g.GetName(), Help: g.GetHelp(), Type: strings.ToLower(g.GetType().String())}
		for _, metric := range g.GetMetric() {
			f.Series = append(f.Series, seriesOf(metric))
		}
		families = append(families, f)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(families) // the client may be gone
}

func seriesOf(m *dto.Metric) jsonSeries {
	s := jsonSeries{Labels: map[string]string{}}
	for _, l := range m.GetLabel() {
		s.Labels[l.GetName()] = l.GetValue()
	}
	switch {
	case m.Counter != nil:
		s.Value = m.Counter.Value
	case m.Gauge != nil:
		s.Value = m.Gauge.Value
	case m.Untyped != nil:
		s.Value = m.Untyped.Value
	case m.Summary != nil:
		s.Count, s.Sum = m.Summary.SampleCount, m.Summary.SampleSum
	case m.Histogram != nil:
		s.Count, s.Sum, s.Buckets = m.Histogram.SampleCount, m.Histogram.SampleSum, map[string]uint64{}
		for _, b := range m.Histogram.GetBucket() {
			s.Buckets[strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)] = b.GetCumulativeCount()
		}
	}
	return s
}
