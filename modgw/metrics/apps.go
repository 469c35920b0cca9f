package metrics

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/appvalues"
)

// gatherApps gathers the metrics that apps create. If two apps use one name for different metrics,
// the first app's metric is kept.
func (m *Metrics) gatherApps() ([]*dto.MetricFamily, error) {
	all := appFamilies{}
	m.config.Gateway.EachValues(func(name modgw.AppName, s *appvalues.Store) {
		series, _ := s.Read()
		slices.SortFunc(series, func(a, b *appvalues.Series) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), slices.Compare(a.Values, b.Values), a.Worker-b.Worker)
		})
		for _, one := range series {
			all.add(string(name), one)
		}
	})
	return all.sorted(), nil
}

// appFamilies are metrics of apps by name.
type appFamilies map[string]*appFamily

type appFamily struct {
	dto.MetricFamily
	byLabels map[string]*dto.Metric
}

// kinds are the types of metrics.
var kinds = map[string]dto.MetricType{
	"counter": dto.MetricType_COUNTER, "gauge": dto.MetricType_GAUGE, "histogram": dto.MetricType_HISTOGRAM,
	"summary": dto.MetricType_SUMMARY,
}

// add adds a series to the metric that it belongs to.
func (a appFamilies) add(app string, s *appvalues.Series) {
	name, kind := s.Name, kinds[s.Type]
	labels, bound := appLabels(app, s)
	if s.Type == "histogram" || s.Type == "summary" {
		name = s.Metric
	}
	f := a[name]
	if f == nil {
		f = &appFamily{MetricFamily: dto.MetricFamily{Name: &name, Help: &s.Help, Type: &kind}, byLabels: map[string]*dto.Metric{}}
		a[name] = f
	}
	if f.GetType() != kind {
		return
	}
	id := strings.Builder{}
	for _, l := range labels {
		id.WriteString(l.GetName() + "\x00" + l.GetValue() + "\x00")
	}
	metric := f.byLabels[id.String()]
	if metric == nil {
		metric = &dto.Metric{Label: labels}
		f.byLabels[id.String()] = metric
		f.Metric = append(f.Metric, metric)
	}
	set(metric, s, bound)
}

// set sets the value of a metric from a series.
func set(m *dto.Metric, s *appvalues.Series, bound string) {
	value := s.Value
	switch s.Type {
	case "counter":
		m.Counter = &dto.Counter{Value: &value}
	case "gauge":
		m.Gauge = &dto.Gauge{Value: &value}
	case "summary":
		if m.Summary == nil {
			m.Summary = &dto.Summary{SampleCount: new(uint64), SampleSum: new(float64)}
		}
		if strings.HasSuffix(s.Name, "_count") {
			*m.Summary.SampleCount = uint64(value)
		} else {
			*m.Summary.SampleSum = value
		}
	case "histogram":
		if m.Histogram == nil {
			m.Histogram = &dto.Histogram{SampleCount: new(uint64), SampleSum: new(float64)}
		}
		h := m.Histogram
		upper, err := strconv.ParseFloat(bound, 64)
		if !strings.HasSuffix(s.Name, "_bucket") {
			*h.SampleSum = value
		} else if err == nil && !math.IsNaN(upper) {
			n := uint64(value)
			h.Bucket = append(h.Bucket, &dto.Bucket{CumulativeCount: &n, UpperBound: &upper})
		}
	}
}

// appLabels returns the labels of an app's series, sorted, and separately the bound of a bucket.
func appLabels(app string, s *appvalues.Series) (labels []*dto.LabelPair, bound string) {
	add := func(name, value string) { labels = append(labels, &dto.LabelPair{Name: &name, Value: &value}) }
	add("app", app)
	if s.Worker > 0 {
		add("worker", strconv.Itoa(s.Worker))
	}
	for i, name := range s.Labels {
		value := strings.ToValidUTF8(s.Values[i], "\ufffd")
		switch {
		case name == "le" && s.Type == "histogram":
			bound = value
			continue
		case name == "app", name == "worker" && s.Type == "gauge":
			name = "exported_" + name // as Prometheus renames labels that a target also has
		}
		add(name, value)
	}
	slices.SortFunc(labels, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	// If an app has labels of both names, the second one is lost.
	labels = slices.CompactFunc(labels, func(a, b *dto.LabelPair) bool { return a.GetName() == b.GetName() })
	return labels, bound
}

// sorted returns the metrics by name, with cumulative buckets in histograms.
func (a appFamilies) sorted() (all []*dto.MetricFamily) {
	for _, f := range a {
		for _, m := range f.Metric {
			if m.Histogram != nil {
				accumulate(m.Histogram)
			}
		}
		all = append(all, &f.MetricFamily)
	}
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all
}

// accumulate makes the counts of buckets cumulative: the app's buckets each contain only their own
// counts.
func accumulate(h *dto.Histogram) {
	slices.SortFunc(h.Bucket, func(a, b *dto.Bucket) int { return cmp.Compare(a.GetUpperBound(), b.GetUpperBound()) })
	count := uint64(0)
	for _, b := range h.Bucket {
		count += b.GetCumulativeCount()
		*b.CumulativeCount = count
	}
	*h.SampleCount = count
}
