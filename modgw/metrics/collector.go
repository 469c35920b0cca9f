package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/appvalues"
	"github.com/modgw/modgw/modgw/meter"
)

// collector collects the metrics of the host and its apps.
type collector struct{ *Metrics }

// Describe implements [prometheus.Collector].
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, f := range families {
		out <- f.desc
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(out chan<- prometheus.Metric) {
	host := c.config.Host()
	has := make(map[modgw.AppName]bool, len(host.Apps))
	for i := range host.Apps {
		has[host.Apps[i].App] = true
		c.collectApp(out, &host.Apps[i])
	}
	c.deploys.keep(has)
	c.config.Gateway.EachMeter(func(name modgw.AppName, a *meter.App) {
		if name == "" || has[name] {
			collectRequests(out, string(name), a)
		}
	})
	c.config.Gateway.EachValues(func(name modgw.AppName, s *appvalues.Store) {
		if series, dropped := s.Read(); has[name] && len(series)+int(dropped) > 0 {
			out <- appSeries.value(float64(len(series)), string(name))
			out <- appSeriesDropped.value(float64(dropped), string(name))
		}
	})
	c.collectDeploys(out, has)
	c.collectHost(out, &host)
}

// collectRequests collects the counts of requests. app is empty for requests that no app got.
func collectRequests(out chan<- prometheus.Metric, app string, a *meter.App) {
	a.EachCode(func(code string, n uint64) { out <- requestsTotal.value(float64(n), app, code) })
	a.EachCause(func(code string, n uint64) {
		c := causeOf(code)
		f := requestsFailed
		if c.rejected {
			f = requestsRejected
		}
		out <- f.value(float64(n), app, c.name)
	})
	if app == "" {
		return
	}
	out <- requestDuration.histogram(&a.Duration, app)
	out <- requestQueue.histogram(&a.Queue, app)
	out <- requestFront.histogram(&a.Front, app)
	for _, c := range []struct {
		family *family
		value  uint64
	}{
		{requestBytes, a.Received.Load()}, {responseBytes, a.Sent.Load()}, {uploads, a.Uploads.Load()},
		{requestsBroken, a.Broken.Load()}, {requestRetries, a.Retries.Load()}, {webSocketsTotal, a.Upgrades.Load()},
		{webSockets, uint64(max(0, a.Upgraded.Load()))},
	} {
		out <- c.family.value(float64(c.value), app)
	}
}

// collectApp collects the state of an app.
func (c *collector) collectApp(out chan<- prometheus.Metric, s *App) {
	app, inFlight := string(s.App), s.Waiting
	out <- appState.value(1, app, string(s.State))
	out <- deployFailed.value(truth(s.Failure != nil), app)
	if s.Unwell != "" {
		out <- appUnwell.value(1, app, s.Unwell)
	}
	number := 0
	if g := s.Generation; g != nil {
		number, inFlight = g.Number, inFlight+g.InFlight
		out <- generationReady.value(timestamp(g.Ready), app)
		out <- reloadSeconds.value(g.Took, app)
	}
	for _, d := range s.Draining {
		inFlight += d.InFlight
	}
	out <- generation.value(float64(number), app)
	out <- generationsDraining.value(float64(len(s.Draining)), app)
	out <- requestsInFlight.value(float64(inFlight), app)
	out <- requestsQueued.value(float64(s.Waiting+s.Runner.Queued), app)
	c.collectRunner(out, app, &s.Runner)
	if scale := s.Scale; scale != nil {
		out <- workersWanted.value(float64(scale.Wanted), app)
		out <- workersMin.value(float64(scale.Min), app)
		out <- workersMax.value(float64(scale.Max), app)
		if scale.Held != "" {
			out <- workersHeld.value(1, app, scale.Held)
		}
	}
	collectWatch(out, app, &s.Watch)
}

func collectWatch(out chan<- prometheus.Metric, app string, w *Watch) {
	if w.Mode == "" {
		return
	}
	out <- watchMode.value(1, app, w.Mode)
	out <- watchDegraded.value(truth(w.Degraded), app)
	out <- watchFolders.value(float64(w.Directories), app)
	if !w.LastEvent.IsZero() {
		out <- watchLastEvent.value(timestamp(w.LastEvent), app)
	}
}

func (c *collector) collectRunner(out chan<- prometheus.Metric, app string, s *modgw.RunnerStatus) {
	out <- workersBusy.value(float64(s.Busy), app)
	out <- workersCapacity.value(float64(s.Capacity), app)
	out <- workerRestarts.value(float64(s.Restarts), app)
	for kind, n := range s.Denied {
		out <- sandboxDenials.value(float64(n), app, kind)
	}
	states := map[string]int{"ready": 0}
	shown := map[int]bool{}
	for _, w := range s.Workers {
		states[w.State]++
		// While a worker is being replaced, two workers have its number; the older one comes first.
		if shown[w.Number] {
			continue
		}
		shown[w.Number] = true
		number := strconv.Itoa(w.Number)
		out <- workerRequests.value(float64(w.Requests), app, number)
		out <- workerStart.value(timestamp(w.Since), app, number)
		if w.PID == 0 {
			continue
		}
		collectInterpreter(out, w.Interpreter, app, number)
		if seconds, ok := cpuOf(w.PID); ok {
			out <- workerCPU.value(seconds, app, number)
		}
		if bytes, ok := c.memory.of(w.PID); ok {
			out <- workerMemory.value(float64(bytes), app, number)
		}
	}
	for state, n := range states {
		out <- workers.value(float64(n), app, state)
	}
}

// collectInterpreter collects how the interpreter of a worker keeps requests waiting.
func collectInterpreter(out chan<- prometheus.Metric, s *modgw.InterpreterStatus, labels ...string) {
	if s == nil {
		return
	}
	for _, c := range []struct {
		family *family
		pauses *modgw.Pauses
	}{{workerCollections, s.GC}, {workerLock, s.GIL}, {workerLag, s.Loop}} {
		if c.pauses != nil {
			out <- c.family.pauses(c.pauses, labels...)
		}
	}
}

// collectDeploys collects the counts of generations and environments.
func (c *collector) collectDeploys(out chan<- prometheus.Metric, has map[modgw.AppName]bool) {
	c.deploys.mu.Lock()
	defer c.deploys.mu.Unlock()
	for name := range has {
		app, results := string(name), map[string]int{"success": 0, "failure": 0}
		if d := c.deploys.apps[name]; d != nil {
			for kind, n := range d.generations {
				results[kind.result] += n
				out <- reloadCauses.value(float64(n), app, kind.cause, kind.result)
			}
			for result, n := range d.builds {
				out <- environmentBuilds.value(float64(n), app, result)
			}
			out <- environmentSeconds.value(d.building.Seconds(), app)
		}
		for result, n := range results {
			out <- reloads.value(float64(n), app, result)
		}
	}
}

func (c *collector) collectHost(out chan<- prometheus.Metric, h *Host) {
	out <- info.value(1, c.config.Version)
	out <- startTime.value(timestamp(c.config.Started))
	if h.Unwell != "" {
		out <- hostUnwell.value(1, h.Unwell)
	}
	if h.StateSize > 0 {
		out <- stateFree.value(float64(h.StateFree))
		out <- stateSize.value(float64(h.StateSize))
	}
	out <- hostsDraining.value(float64(h.Draining))
	for _, t := range h.Tenants {
		collectTenant(out, &t)
	}
	out <- brokenFiles.value(float64(h.Broken))
	out <- spoolBytes.value(float64(h.SpoolMemory), "memory")
	out <- spoolBytes.value(float64(h.SpoolDisk), "disk")
	out <- logDropped.value(float64(h.LogDropped))
	out <- accessLost.value(float64(h.AccessLost))
	out <- spansExported.value(float64(h.SpansExported))
	out <- spansDropped.value(float64(h.SpansDropped))
}

func collectTenant(out chan<- prometheus.Metric, t *Tenant) {
	for _, part := range []struct {
		kind  string
		bytes int64
	}{
		{"environments", t.Used.Environments}, {"caches", t.Used.Caches}, {"private", t.Used.Private}, {"spool", t.Used.Spool}, {"logs", t.Used.Logs},
	} {
		out <- tenantDisk.value(float64(part.bytes), t.User, part.kind)
	}
	if t.Most > 0 {
		out <- tenantDiskMax.value(float64(t.Most), t.User)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// timestamp returns a time in Prometheus's format, or 0 for the zero time.
func timestamp(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
