package host

import (
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/diagnosis"
	"github.com/modgw/modgw/modgw/meter"
	"github.com/modgw/modgw/modgw/metrics"
)

// Samples of an app's figures are taken when its status is asked for, as top, Prometheus and
// dashboards do again and again: a host at which no one looks does not wake up for them.
const (
	sampleEvery = 10 * time.Second // samples that are kept are so far apart at least
	keptSamples = 60
)

// figures keeps samples of the figures of apps. Its zero value has none.
type figures struct {
	mu   sync.Mutex
	apps map[modgw.AppName]samples
}

// samples are the samples of an app.
type samples struct {
	kept   []diagnosis.Sample // oldest first
	latest diagnosis.Sample   // the last one, kept or not
}

// add returns the kept samples of an app, the latest one and s, which is kept if it is time.
func (f *figures) add(app modgw.AppName, s diagnosis.Sample) []diagnosis.Sample {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, known := f.apps[app]
	if known {
		s = s.After(before.latest)
	}
	kept := before.kept
	all := append(make([]diagnosis.Sample, 0, len(kept)+2), kept...)
	if known && before.latest.Time.After(kept[len(kept)-1].Time) {
		all = append(all, before.latest)
	}
	if len(kept) == 0 || s.Time.Sub(kept[len(kept)-1].Time) >= sampleEvery {
		kept = append(slices.Clone(kept[max(0, len(kept)-keptSamples+1):]), s)
	}
	all = append(all, s)
	if f.apps == nil {
		f.apps = map[modgw.AppName]samples{}
	}
	f.apps[app] = samples{kept, s}
	return all
}

// remove forgets an app.
func (f *figures) remove(app modgw.AppName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.apps, app)
}

// meters are the counts of the apps that had a request.
func (h *Host) meters() map[modgw.AppName]*meter.App {
	all := map[modgw.AppName]*meter.App{}
	h.gateway.EachMeter(func(name modgw.AppName, counted *meter.App) { all[name] = counted })
	return all
}

// diagnose explains why an app is unhealthy. Samples are kept for apps whose generation has
// processes.
func (h *Host) diagnose(s *modgw.AppStatus, degraded string, mistaken bool, counted *meter.App, at places) *diagnosis.Diagnosis {
	app := diagnosis.App{
		AppStatus: *s, Now: time.Now(), Mistake: mistaken, WatchDegraded: degraded,
		Places: at.found, Silent: at.silent, Stopped: at.stopped, InKernel: at.inKernel,
	}
	sample := diagnosis.NewSample(app.Now, s, counted)
	if s.Generation == nil || s.Kind == modgw.KindStatic {
		h.figures.remove(s.App)
		app.Samples = []diagnosis.Sample{sample}
		return diagnosis.Of(app)
	}
	sample.CPU = processorTimes(s.Runner.Workers)
	app.Samples = h.figures.add(s.App, sample)
	if r := h.reconciler(s.App); r != nil {
		d := r.descriptor()
		app.QueueMax, app.BodyMax = d.Queue.Max, d.Limits.Body
	}
	if counted != nil {
		app.Client, _ = counted.Clients.Most()
	}
	if s.Failing != nil {
		app.FailingError, app.Interrupted = h.book.Failure(s.App, s.Failing.Last.Request)
	}
	if s.Runner.Restarts > 0 || slices.ContainsFunc(s.Runner.Workers, isDown) {
		app.WorkerEnd, app.WorkerEnds = h.book.WorkerEnds(s.App)
	}
	return diagnosis.Of(app)
}

// isDown reports whether a worker does not serve yet, or not any more.
func isDown(w modgw.WorkerStatus) bool { return w.State == "backoff" || w.State == "starting" }

// processorTimes returns the processor times of the live workers, by process id.
func processorTimes(workers []modgw.WorkerStatus) map[int]time.Duration {
	all := make(map[int]time.Duration, len(workers))
	for _, w := range workers {
		if w.PID == 0 {
			continue
		}
		if used, ok := metrics.ProcessorTime(w.PID); ok {
			all[w.PID] = used
		}
	}
	return all
}
