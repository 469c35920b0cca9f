package modgw

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// acquire returns the current generation, with the request counted. If there is none, it wakes an
// idle app and waits for the first one, as it waits for a sleeping app, within the limits of the
// app's queue. The fault is the reason why there is none.
func (a *App) acquire(r *http.Request, info *RequestInfo, wake func(AppName, string)) (*Generation, *Fault) {
	for {
		// A generation that is retired between the two calls has been replaced already.
		if g := a.current.Load(); g != nil && g.countIn() {
			return g, nil
		}
		if fault := a.await(r, info, wake); fault != nil {
			return nil, fault
		}
	}
}

// await returns nil when it is worth looking for a generation again.
func (a *App) await(r *http.Request, info *RequestInfo, wake func(AppName, string)) *Fault {
	a.mu.Lock()
	if a.state != AppAsleep && a.current.Load() != nil {
		a.mu.Unlock()
		return nil
	}
	switch a.state {
	case AppFailed:
		defer a.mu.Unlock()
		return a.failure.Fault
	case AppStopped:
		defer a.mu.Unlock()
		return &Fault{
			Code:    "MGW-APP-101",
			Summary: fmt.Sprintf("cannot answer: app %q was stopped", a.name),
			Hint:    fmt.Sprintf("start it with: modgw-host restart %s", a.name),
		}
	}
	// The app starts or wakes even if this request cannot wait for it.
	idle, asleep := a.state == AppIdle, a.state == AppAsleep
	switch {
	case idle:
		a.setStateLocked(AppStarting)
	case asleep:
		a.sleep.rouse(Awakening{Cause: WokenByRequest, Request: newSuspect(r, info)})
	}
	// Waking takes a moment. After that the workers' queue limits the waiting requests.
	queue := a.routed.Queue
	full := !asleep && a.waiting >= queue.Max
	if !full {
		a.waiting++
	}
	changed := a.changed
	a.mu.Unlock()
	if idle {
		wake(a.name, "first request")
	}
	if full {
		return &Fault{
			Code:    "MGW-APP-102",
			Summary: fmt.Sprintf("cannot queue another request: app %q is still starting and its queue is full", a.name),
			Hint:    "raise queue.max, or find out with modgw-host status what the start waits for",
		}
	}
	return a.awaitChange(r.Context(), changed, queue.Timeout, asleep)
}

// awaitChange waits until the app, which starts or wakes up, has another state.
func (a *App) awaitChange(ctx context.Context, changed <-chan struct{}, limit time.Duration, wakes bool) *Fault {
	defer func() {
		a.mu.Lock()
		a.waiting--
		a.mu.Unlock()
	}()
	var expired <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return &Fault{Code: "MGW-APP-103", Summary: "cannot answer: the client has gone", Err: context.Cause(ctx)}
	case <-expired:
		fault := &Fault{
			Code:    "MGW-APP-104",
			Summary: fmt.Sprintf("cannot answer: app %q was still starting after %s", a.name, limit),
			Hint:    "raise queue.timeout, or find out with modgw-host status what the start waits for",
		}
		if wakes {
			fault.Summary = fmt.Sprintf("cannot answer: app %q was still waking up after %s", a.name, limit)
			fault.Hint = "its memory may come back from a slow swap, or the machine be overloaded; raise queue.timeout"
		}
		return fault
	}
}
