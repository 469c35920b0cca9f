package metrics

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/appvalues"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runner answers every request, and has this process for its worker.
type runner struct{}

func (runner) Start(context.Context) error { return nil }
func (runner) Stop(context.Context)        {}

func (runner) Status() modgw.RunnerStatus {
	return modgw.RunnerStatus{Capacity: 4, Workers: []modgw.WorkerStatus{
		{
			Number: 1, PID: os.Getpid(), State: "ready", Requests: 7, Since: time.Now(),
			Interpreter: &modgw.InterpreterStatus{GC: &modgw.Pauses{
				Count: 3, Seconds: 0.5, Buckets: [...]uint64{1, 0, 1, 0, 0, 1, 0, 0},
			}},
		}, {Number: 2, State: "backoff"},
	}}
}

func (runner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	if r.URL.Path == "/full" {
		modgw.ServeFault(w, r, http.StatusServiceUnavailable, &modgw.Fault{Code: "MGW-APP-010"}, false)
		return
	}
	info.Give(1, 4711, info.Received.Add(30*time.Millisecond))
	io.WriteString(w, "hello")
}

// host is a gateway with its metrics.
type host struct {
	*testing.T
	*Metrics
	gateway *modgw.Gateway
}

func newHost(t *testing.T) *host {
	h := &host{T: t}
	h.gateway = modgw.New(modgw.Config{
		Runners: map[modgw.Kind]modgw.NewRunner{
			modgw.KindHTTP: func(modgw.RunnerConfig) (modgw.Runner, error) { return runner{}, nil },
		},
		Observe: func(e modgw.Event) { h.Observe(e) },
	})
	t.Cleanup(func() { h.gateway.Close(context.Background()) })
	h.Metrics = New(Config{Gateway: h.gateway, Version: "1.2.3", Started: time.Now(), Host: func() Host {
		s := Host{
			SpoolDisk: 5, Broken: 1, LogDropped: 3, AccessLost: 4, Unwell: "disk_full", StateFree: 4096, StateSize: 1 << 20, Draining: 2,
			Tenants: []Tenant{{User: "bob", Used: modgw.DiskUsage{Caches: 512}, Most: 2048}},
		}
		for _, app := range h.gateway.Status() {
			s.Apps = append(s.Apps, App{
				AppStatus: app, Unwell: "queue_full", Watch: Watch{Mode: "inotify", Directories: 2, LastEvent: time.Now()},
			})
		}
		return s
	}})
	return h
}

func (h *host) deploy(name modgw.AppName, cause string) {
	h.Helper()
	d := modgw.Descriptor{Name: name, Kind: modgw.KindHTTP, Mount: "/", Hosts: []string{string(name) + ".example"}}
	if err := h.gateway.Deploy(h.Context(), d, cause); err != nil {
		h.Fatal(err)
	}
}

func (h *host) request(url string) {
	h.gateway.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", url, nil))
}

// text returns the text that Prometheus scrapes.
func (h *host) text() string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		h.Errorf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetricsSayWhatHappensToRequestsAndApps(t *testing.T) {
	h := newHost(t)
	h.deploy("shop", "start")
	h.deploy("shop", "views.py changed")
	h.EnvironmentBuilt("shop", 2*time.Second, nil)
	h.EnvironmentBuilt("shop", time.Second, errors.New("no such package"))
	h.gateway.Refuse("shop", &modgw.Fault{Code: "MGW-CFG-001"}, "rollback to generation 1")
	h.gateway.Refuse("shop", &modgw.Fault{Code: "MGW-CFG-001"}, "its processes did not run on")
	h.request("http://shop.example/")
	h.request("http://shop.example/")
	h.request("http://shop.example/full")
	h.request("http://nowhere.example/")
	text := h.text()
	for _, want := range []string{
		`modgw_requests_total{app="shop",code="200"} 2`,
		`modgw_requests_total{app="shop",code="503"} 1`,
		`modgw_requests_total{app="",code="404"} 1`,
		`modgw_requests_rejected_total{app="shop",cause="queue_full"} 1`,
		`modgw_requests_rejected_total{app="",cause="no_app"} 1`,
		`modgw_request_duration_seconds_count{app="shop"} 3`,
		`modgw_request_queue_seconds_bucket{app="shop",le="0.025"} 0`,
		`modgw_request_queue_seconds_bucket{app="shop",le="0.05"} 2`,
		`modgw_request_queue_seconds_sum{app="shop"} 0.06`,
		`modgw_requests_in_flight{app="shop"} 0`,
		`modgw_response_body_bytes_total{app="shop"}`,
		`modgw_workers{app="shop",state="ready"} 1`,
		`modgw_workers{app="shop",state="backoff"} 1`,
		`modgw_worker_requests_total{app="shop",worker="1"} 7`,
		`modgw_worker_cpu_seconds_total{app="shop",worker="1"} `,
		`modgw_worker_memory_bytes{app="shop",worker="1"} `,
		`modgw_worker_gc_pause_seconds_bucket{app="shop",worker="1",le="0.001"} 1`,
		`modgw_worker_gc_pause_seconds_bucket{app="shop",worker="1",le="0.005"} 2`,
		`modgw_worker_gc_pause_seconds_count{app="shop",worker="1"} 3`,
		`modgw_worker_gc_pause_seconds_sum{app="shop",worker="1"} 0.5`,
		`modgw_generation{app="shop"} 2`,
		`modgw_reloads_total{app="shop",result="success"} 2`,
		`modgw_reloads_total{app="shop",result="failure"} 2`,
		`modgw_reload_causes_total{app="shop",cause="files",result="success"} 1`,
		`modgw_reload_causes_total{app="shop",cause="rollback",result="failure"} 1`,
		`modgw_reload_causes_total{app="shop",cause="not_woken",result="failure"} 1`,
		`modgw_app_unwell{app="shop",cause="queue_full"} 1`,
		`modgw_environment_builds_total{app="shop",result="failure"} 1`,
		`modgw_environment_build_seconds_total{app="shop"} 3`,
		`modgw_deploy_failed{app="shop"} 1`,
		`modgw_watch_mode{app="shop",mode="inotify"} 1`,
		`modgw_log_records_dropped_total 3`,
		`modgw_host_unwell{cause="disk_full"} 1`,
		`modgw_state_free_bytes 4096`,
		`modgw_state_size_bytes 1.048576e+06`,
		`modgw_tenant_disk_bytes{kind="caches",user="bob"} 512`,
		`modgw_tenant_disk_max_bytes{user="bob"} 2048`,
		`modgw_hosts_draining 2`,
		`modgw_info{version="1.2.3"} 1`,
		`process_resident_memory_bytes `,
		`go_goroutines `,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("there is no %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestNamesAndUnitsFollowThoseOfPrometheus(t *testing.T) {
	h := newHost(t)
	h.deploy("shop", "start")
	h.request("http://shop.example/")
	problems, err := promlint.New(strings.NewReader(h.text())).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestSeriesOfAnAppThatIsGoneAreGone(t *testing.T) {
	h := newHost(t)
	for _, name := range []modgw.AppName{"a", "b", "c"} {
		h.deploy(name, "start")
		h.request("http://" + string(name) + ".example/")
		if text := h.text(); !strings.Contains(text, `modgw_requests_total{app="`+string(name)+`"`) {
			t.Fatalf("app %s is not shown: %s", name, text)
		}
		if err := h.gateway.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if text := h.text(); strings.Contains(text, `app="a"`) || strings.Contains(text, `app="b"`) || strings.Contains(text, `app="c"`) {
		t.Errorf("apps that are gone are shown: %s", text)
	}
	if len(h.Metrics.deploys.apps) > 0 {
		t.Errorf("deploys of apps that are gone are kept: %v", h.Metrics.deploys.apps)
	}
}

func TestUserSeesTheMetricsOfOwnAppsAlone(t *testing.T) {
	h := newHost(t)
	for _, name := range []modgw.AppName{"mine", "theirs"} {
		h.deploy(name, "start")
		h.request("http://" + string(name) + ".example/")
	}
	h.request("http://nowhere.example/")
	own := h.Of(func(app modgw.AppName) bool { return app == "mine" })
	for _, accept := range []string{"text/plain", "application/json"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil)
		r.Header.Set("Accept", accept)
		own.ServeHTTP(w, r)
		text := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(text, "modgw_requests_total") || !strings.Contains(text, "mine") {
			t.Errorf("%d %s", w.Code, text)
		}
		for _, hidden := range []string{"theirs", "no_app", "go_goroutines", "modgw_info"} {
			if strings.Contains(text, hidden) {
				t.Errorf("%s: %s is shown: %s", accept, hidden, text)
			}
		}
	}
}

func TestMetricsOfAppsStandBesideThoseOfTheHost(t *testing.T) {
	h := newHost(t)
	h.deploy("shop", "start")
	all := appFamilies{}
	for _, s := range []*appvalues.Series{
		{Type: "counter", Metric: "sold", Name: "sold_total", Help: "Sold.", Labels: []string{"kind", "app"}, Values: []string{"tea", "x"}, Value: 3},
		{Type: "gauge", Metric: "open", Name: "open", Worker: 2, Value: 4},
		{Type: "histogram", Metric: "took", Name: "took_bucket", Labels: []string{"le"}, Values: []string{"+Inf"}, Value: 5},
		{Type: "histogram", Metric: "took", Name: "took_bucket", Labels: []string{"le"}, Values: []string{"0.5"}, Value: 2},
		{Type: "histogram", Metric: "took", Name: "took_sum", Value: 9},
		{Type: "summary", Metric: "size", Name: "size_count", Value: 6},
		{Type: "summary", Metric: "size", Name: "size_sum", Value: 7},
		{Type: "gauge", Metric: "sold", Name: "sold_total", Value: 8}, // another type than before
	} {
		all.add("shop", s)
	}
	w := httptest.NewRecorder()
	serve(w, httptest.NewRequest("GET", "/metrics", nil), prometheus.Gatherers{
		h.registry, prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return all.sorted(), nil }),
	})
	for _, want := range []string{
		`sold_total{app="shop",exported_app="x",kind="tea"} 3`, `open{app="shop",worker="2"} 4`,
		`took_bucket{app="shop",le="0.5"} 2`, `took_bucket{app="shop",le="+Inf"} 7`, `took_sum{app="shop"} 9`, `took_count{app="shop"} 7`,
		`size_count{app="shop"} 6`, `size_sum{app="shop"} 7`, `modgw_generation{app="shop"} 1`,
	} {
		if !strings.Contains(w.Body.String(), "\n"+want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	if t.Failed() {
		t.Log(w.Body)
	}
}

func TestHistogramsAreClassicAndNativeAtOnce(t *testing.T) {
	h := newHost(t)
	h.deploy("shop", "start")
	h.request("http://shop.example/")
	gathered, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var queue *dto.Histogram
	for _, f := range gathered {
		if f.GetName() == "modgw_request_queue_seconds" {
			queue = f.Metric[0].Histogram
		}
	}
	if queue == nil || len(queue.Bucket) == 0 || queue.GetSchema() != 3 {
		t.Fatalf("%v", queue)
	}
	// 30 ms are more than 2^(-41/8) seconds, and not more than 2^(-40/8).
	if len(queue.PositiveSpan) != 1 || queue.PositiveSpan[0].GetOffset() != -40 || len(queue.PositiveDelta) != 1 || queue.PositiveDelta[0] != 1 {
		t.Errorf("%v", queue)
	}
}

func TestBucketsThatAreNoNeighboursAreRunsOfTheirOwn(t *testing.T) {
	runs, deltas := spans(map[int]uint64{-3: 5, -2: 7, 4: 1})
	var got []int32
	for _, r := range runs {
		got = append(got, r.GetOffset(), int32(r.GetLength()))
	}
	if len(got) != 4 || got[0] != -3 || got[1] != 2 || got[2] != 5 || got[3] != 1 ||
		len(deltas) != 3 || deltas[0] != 5 || deltas[1] != 2 || deltas[2] != -6 {
		t.Errorf("runs %v, deltas %v", got, deltas)
	}
}
