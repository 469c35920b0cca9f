package host

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// Retries of an app that has no generation at all begin after firstRetry and double up to lastRetry.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// deployer is what a keeper needs of the gateway.
type deployer interface {
	Deploy(ctx context.Context, d modgw.Descriptor, cause string) error
	Retry(ctx context.Context, d modgw.Descriptor, cause string) error
	State(modgw.AppName) modgw.AppState
}

// order asks a keeper for a new generation.
type order struct {
	class      reload.Class
	cause      string
	descriptor *modgw.Descriptor // nil: the one the keeper has
	paths      []string          // files whose change is the cause; nil: it is another one
	since      time.Time         // when the first of them changed
	done       []chan<- error    // told how it ended; buffered
}

// keeper makes the generations of one app, one after the other, from the latest of what it was asked for. What comes
// while a generation is being made is not queued: it replaces what was to come, and calls off what is outdated by it.
type keeper struct {
	gateway deployer
	retries bool // whether an app without a generation is tried again on its own

	// prepare, when set, is called before each deploy, while no code was read for it.
	prepare func(modgw.Descriptor)

	// served, when set, is called with each descriptor that has become a generation.
	served func(modgw.Descriptor)

	// hold, when set, is called before there is something to do, and what it returns when there is nothing left.
	hold func() (release func())

	// warn is told, when set, of what users should know.
	warn func(*modgw.Fault)

	mu       sync.Mutex
	wake     chan struct{} // has one element when next was set
	next     *order
	current  *attempt
	keeps    modgw.Descriptor
	retrying time.Duration // how long until the next retry; 0 after a success
	steps    []string      // of building the environment, those logged since the last attempt that was no retry
	release  func()        // what hold returned; nil while there is nothing to do

	self    selfReload
	delayed *order    // waits because reloads cause themselves; nil: none does
	until   time.Time // when delayed becomes next
}

// attempt is a deploy under way.
type attempt struct {
	order     *order
	building  bool // the environment is not there yet, so no code was read
	calledOff bool
	cancel    context.CancelFunc
}

func newKeeper(g deployer, d modgw.Descriptor, retries bool) *keeper {
	return &keeper{gateway: g, retries: retries, keeps: d, wake: make(chan struct{}, 1)}
}

// descriptor is the latest one.
func (k *keeper) descriptor() modgw.Descriptor {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keeps
}

// order asks for a new generation. It does not wait.
func (k *keeper) order(o order) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if o.descriptor != nil {
		k.keeps = *o.descriptor
	}
	if k.delay(o) {
		k.nudge()
		return
	}
	if k.hold != nil && k.release == nil {
		k.release = k.hold()
	}
	k.releaseDelayed()
	k.put(o)
	if k.current != nil && k.current.outdatedBy(o.class) {
		k.current.calledOff = true
		k.current.cancel()
	}
	k.nudge()
}

// put makes o the next order, or a part of it. k.mu is held.
func (k *keeper) put(o order) {
	if k.next == nil {
		k.next = &o
	} else {
		k.next.merge(o)
	}
}

// delay reports whether o has to wait because the app's reloads cause themselves. k.mu is held.
func (k *keeper) delay(o order) bool {
	if len(o.paths) == 0 {
		return false
	}
	now := time.Now()
	pause, file := k.self.judge(o.paths, o.since)
	if file != "" && k.warn != nil {
		k.warn(reloadsItself(k.keeps.Name, file))
	}
	switch {
	case pause == 0:
		return false
	case k.delayed == nil:
		k.delayed, k.until = &o, now.Add(pause)
	default:
		k.delayed.merge(o)
	}
	return true
}

// releaseDelayed makes the delayed order a part of the next one. k.mu is held.
func (k *keeper) releaseDelayed() {
	if k.delayed != nil {
		k.put(*k.delayed)
		k.delayed = nil
	}
}

// ask is order for one who waits: the channel tells how it ended.
func (k *keeper) ask(o order) <-chan error {
	ended := make(chan error, 1)
	o.done = append(o.done, ended)
	k.order(o)
	return ended
}

// adopt takes a new descriptor without making a generation of it.
func (k *keeper) adopt(d modgw.Descriptor) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keeps = d
}

func (k *keeper) nudge() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// merge makes o the sum of itself and a later order.
func (o *order) merge(later order) {
	o.class = max(o.class, later.class)
	o.cause = later.cause
	o.done = append(o.done, later.done...)
}

// outdatedBy reports whether a change of the class makes the attempt pointless: all do once code is being read, and
// before that those that can change the environment.
func (a *attempt) outdatedBy(c reload.Class) bool {
	return !a.building || c > reload.Code
}

// isNewStep reports whether a step of building the environment was not logged yet; retries take the same ones.
func (k *keeper) isNewStep(text string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(k.steps, text) {
		return false
	}
	k.steps = append(k.steps, text)
	return true
}

// built is called when the environment of the attempt under way is there and its code is about to be read. Changes of
// code that came until now are part of it.
func (k *keeper) built() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current == nil {
		return
	}
	k.current.building = false
	if k.next != nil && k.next.class <= reload.Code {
		k.current.order.merge(*k.next)
		k.next = nil
	}
}

// run obeys orders until ctx is done.
func (k *keeper) run(ctx context.Context) {
	var retry, delayed <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			k.abandon(ctx)
			return
		case <-k.wake:
		case <-retry:
			k.again()
		case <-delayed:
			k.mu.Lock()
			k.releaseDelayed()
			k.mu.Unlock()
		}
		retry, delayed = nil, nil
		for k.pending() && ctx.Err() == nil {
			k.attempt(ctx)
		}
		if pause := k.pause(); pause > 0 {
			retry = time.After(pause)
		}
		delayed = k.afterDelay()
	}
}

// afterDelay is when the delayed order is due; nil while there is none.
func (k *keeper) afterDelay() <-chan time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.delayed == nil {
		return nil
	}
	return time.After(time.Until(k.until))
}

func (k *keeper) pending() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.next != nil
}

// again orders a retry.
func (k *keeper) again() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.next == nil {
		k.next = &order{class: reload.Nothing, cause: "retry"}
	}
}

func (k *keeper) pause() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.retrying
}

// attempt deploys what is to come next and tells those who wait how it went.
func (k *keeper) attempt(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k.mu.Lock()
	a := &attempt{order: k.next, building: true, cancel: cancel}
	k.next, k.current = nil, a
	k.self.begin(time.Now())
	if a.order.class != reload.Nothing {
		k.steps = nil
	}
	d := k.keeps
	k.mu.Unlock()

	if k.prepare != nil {
		k.prepare(d)
	}
	deploy := k.gateway.Deploy
	if a.order.class == reload.Nothing {
		deploy = k.gateway.Retry
	}
	err := deploy(ctx, pinned(d), a.order.cause)
	if err == nil && k.served != nil {
		k.served(d)
	}

	k.mu.Lock()
	k.current = nil
	k.self.end(time.Now())
	done := a.order.done
	if a.calledOff && err != nil && k.next != nil {
		// Those who wait are waiting for the newer one now.
		k.next.done = append(done, k.next.done...)
		done = nil
	}
	k.plan(err)
	k.rest()
	k.mu.Unlock()
	for _, c := range done {
		c <- err
	}
}

// plan decides whether and when there is a retry after an attempt that ended with err.
func (k *keeper) plan(err error) {
	switch {
	case err == nil || !k.retries || k.gateway.State(k.keeps.Name) != modgw.AppFailed:
		k.retrying = 0
	case k.retrying == 0:
		k.retrying = firstRetry
	default:
		k.retrying = min(2*k.retrying, lastRetry)
	}
}

// abandon tells those who still wait that nothing will come.
func (k *keeper) abandon(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.next == nil {
		return
	}
	for _, c := range k.next.done {
		c <- context.Cause(ctx)
	}
	k.next = nil
	k.rest()
}

// rest lets go of what was held when there is nothing left to do; k.mu is held.
func (k *keeper) rest() {
	if k.next == nil && k.release != nil {
		k.release()
		k.release = nil
	}
}
