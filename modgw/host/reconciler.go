package host

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// An app without any generation is deployed again after firstRetry. The pause doubles with each
// failure, up to lastRetry.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// deployer is the part of the gateway that a reconciler uses.
type deployer interface {
	Deploy(ctx context.Context, d modgw.Descriptor, cause string) error
	Retry(ctx context.Context, d modgw.Descriptor, cause string) error
	State(modgw.AppName) modgw.AppState
}

// reconciler makes the generations of one app, one after the other, each from the latest
// descriptor. Requests are not queued: those that arrive during a deploy are merged into one, which
// is next. If they make the deploy obsolete, it is cancelled.
type reconciler struct {
	gateway deployer
	retries bool // whether an app without a generation is deployed again after a failure

	beforeDeploy func(modgw.Descriptor)  // called before any code is read; nil: not called
	onServed     func(modgw.Descriptor)  // called when a descriptor is served; nil: not called
	hold         func() (release func()) // called when there is work; release: when none is left
	warn         func(*modgw.Fault)      // receives warnings for users; nil: not called

	requested chan struct{} // has one element when next or delayed was set

	mu         sync.Mutex
	desired    modgw.Descriptor
	next       *deployRequest // nil: nothing is to do
	current    *attempt       // nil: no deploy is running
	retryPause time.Duration  // until the next retry; 0 after a success
	steps      []string       // builds logged since the last deploy that was no retry
	release    func()         // returned by hold; nil while there is no work
	stopped    error          // why run has ended; nil while it has not

	selfReloads  selfReload
	delayed      *deployRequest // waits because the app's reloads cause each other; nil: none does
	delayedUntil time.Time      // when delayed becomes next
}

// attempt is a deploy that is running.
type attempt struct {
	request   *deployRequest
	building  bool // the environment is being built, so no code has been read
	cancelled bool // by a request that makes it obsolete
	cancel    context.CancelFunc
}

func newReconciler(g deployer, d modgw.Descriptor, retries bool) *reconciler {
	return &reconciler{gateway: g, retries: retries, desired: d, requested: make(chan struct{}, 1)}
}

// descriptor returns the latest descriptor.
func (r *reconciler) descriptor() modgw.Descriptor {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.desired
}

// request asks for a new generation. It does not wait.
func (r *reconciler) request(req deployRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped != nil {
		req.fail(r.stopped)
		return
	}
	if req.descriptor != nil {
		r.desired = *req.descriptor
	}
	if r.delayRequest(req) {
		r.wake()
		return
	}
	if r.hold != nil && r.release == nil {
		r.release = r.hold()
	}
	r.enqueueDelayed()
	r.enqueue(req)
	if r.current != nil && r.current.isObsoleteAfter(req.class) {
		r.current.cancelled = true
		r.current.cancel()
	}
	r.wake()
}

// enqueue makes req the next request, or a part of it. r.mu is held.
func (r *reconciler) enqueue(req deployRequest) {
	if r.next == nil {
		r.next = &req
	} else {
		r.next.merge(req)
	}
}

// delayRequest reports whether req has to wait because the app's reloads cause each other. It
// keeps the request then. r.mu is held.
func (r *reconciler) delayRequest(req deployRequest) bool {
	if len(req.paths) == 0 {
		return false
	}
	now := time.Now()
	pause, file := r.selfReloads.delayOf(req.paths, req.since)
	if file != "" && r.warn != nil {
		r.warn(reloadsItself(r.desired.Name, file))
	}
	switch {
	case pause == 0:
		return false
	case r.delayed == nil:
		r.delayed, r.delayedUntil = &req, now.Add(pause)
	default:
		r.delayed.merge(req)
	}
	return true
}

// enqueueDelayed makes the delayed request a part of the next one. r.mu is held.
func (r *reconciler) enqueueDelayed() {
	if r.delayed != nil {
		r.enqueue(*r.delayed)
		r.delayed = nil
	}
}

// requestWithResult is request for a caller that waits: the channel receives the outcome.
func (r *reconciler) requestWithResult(req deployRequest) <-chan error {
	ended := make(chan error, 1)
	req.done = append(req.done, ended)
	r.request(req)
	return ended
}

// setDescriptor replaces the descriptor without making a generation of it.
func (r *reconciler) setDescriptor(d modgw.Descriptor) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.desired = d
}

// wake has run look for something to do.
func (r *reconciler) wake() {
	select {
	case r.requested <- struct{}{}:
	default:
	}
}

// isObsoleteAfter reports whether a change of the class makes the attempt pointless: any change
// does once code is being read; before that, only a change that can alter the environment.
func (a *attempt) isObsoleteAfter(c reload.Class) bool {
	return !a.building || c > reload.Code
}

// isNewStep reports whether a step of building the environment was not logged yet. Retries repeat
// the same steps.
func (r *reconciler) isNewStep(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.steps, text) {
		return false
	}
	r.steps = append(r.steps, text)
	return true
}

// environmentBuilt notes that the running deploy has its environment and is about to read code.
// Changes of code until now are part of that deploy.
func (r *reconciler) environmentBuilt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil {
		return
	}
	r.current.building = false
	if r.next != nil && r.next.class <= reload.Code {
		r.current.request.merge(*r.next)
		r.next = nil
	}
}

// run makes generations until ctx is done. It may be called once.
func (r *reconciler) run(ctx context.Context) {
	var retry, delayed <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			r.stop(ctx)
			return
		case <-r.requested:
		case <-retry:
			r.requestRetry()
		case <-delayed:
			r.mu.Lock()
			r.enqueueDelayed()
			r.mu.Unlock()
		}
		retry, delayed = nil, nil
		for r.hasRequest() && ctx.Err() == nil {
			r.deployNext(ctx)
		}
		if pause := r.currentRetryPause(); pause > 0 {
			retry = time.After(pause)
		}
		delayed = r.delayTimer()
	}
}

// delayTimer fires when the delayed request is due; nil while there is none.
func (r *reconciler) delayTimer() <-chan time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.delayed == nil {
		return nil
	}
	return time.After(time.Until(r.delayedUntil))
}

func (r *reconciler) hasRequest() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next != nil
}

// requestRetry makes a retry the next request, unless there is one already.
func (r *reconciler) requestRetry() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = &deployRequest{class: reload.Nothing, cause: "retry"}
	}
}

func (r *reconciler) currentRetryPause() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.retryPause
}

// deployNext deploys for the next request and sends the outcome to its waiters.
func (r *reconciler) deployNext(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.mu.Lock()
	a := &attempt{request: r.next, building: true, cancel: cancel}
	r.next, r.current = nil, a
	r.selfReloads.begin(time.Now())
	if a.request.class != reload.Nothing {
		r.steps = nil
	}
	d := r.desired
	r.mu.Unlock()

	if r.beforeDeploy != nil {
		r.beforeDeploy(d)
	}
	deploy := r.gateway.Deploy
	if a.request.class == reload.Nothing {
		deploy = r.gateway.Retry
	}
	err := deploy(ctx, withResolvedRoot(d), a.request.cause)
	if err == nil && r.onServed != nil {
		r.onServed(d)
	}

	r.mu.Lock()
	r.current = nil
	r.selfReloads.end(time.Now())
	done := a.request.done
	if a.cancelled && err != nil && r.next != nil {
		// The waiters get the outcome of the request that cancelled this deploy.
		r.next.done = append(done, r.next.done...)
		done = nil
	}
	r.planRetry(err)
	r.releaseWhenIdle()
	r.mu.Unlock()
	for _, c := range done {
		c <- err
	}
}

// planRetry sets the pause before the next retry, after a deploy that ended with err.
func (r *reconciler) planRetry(err error) {
	switch {
	case err == nil || !r.retries || r.gateway.State(r.desired.Name) != modgw.AppFailed:
		r.retryPause = 0
	case r.retryPause == 0:
		r.retryPause = firstRetry
	default:
		r.retryPause = min(2*r.retryPause, lastRetry)
	}
}

// stop fails the next request, and all later ones, with the cause of ctx.
func (r *reconciler) stop(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = context.Cause(ctx)
	if r.next != nil {
		r.next.fail(r.stopped)
		r.next = nil
	}
	r.releaseWhenIdle()
}

// releaseWhenIdle calls the result of hold when no work is left; r.mu is held.
func (r *reconciler) releaseWhenIdle() {
	if r.next == nil && r.release != nil {
		r.release()
		r.release = nil
	}
}
