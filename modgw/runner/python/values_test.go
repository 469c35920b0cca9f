package python

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/appvalues"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
)

// library is as much of prometheus_client as makes values. MODGW_TEST_PROMETHEUS names a folder
// with the real one, which tests use then.
var library = map[string]string{
	"__init__.py": `
from . import values
class Metric:
    def __init__(self, name, help, labels=(), multiprocess_mode="all", buckets=(0.1, 1.0, float("inf"))):
        self._of, self._name, self._help, self._labels = {}, name, help, tuple(labels)
        self._mode, self._buckets = multiprocess_mode, buckets
        if not labels:
            self._made = self._make(())
    def labels(self, *values):
        if values not in self._of:
            self._of[values] = self._make(values)
        return self._of[values]
    def remove(self, *values):
        del self._of[values]
    def inc(self, amount=1):
        self._made.inc(amount)
    def set(self, value):
        self._made.set(value)
    def observe(self, value):
        self._made.observe(value)
class Counter(Metric):
    def _make(self, given):
        value = values.ValueClass("counter", self._name, self._name + "_total", self._labels, given, self._help)
        return Child(value)
class Gauge(Metric):
    def _make(self, given):
        mode = self._mode
        return Child(values.ValueClass("gauge", self._name, self._name, self._labels, given, self._help, multiprocess_mode=mode))
class Histogram(Metric):
    def _make(self, given):
        make, names = values.ValueClass, self._labels + ("le",)
        self._sum = make("histogram", self._name, self._name + "_sum", self._labels, given, self._help)
        self._counts = [
            make("histogram", self._name, self._name + "_bucket", names, given + (str(b).replace("inf", "+Inf"),), self._help)
            for b in self._buckets
        ]
        return self
    def observe(self, value):
        self._sum.inc(value)
        for bound, count in zip(self._buckets, self._counts):
            if value <= bound:
                count.inc(1)
                break
class Child:
    def __init__(self, value):
        self._value = value
    def inc(self, amount=1):
        self._value.inc(amount)
    def set(self, value):
        self._value.set(value)
`,
	"values.py": `
class MutexValue:
    _multiprocess = False
    def __init__(self, typ, metric_name, name, labelnames, labelvalues, help_text, **kwargs):
        self._value = 0.0
    def inc(self, amount):
        self._value += amount
    def set(self, value, timestamp=None):
        self._value = value
    def get(self):
        return self._value
ValueClass = MutexValue
`,
}

// measuring is an app with its own metrics.
const measuring = `
import os
from prometheus_client import Counter, Gauge, Histogram
done = Counter("done", "What was done.", ["kind"])
open_files = Gauge("open_files", "Open files.", multiprocess_mode="livesum")
largest = Gauge("largest", "The largest.", multiprocess_mode="max")
mine = Gauge("mine", "Of each worker.", ["x"])
took = Histogram("took_seconds", "How long.")
open_files.set(10)
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/fork":
        pid = os.fork()
        if pid == 0:
            done.labels("child").inc(1000)
            os._exit(0)
        os.waitpid(pid, 0)
    if path == "/gauges":
        largest.set(environ["modgw.worker"])
        mine.labels("a").set(7)
        mine.labels("gone").set(8)
        mine.remove("gone")
    took.observe(0.5)
    done.labels(environ["REQUEST_METHOD"]).inc()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
`

// withLibrary puts the library into the folder of an app.
func withLibrary(t *testing.T, root string) {
	t.Helper()
	folder := filepath.Join(root, "prometheus_client")
	if real := os.Getenv("MODGW_TEST_PROMETHEUS"); real != "" {
		if err := os.CopyFS(folder, os.DirFS(filepath.Join(real, "prometheus_client"))); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range library {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// values returns the series of a store as text, without series that are zero.
func values(s *appvalues.Store) map[string]float64 {
	all := map[string]float64{}
	series, _ := s.Read()
	for _, one := range series {
		if one.Value != 0 {
			name := one.Name + "{" + strings.Join(one.Values, ",") + "}"
			if one.Worker > 0 {
				name += strconv.Itoa(one.Worker)
			}
			all[name] = one.Value
		}
	}
	return all
}

func TestMetricsOfAnAppAreThoseOfAllItsWorkers(t *testing.T) {
	t.Parallel()
	a := prepare(t, measuring, several(2))
	withLibrary(t, a.root)
	store := new(appvalues.Store)
	a.runner.app.Values = store
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	for _, path := range []string{"/", "/fork", "/gauges", "/"} {
		if answer := a.get(path); answer.body != "ok" {
			t.Fatalf("%s: %v", path, answer)
		}
	}
	got := values(store)
	for name, want := range map[string]float64{
		"done_total{GET}": 4, "done_total{child}": 0, "open_files{}": 20, "took_seconds_sum{}": 2,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, not %v", name, got[name], want)
		}
	}
	largest := int(got["largest{}"])
	if largest == 0 || got[fmt.Sprintf("mine{a}%d", largest)] != 7 || got[fmt.Sprintf("mine{gone}%d", largest)] != 0 {
		t.Error(got)
	}
	for _, w := range a.runner.Status().Workers {
		syscall.Kill(w.PID, syscall.SIGKILL)
		watchtest.Eventually(t, "another worker", func() bool { return !strings.Contains(fmt.Sprint(a.runner.Status()), fmt.Sprint(w.PID)) })
	}
	watchtest.Eventually(t, "both workers", func() bool { return values(store)["open_files{}"] == 20 })
	if after := values(store); after["done_total{GET}"] != 4 || after["largest{}"] != float64(largest) || after["mine{a}1"] != 0 {
		t.Errorf("after all workers were killed: %v", after)
	}
	a.runner.Stop(t.Context())
	a.stopped = true
	if after := values(store); after["done_total{GET}"] != 4 || after["open_files{}"] != 0 {
		t.Errorf("after the app was stopped: %v", after)
	}
}

func TestMetricsOfForkedWorkersAreTheirOwn(t *testing.T) {
	t.Parallel()
	packages := filepath.Join(t.TempDir(), "site-packages")
	if err := os.Mkdir(packages, 0o755); err != nil {
		t.Fatal(err)
	}
	withLibrary(t, packages)
	// A module of the environment may have metrics, which the template has then, too.
	module := "from prometheus_client import Counter\nimported = Counter('imported', 'Imports.')\nimported.inc()\n"
	if err := os.WriteFile(filepath.Join(packages, "instrumented.py"), []byte(module), 0o644); err != nil {
		t.Fatal(err)
	}
	a := prepare(t, "import instrumented\n"+measuring, several(2), func(d *modgw.Descriptor) { d.Python.Path = []string{packages} })
	store := new(appvalues.Store)
	a.runner.app.Values = store
	a.runner.files.Zygotes = &zygote.Set{Delay: time.Millisecond}
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.awaitTemplate()
	forked := a.again()
	if err := forked.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.runner.Stop(t.Context())
	forked.listen()
	for range 3 {
		if answer := forked.get("/"); answer.body != "ok" {
			t.Fatal(answer)
		}
	}
	for _, w := range forked.tracked() {
		if w.parent == nil {
			t.Error("a worker was not forked")
		}
	}
	if got := values(store); got["done_total{GET}"] != 3 || got["imported_total{}"] != 4 || got["open_files{}"] != 20 {
		t.Error(got)
	}
}

func TestAppThatDoesNotWantItKeepsItsMetrics(t *testing.T) {
	t.Parallel()
	const source = `
import prometheus_client.values
def application(environ, start_response):
    start_response("200 OK", [])
    return [prometheus_client.values.ValueClass.__name__.encode()]
`
	for want, change := range map[string]func(*modgw.Descriptor){
		"Value":      func(*modgw.Descriptor) {},
		"MutexValue": func(d *modgw.Descriptor) { d.Python.NoMetrics = true },
	} {
		a := prepare(t, source, change)
		withLibrary(t, a.root)
		a.runner.app.Values = new(appvalues.Store)
		if err := a.runner.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.listen()
		if got := a.get("/").body; got != want {
			t.Errorf("the library has %s, not %s", got, want)
		}
	}
}

// TestCountersOfAnAppAreMonotoneAndComplete recycles workers, reloads the app and kills workers
// while clients ask. With MODGW_TEST_RECYCLES=100 it does as much as a long day.
func TestCountersOfAnAppAreMonotoneAndComplete(t *testing.T) {
	t.Parallel()
	recycles, reloads, kills := 4, 2, 2
	if n, err := strconv.Atoi(os.Getenv("MODGW_TEST_RECYCLES")); err == nil {
		recycles, reloads, kills = n, n/5, n/20
	}
	files, err := workerCode()
	if err != nil {
		t.Fatal(err)
	}
	files.State = fronttest.Dir(t)
	root, python, log := t.TempDir(), interpreter(t), &watchtest.Log{}
	withLibrary(t, root)
	if err := os.WriteFile(filepath.Join(root, "hello.py"), []byte(measuring), 0o644); err != nil {
		t.Fatal(err)
	}
	var recycled atomic.Int64
	gateway := modgw.New(modgw.Config{
		Build: func(context.Context, modgw.Descriptor) (*modgw.Environment, error) {
			return &modgw.Environment{Interpreter: python}, nil
		},
		Runners: map[modgw.Kind]modgw.NewRunner{
			modgw.KindWSGI: func(c modgw.RunnerConfig) (modgw.Runner, error) { return New(c, files) },
		},
		Log: slog.New(slog.NewTextHandler(io.MultiWriter(log, counting{"worker retired", &recycled}), nil)),
	})
	defer gateway.Close(context.Background())
	d := modgw.Descriptor{
		Name: "hello", Root: root, Mount: "/", Kind: modgw.KindWSGI,
		WSGI:     &modgw.WSGI{Entry: "hello:application", Workers: 2, Threads: 2},
		Timeouts: modgw.Timeouts{Startup: watchtest.Patience, Request: watchtest.Patience, Drain: watchtest.Patience, Stop: watchtest.Patience},
		Queue:    modgw.Queue{Max: 1000, Timeout: watchtest.Patience},
		Recycle:  modgw.Recycle{Requests: 50},
	}
	if err := gateway.Deploy(t.Context(), d, "start"); err != nil {
		t.Fatal(err)
	}
	var store *appvalues.Store
	gateway.EachValues(func(_ modgw.AppName, s *appvalues.Store) { store = s })
	server := httptest.NewServer(gateway)
	defer server.Close()
	var sent, answered atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			client := server.Client()
			for {
				select {
				case <-stop:
					return
				case <-time.After(clientPause):
				}
				sent.Add(1)
				// A request that may be executed twice is repeated when its worker is killed.
				r, err := client.Post(server.URL, "text/plain", nil)
				if err != nil {
					continue
				}
				_, _ = io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if r.StatusCode == http.StatusOK {
					answered.Add(1)
				}
			}
		})
	}
	counted := func() float64 { return values(store)["done_total{POST}"] }
	last := 0.0
	watch := func() {
		before := float64(answered.Load())
		now := counted()
		after := float64(sent.Load())
		if now < last || now < before || now > after {
			t.Errorf("%v were counted after %v, of %v answered and %v sent", now, last, before, after)
		}
		last = now
	}
	for i := range max(recycles, reloads, kills) {
		if i < reloads {
			if err := gateway.Deploy(t.Context(), d, "restart"); err != nil {
				t.Fatal(err)
			}
			watch()
		}
		if i < kills {
			status, err := gateway.AppStatus("hello")
			if err != nil {
				t.Fatal(err)
			}
			syscall.Kill(status.Runner.Workers[0].PID, syscall.SIGKILL)
			watch()
		}
		watchtest.Eventually(t, "recycled workers", func() bool { watch(); return recycled.Load() > int64(min(i, recycles-1)) })
	}
	close(stop)
	clients.Wait()
	watch()
	lost := float64(sent.Load() - answered.Load())
	if n := counted(); n < float64(answered.Load()) || n > float64(answered.Load())+lost {
		t.Errorf("%v were counted of %d that were answered, and %v that were not", n, answered.Load(), lost)
	}
	t.Logf("%d requests, %v of them lost their worker, %d workers recycled", sent.Load(), lost, recycled.Load())
	if t.Failed() {
		t.Log(log.String())
	}
}

// counting counts the records of a log that have a text.
type counting struct {
	text string
	n    *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	if strings.Contains(string(p), c.text) {
		c.n.Add(1)
	}
	return len(p), nil
}
