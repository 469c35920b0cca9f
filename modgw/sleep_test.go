package modgw

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
)

// sleepyRunner is a runner that must not be used while it sleeps.
type sleepyRunner struct {
	*stubRunner
	bed *bed
}

// bed holds the state that the sleepy runners of a test share.
type bed struct {
	stage
	means   string        // "": it can sleep
	refused error         // Sleep returns it
	deep    chan struct{} // Sleep waits until it closes, or its context ends; nil: it does not

	asleep atomic.Int64 // runners that sleep
	tries  atomic.Int64 // calls of Sleep
	misuse atomic.Pointer[string]
}

func (b *bed) newRunner(c RunnerConfig) (Runner, error) {
	r, err := b.stage.newRunner(c)
	return &sleepyRunner{r.(*stubRunner), b}, err
}

func (r *sleepyRunner) wrong(what string) { r.bed.misuse.CompareAndSwap(nil, &what) }

func (r *sleepyRunner) Sleep(ctx context.Context) error {
	r.bed.tries.Add(1)
	if r.bed.refused != nil {
		return r.bed.refused
	}
	if r.bed.deep != nil {
		select {
		case <-r.bed.deep:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.bed.asleep.Add(1)
	return nil
}

func (r *sleepyRunner) Wake() error {
	if r.bed.asleep.Add(-1) < 0 {
		r.wrong("woken while it was awake")
	}
	return nil
}

func (r *sleepyRunner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.bed.asleep.Load() != 0 {
		r.wrong("a request came to what sleeps")
	}
	r.stubRunner.ServeHTTP(w, req)
}

func (r *sleepyRunner) Stop(ctx context.Context) {
	if r.bed.asleep.Load() != 0 {
		r.wrong("stopped asleep")
	}
	r.stubRunner.Stop(ctx)
}

func (r *sleepyRunner) Status() RunnerStatus {
	means := "cgroup v2"
	if r.bed.means != "" {
		means = r.bed.means
	}
	return RunnerStatus{Workers: []WorkerStatus{{Memory: 1000}}, Sleep: map[string]string{"freeze": means}}
}

// sleepyGateway serves an app that falls asleep at once when it has no requests.
func sleepyGateway(t *testing.T, b *bed, change ...func(*Descriptor)) (*Gateway, Descriptor) {
	t.Helper()
	g := testGateway(t, &b.stage, func(c *Config) { c.Runners[KindWSGI] = b.newRunner })
	t.Cleanup(func() {
		if what := b.misuse.Load(); what != nil {
			t.Error(*what)
		}
	})
	d := descriptor("hello")
	d.Idle.SleepAfter = time.Millisecond
	for _, f := range change {
		f(&d)
	}
	deploy(t, g, d)
	return g, d
}

func awaitAsleep(t *testing.T, g *Gateway, b *bed, times int) {
	t.Helper()
	waitFor(t, func() bool {
		st, _ := g.AppStatus("blog")
		return st.State == AppAsleep && b.asleep.Load() == 1 && st.Sleep.Times == times
	})
}

func TestRequestWakesAnAppThatSleeps(t *testing.T) {
	t.Parallel()
	b := &bed{}
	g, _ := sleepyGateway(t, b)
	for times := 1; times < 3; times++ {
		awaitAsleep(t, g, b, times)
		st, _ := g.AppStatus("blog")
		if st.Generation == nil || st.Generation.InFlight != 0 || st.Sleep.Since.IsZero() || st.Sleep.Times != times {
			t.Errorf("asleep: %+v %+v", st.Generation, st.Sleep)
		}
		w := get(g, "/a%20page")
		if w.Code != 200 || w.Body.String() != "hello" {
			t.Errorf("answer %d %q", w.Code, w.Body)
		}
		st, _ = g.AppStatus("blog")
		by := st.Sleep.Woken
		if by == nil || by.Cause != WokenByRequest || by.Request == nil || by.Request.Path != "/a%20page" || by.Slept <= 0 || by.Took <= 0 {
			t.Errorf("woken by %+v", by)
		}
	}
}

// TestQueueWithoutRoomKeepsNoAppFromWaking is about a queue that would refuse each request.
func TestQueueWithoutRoomKeepsNoAppFromWaking(t *testing.T) {
	t.Parallel()
	b := &bed{}
	g, _ := sleepyGateway(t, b, func(d *Descriptor) { d.Queue.Max = 0 })
	awaitAsleep(t, g, b, 1)
	if w := get(g, "/"); w.Code != 200 || w.Body.String() != "hello" {
		t.Errorf("answer %d %q", w.Code, w.Body)
	}
}

func TestNoRequestIsLostWhenItsAppFallsAsleep(t *testing.T) {
	t.Parallel()
	b := &bed{}
	g, _ := sleepyGateway(t, b)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond): // it falls asleep about now
				}
				if w := get(g, "/"); w.Code != 200 || w.Body.String() != "hello" {
					t.Errorf("answer %d %q", w.Code, w.Body)
					return
				}
			}
		})
	}
	waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.Sleep.Times >= 20 })
	close(stop)
	clients.Wait()
}

func TestRequestInterruptsAnAppThatFallsAsleep(t *testing.T) {
	t.Parallel()
	b := &bed{deep: make(chan struct{})}
	g, _ := sleepyGateway(t, b)
	waitFor(t, func() bool { return b.tries.Load() == 1 })
	if w := get(g, "/"); w.Code != 200 || w.Body.String() != "hello" {
		t.Errorf("answer %d %q", w.Code, w.Body)
	}
	if st, _ := g.AppStatus("blog"); st.Sleep.Times != 0 || st.Sleep.Woken != nil {
		t.Errorf("it did not sleep: %+v", st.Sleep)
	}
}

func TestAppIsAwakeForWhateverTouchesItsWorkers(t *testing.T) {
	t.Parallel()
	b := &bed{}
	g, d := sleepyGateway(t, b)
	for i, c := range []struct {
		cause string
		act   func() error
	}{
		{WokenByDeploy, func() error { return g.Deploy(t.Context(), d, "reload") }},
		{WokenByDeploy, func() error { return g.Rollback(t.Context(), d.Name) }},
		{WokenByScale, func() error { _, err := g.Scale(d.Name, Scale{Min: 2, Max: 2}); return err }},
		{WokenByStop, func() error { return g.Stop(t.Context(), d.Name) }},
	} {
		awaitAsleep(t, g, b, i+1)
		if err := c.act(); err != nil {
			t.Errorf("%s: %v", c.cause, err)
		}
		waitFor(t, func() bool {
			st, _ := g.AppStatus("blog")
			return st.Sleep.Woken != nil && st.Sleep.Woken.Cause == c.cause
		})
	}
	if st, _ := g.AppStatus("blog"); st.State != AppStopped || b.asleep.Load() != 0 {
		t.Errorf("at last: %s, %d asleep", st.State, b.asleep.Load())
	}
}

func TestAppThatSleepsIsStoppedWhenItWasIdleForLong(t *testing.T) {
	t.Parallel()
	b := &bed{}
	g, _ := sleepyGateway(t, b, func(d *Descriptor) { d.Idle.StopAfter = 50 * time.Millisecond })
	waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.State == AppIdle })
	st, _ := g.AppStatus("blog")
	if by := st.Sleep.Woken; st.Sleep.Times != 1 || by == nil || by.Cause != WokenByIdle || !st.Sleep.Since.IsZero() {
		t.Errorf("%+v woken by %+v", st.Sleep, by)
	}
}

func TestAppThatSleepsIsStoppedOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := sleepyGateway(t, &bed{}, func(d *Descriptor) {
			d.Idle = Idle{SleepAfter: 10 * time.Minute, StopAfter: time.Hour}
		})
		time.Sleep(time.Hour - time.Second)
		synctest.Wait()
		if state := g.State("blog"); state != AppAsleep {
			t.Errorf("%s after almost an hour", state)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if state := g.State("blog"); state != AppIdle {
			t.Errorf("%s after an hour", state)
		}
	})
}

func TestBusyAppStaysAwake(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	b := &bed{}
	b.serve = func(http.ResponseWriter, *http.Request) { close(begun); <-finish }
	g, _ := sleepyGateway(t, b, func(d *Descriptor) { d.Idle.SleepAfter = 500 * time.Millisecond })
	var client sync.WaitGroup
	client.Go(func() { get(g, "/") })
	<-begun
	generation := g.apps["blog"].current.Load()
	if generation.fallAsleep() {
		t.Error("it sleeps with a request")
	}
	close(finish)
	client.Wait()
	awaitAsleep(t, g, b, 1)
}

// TestAppStaysAwakeWhileAGenerationDrains: the app stays awake because requests of the draining
// generation may move to it.
func TestAppStaysAwakeWhileAGenerationDrains(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	b := &bed{}
	b.serve = func(http.ResponseWriter, *http.Request) { close(begun); <-finish }
	g, d := sleepyGateway(t, b, func(d *Descriptor) { d.Idle.SleepAfter = 300 * time.Millisecond })
	var client sync.WaitGroup
	client.Go(func() { get(g, "/") })
	<-begun
	d.Idle.SleepAfter = time.Millisecond
	deploy(t, g, d)
	app := g.apps["blog"]
	w := &idleWatch{gateway: g, app: app, generation: app.current.Load(), idle: d.Idle}
	if ctx, rise := w.fallAsleep(); ctx != nil {
		t.Error("it sleeps while a generation drains")
		w.stayAwake(ErrBusy, rise)
	}
	close(finish)
	client.Wait()
	awaitAsleep(t, g, b, 1)
}

func TestAppStaysAwakeWhileAnotherHostMayHaveItsRequests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hold     func(*Gateway) (release func())
		inherits bool
		sleeps   bool
	}{
		"another host may take over":                          {(*Gateway).HoldAwake, false, false},
		"an earlier host is there, with the same workers":     {(*Gateway).HoldSharedAwake, true, false},
		"an earlier host is there, and the workers are new":   {(*Gateway).HoldSharedAwake, false, true},
		"another host may take over what an earlier host had": {(*Gateway).HoldAwake, true, false},
	} {
		b := &bed{}
		g := testGateway(t, &b.stage, func(c *Config) { c.Runners[KindWSGI] = b.newRunner })
		beside := g.HoldAwake() // so that it sleeps only on request
		d := descriptor("hello")
		d.Idle.SleepAfter = time.Millisecond
		deploy(t, g, d)
		w := &idleWatch{gateway: g, app: g.apps["blog"], generation: g.apps["blog"].current.Load(), idle: d.Idle}
		w.generation.inherits = c.inherits // it is not read while HoldAwake holds
		release := c.hold(g)
		if held := g.isHeldAwake(w.generation); !held {
			t.Errorf("%s: it may sleep while both hold it", name)
		}
		beside()
		if sleeps := !g.isHeldAwake(w.generation); sleeps != c.sleeps {
			t.Errorf("%s: it may sleep: %v", name, sleeps)
		}
		if ctx, rise := w.fallAsleep(); ctx != nil {
			if !c.sleeps {
				t.Errorf("%s: it sleeps", name)
			}
			w.stayAwake(ErrBusy, rise)
		}
		release()
		awaitAsleep(t, g, b, 1)
	}
}

func TestGenerationKnowsWhetherItsWorkersMayBeAnotherHosts(t *testing.T) {
	t.Parallel()
	next := &Generation{Number: 1, Descriptor: descriptor("hello")}
	for name, c := range map[string]struct {
		inherited *Inherited
		want      bool
	}{
		"no other host":      {nil, false},
		"the same":           {&Inherited{Identity: next.identity(), Workers: []int{1}}, true},
		"without workers":    {&Inherited{Identity: next.identity()}, false},
		"with other workers": {&Inherited{Identity: "other", Workers: []int{1}}, false},
	} {
		next.inherits = false
		if (&App{inherited: c.inherited}).inherit(next, new(RunnerConfig)); next.inherits != c.want {
			t.Errorf("%s: it inherits: %v", name, next.inherits)
		}
	}
}

func TestAnotherGenerationReplacesProcessesThatStayFrozen(t *testing.T) {
	t.Parallel()
	b := &bed{refused: errors.Join(errors.New("no room"), ErrFrozen)}
	replaced := make(chan string, 1)
	g := testGateway(t, &b.stage, func(c *Config) {
		c.Runners[KindWSGI] = b.newRunner
		c.Wake = func(name AppName, cause string) {
			select {
			case replaced <- fmt.Sprintf("%s: %s", name, cause):
			default:
			}
		}
	})
	d := descriptor("hello")
	d.Idle.SleepAfter = time.Millisecond
	deploy(t, g, d)
	if got := <-replaced; got != "blog: its processes did not run on" {
		t.Errorf("replaced: %q", got)
	}
}

func TestAppThatCannotSleepSaysSo(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	t.Run("apps", func(t *testing.T) {
		for _, b := range []*bed{{means: MeansNone}, {refused: errors.New("no room")}, {refused: ErrBusy}} {
			g := testGateway(t, &b.stage, func(c *Config) {
				c.Runners[KindWSGI], c.Log = b.newRunner, slog.New(slog.NewTextHandler(&log, nil))
			})
			d := descriptor("hello")
			d.Idle.SleepAfter = time.Millisecond
			deploy(t, g, d)
			if b.refused != nil {
				waitFor(t, func() bool { return b.tries.Load() > 1 })
			}
			if w := get(g, "/"); w.Code != 200 {
				t.Errorf("answer %d", w.Code)
			}
			g.Close(t.Context()) // the log has one writer
		}
	})
	faulttest.Want(t, log.String(), "MGW-APP-116")
	if text := log.String(); !strings.Contains(text, `"app stays awake for now"`) || !strings.Contains(text, `reason="no room"`) ||
		strings.Contains(text, ErrBusy.Error()) {
		t.Error(text)
	}
}
