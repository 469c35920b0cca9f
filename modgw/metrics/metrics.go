package metrics

import (
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/modgw/modgw/modgw"
)

// Metrics serves metrics. Create it with [New].
type Metrics struct {
	config   Config
	deploys  deploys
	memory   memory
	registry *prometheus.Registry
}

// New returns the metrics of a host. It does not read any values yet.
func New(c Config) *Metrics {
	m := &Metrics{
		config:   c,
		deploys:  deploys{apps: map[modgw.AppName]*deployed{}},
		registry: prometheus.NewRegistry(),
	}
	m.registry.MustRegister(&collector{m}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// gatherer returns a gatherer of the host's metrics and the apps' metrics.
func (m *Metrics) gatherer() prometheus.Gatherer {
	return prometheus.Gatherers{m.registry, prometheus.GathererFunc(m.gatherApps)}
}

// Observe counts the outcome of a deploy.
func (m *Metrics) Observe(e modgw.Event) { m.deploys.countGeneration(e) }

// EnvironmentBuilt counts an environment that was built, or that could not be built.
func (m *Metrics) EnvironmentBuilt(app modgw.AppName, took time.Duration, err error) {
	m.deploys.countBuild(app, took, err == nil)
}

// ServeHTTP answers with all metrics, in the Prometheus format that the client accepts, or in JSON.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve(w, r, m.gatherer())
}

// Of returns a handler that answers with the metrics of only those apps for which may returns true;
// nil: of all apps.
func (m *Metrics) Of(may func(modgw.AppName) bool) http.Handler {
	if may == nil {
		return m
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve(w, r, prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
			all, err := m.gatherer().Gather()
			return ofApps(all, may), err
		}))
	})
}

// ofApps returns the metrics with only those series of apps for which may returns true.
func ofApps(all []*dto.MetricFamily, may func(modgw.AppName) bool) (left []*dto.MetricFamily) {
	for _, f := range all {
		f.Metric = slices.DeleteFunc(f.Metric, func(metric *dto.Metric) bool {
			for _, l := range metric.Label {
				if l.GetName() == "app" {
					return !may(modgw.AppName(l.GetValue()))
				}
			}
			return true
		})
		if len(f.Metric) > 0 {
			left = append(left, f)
		}
	}
	return left
}

func serve(w http.ResponseWriter, r *http.Request, g prometheus.Gatherer) {
	if r.Header.Get("Accept") == "application/json" {
		serveJSON(w, g)
		return
	}
	promhttp.HandlerFor(g, promhttp.HandlerOpts{
		ErrorHandling:     promhttp.ContinueOnError,
		EnableOpenMetrics: true,
	}).ServeHTTP(w, r)
}
