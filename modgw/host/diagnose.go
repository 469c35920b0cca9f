package host

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/diagnosis"
	"github.com/modgw/modgw/modgw/meter"
	"github.com/modgw/modgw/modgw/metrics"
)

// diagnoseHost explains why the host itself is unhealthy; nil: it is healthy as far as known.
func (h *Host) diagnoseHost(broken []diagnosis.BrokenFile) *diagnosis.Diagnosis {
	h.mu.Lock()
	mistake := h.fileMistake
	h.mu.Unlock()
	about := diagnosis.Host{
		Now: time.Now(), Certificates: h.certificates(), File: mistake, Broken: broken,
		WatchDegraded: h.watcher.Status(ownFiles).Degraded, State: diskAt(h.State()),
	}
	about.Files.Open, about.Files.Most = metrics.OpenFiles()
	return diagnosis.OfHost(about)
}

// setFileMistake keeps why the host's own file cannot be used; nil: it can.
func (h *Host) setFileMistake(err error) {
	var mistake *modgw.Fault
	if load, ok := errors.AsType[*LoadError](err); ok {
		mistake = load.Diagnostics.Fault()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fileMistake = mistake
}

// diskAt is the file system of a folder, as far as it can be read.
func diskAt(path string) diagnosis.Disk {
	d := diagnosis.Disk{Path: path}
	var s unix.Statfs_t
	if unix.Statfs(path, &s) != nil {
		return d
	}
	block := uint64(s.Frsize)
	// Bavail excludes reserved space, which root may use, but neither the users of apps nor root in
	// a container.
	d.Size, d.Free = s.Blocks*block, s.Bavail*block
	d.MostFiles, d.FreeFiles = s.Files, s.Ffree
	return d
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
		h.samples.remove(s.App)
		app.Samples = []diagnosis.Sample{sample}
		return diagnosis.Of(app)
	}
	sample.CPU = processorTimes(s.Runner.Workers)
	app.Samples = h.samples.add(s.App, sample)
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

// meters are the counts of the apps that had a request.
func (h *Host) meters() map[modgw.AppName]*meter.App {
	all := map[modgw.AppName]*meter.App{}
	h.gateway.EachMeter(func(name modgw.AppName, counted *meter.App) { all[name] = counted })
	return all
}

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
