package host

import (
	"context"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/diagnosis"
	"github.com/modgw/modgw/modgw/meter"
	"github.com/modgw/modgw/modgw/metrics"
)

const (
	// locateTime is how long workers may take to report their requests. The caller of the status
	// waits that long if an app is unhealthy.
	locateTime = 300 * time.Millisecond

	// stallTime is the time in which no request of an app has ended after which its workers are
	// asked.
	stallTime = time.Second
)

// places are where the requests of an app are.
type places struct {
	found []modgw.Location

	// numbers of workers that did not answer, whose process is stopped, and with a thread that
	// cannot be interrupted
	silent, stopped, inKernel []int
}

// locate asks the workers of the apps that do not get on where their requests are. Others are left
// alone.
func (h *Host) locate(apps []modgw.AppStatus, meters map[modgw.AppName]*meter.App) map[modgw.AppName]places {
	ctx, cancel := context.WithTimeout(context.Background(), locateTime)
	defer cancel()
	var mu sync.Mutex
	var asking sync.WaitGroup
	all := map[modgw.AppName]places{}
	for i := range apps {
		s := &apps[i]
		if !h.isStuck(s, meters[s.App]) {
			continue
		}
		asking.Go(func() {
			var at places
			at.found, at.silent = h.gateway.Locate(ctx, s.App)
			at.addStates(s.Runner.Workers)
			mu.Lock()
			defer mu.Unlock()
			all[s.App] = at
		})
	}
	asking.Wait()
	return all
}

// addStates adds the workers that the kernel does not execute.
func (p *places) addStates(workers []modgw.WorkerStatus) {
	for _, w := range workers {
		if w.PID == 0 {
			continue
		}
		switch metrics.StateOf(w.PID) {
		case metrics.Stopped:
			p.stopped = append(p.stopped, w.Number)
		case metrics.Uninterruptible:
			p.inKernel = append(p.inKernel, w.Number)
		}
	}
}

// isStuck reports whether requests of an app wait for a worker, or none has ended for a while
// although workers have some.
func (h *Host) isStuck(s *modgw.AppStatus, counted *meter.App) bool {
	r := &s.Runner
	switch {
	case r.Busy == 0:
		return false
	case r.Queued > 0 || r.Busy >= r.Capacity:
		return true
	}
	return h.samples.isStalled(s.App, diagnosis.NewSample(time.Now(), s, counted))
}

// isStalled reports whether workers had requests at the last sample, and none has ended since.
func (f *sampleStore) isStalled(app modgw.AppName, now diagnosis.Sample) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.apps[app].latest
	return before.Busy > 0 && before.Generation == now.Generation && before.Requests == now.Requests &&
		now.Time.Sub(before.Time) >= stallTime
}
