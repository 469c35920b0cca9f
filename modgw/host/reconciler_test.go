package host

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// stubGateway records the causes of deploys and lets a test determine their results.
type stubGateway struct {
	deploy func(ctx context.Context, cause string) error
	mu     sync.Mutex
	causes []string
	state  modgw.AppState
}

func (g *stubGateway) Deploy(ctx context.Context, _ modgw.Descriptor, cause string) error {
	g.mu.Lock()
	g.causes = append(g.causes, cause)
	g.mu.Unlock()
	err := g.deploy(ctx, cause)
	if err == nil {
		g.state = modgw.AppServing
	}
	return err
}

func (g *stubGateway) deploys() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.causes...)
}

func (g *stubGateway) Retry(ctx context.Context, d modgw.Descriptor, cause string) error {
	return g.Deploy(ctx, d, cause)
}

func (g *stubGateway) State(modgw.AppName) modgw.AppState { return g.state }

// keepReconciling runs a reconciler while f does, in a bubble of virtual time.
func keepReconciling(t *testing.T, g *stubGateway, f func(k *reconciler)) {
	synctest.Test(t, func(t *testing.T) {
		k := newReconciler(g, modgw.Descriptor{Name: "blog"}, true)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { k.run(ctx) })
		f(k)
		cancel()
		running.Wait()
	})
}

func TestOrdersThatCameWhileOneIsDoneBecomeOne(t *testing.T) {
	g := &stubGateway{}
	g.deploy = func(ctx context.Context, _ string) error {
		select {
		case <-time.After(time.Second):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	keepReconciling(t, g, func(k *reconciler) {
		k.request(deployRequest{class: reload.Code, cause: "first"})
		synctest.Wait()
		k.environmentBuilt()
		done := make(chan error, 2)
		k.request(deployRequest{class: reload.Code, cause: "second", done: []chan<- error{done}})
		k.request(deployRequest{class: reload.Code, cause: "third", done: []chan<- error{done}})
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
		if causes := g.deploys(); len(causes) != 2 || causes[1] != "third" {
			t.Errorf("deploys %q", causes)
		}
	})
}

func TestCodeSavedWhileTheEnvironmentIsBuiltNeedsNoSecondDeploy(t *testing.T) {
	g := &stubGateway{}
	var built chan struct{}
	var k *reconciler
	g.deploy = func(ctx context.Context, _ string) error {
		select {
		case <-built:
		case <-ctx.Done():
			return ctx.Err()
		}
		k.environmentBuilt()
		return nil
	}
	keepReconciling(t, g, func(kept *reconciler) {
		k, built = kept, make(chan struct{}) // of this bubble
		k.request(deployRequest{class: reload.Dependencies, cause: "requirements.txt changed"})
		synctest.Wait()
		done := make(chan error, 1)
		k.request(deployRequest{class: reload.Code, cause: "views.py changed", done: []chan<- error{done}})
		synctest.Wait()
		close(built)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if causes := g.deploys(); len(causes) != 1 {
			t.Errorf("deploys %q", causes)
		}
	})
}

func TestChangedDependenciesCallABuildOff(t *testing.T) {
	g := &stubGateway{}
	g.deploy = func(ctx context.Context, cause string) error {
		if cause == "second" {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	keepReconciling(t, g, func(k *reconciler) {
		done := make(chan error, 2)
		k.request(deployRequest{class: reload.Dependencies, cause: "first", done: []chan<- error{done}})
		synctest.Wait()
		k.request(deployRequest{class: reload.Dependencies, cause: "second", done: []chan<- error{done}})
		if err := errors.Join(<-done, <-done); err != nil {
			t.Errorf("those who waited for the first were told %v", err)
		}
	})
}

func TestAppWithoutAGenerationIsTriedAgainLessAndLessOften(t *testing.T) {
	g := &stubGateway{state: modgw.AppFailed}
	g.deploy = func(context.Context, string) error { return errors.New("broken") }
	keepReconciling(t, g, func(k *reconciler) {
		began := time.Now()
		k.request(deployRequest{class: reload.Code, cause: "start"})
		time.Sleep(3*time.Minute + 100*time.Millisecond)
		synctest.Wait()
		// 1, 2, 4, 8, 16, 30, 30 … seconds apart
		if n := len(g.deploys()); n != 10 {
			t.Errorf("%d deploys in %s", n, time.Since(began))
		}
	})
}

func TestStepsOfRetriesAreLoggedOnce(t *testing.T) {
	g := &stubGateway{state: modgw.AppFailed}
	var news []bool
	var k *reconciler
	g.deploy = func(context.Context, string) error {
		news = append(news, k.isNewStep("finding Python"), k.isNewStep("installing"))
		return errors.New("broken")
	}
	keepReconciling(t, g, func(running *reconciler) {
		k = running
		k.request(deployRequest{class: reload.Code, cause: "start"})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(news) < 4 || !news[0] || !news[1] || slices.Contains(news[2:], true) {
			t.Errorf("new of retries: %v", news)
		}
		news = nil
		k.request(deployRequest{class: reload.Code, cause: "views.py changed"})
		synctest.Wait()
		if len(news) == 0 || !news[0] {
			t.Errorf("new after a change: %v", news)
		}
	})
}

func TestBrokenChangeIsNotTriedAgainWhileTheOldGenerationServes(t *testing.T) {
	g := &stubGateway{state: modgw.AppServing}
	g.deploy = func(context.Context, string) error { return errors.New("broken") }
	keepReconciling(t, g, func(k *reconciler) {
		k.request(deployRequest{class: reload.Code, cause: "views.py changed"})
		time.Sleep(time.Hour)
		if causes := g.deploys(); len(causes) != 1 {
			t.Errorf("deploys %q", causes)
		}
	})
}

func TestStoppingTellsThoseWhoWait(t *testing.T) {
	g := &stubGateway{}
	g.deploy = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
	done := make(chan error, 1)
	keepReconciling(t, g, func(k *reconciler) {
		k.request(deployRequest{class: reload.Code, done: []chan<- error{done}})
		synctest.Wait()
	})
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("told %v", err)
	}
}

// writesItself makes every deploy take 50 ms and, until quiet is set, write gen.py, which the
// watcher reports the time delay after the deploy began.
func writesItself(g *stubGateway, k **reconciler, delay time.Duration, quiet *atomic.Bool) {
	g.deploy = func(ctx context.Context, _ string) error {
		time.AfterFunc(delay, func() {
			if quiet.Load() {
				return
			}
			(*k).request(deployRequest{class: reload.Code, cause: "gen.py changed", paths: []string{"gen.py"}, since: time.Now()})
		})
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		return nil
	}
}

func TestAnAppThatWritesCodeWhenItStartsIsReloadedEverMoreRarelyAndNamed(t *testing.T) {
	t.Run("while it starts", func(t *testing.T) { testSelfReload(t, 40*time.Millisecond, selfReloads) })
	t.Run("later", func(t *testing.T) { testSelfReload(t, 100*time.Millisecond, likelySelfReloads) })
}

func testSelfReload(t *testing.T, delay time.Duration, most int) {
	g := &stubGateway{}
	var k *reconciler
	var quiet atomic.Bool
	writesItself(g, &k, delay, &quiet)
	var faults []*modgw.Fault
	keepReconciling(t, g, func(kept *reconciler) {
		k = kept
		k.warn = func(fault *modgw.Fault) { faults = append(faults, fault) }
		k.request(deployRequest{class: reload.Descriptor, cause: "start"})
		time.Sleep(2 * time.Second)
		early := len(g.deploys())
		if early < most || early > most+3 {
			t.Errorf("%d deploys in the first 2 s", early)
		}
		time.Sleep(time.Hour)
		if late := len(g.deploys()) - early; late < 3600/300 || late > 30 {
			t.Errorf("%d deploys in the hour after", late)
		}
		before := len(g.deploys())
		k.request(deployRequest{class: reload.Code, cause: "views.py changed", paths: []string{"views.py"}, since: time.Now()})
		time.Sleep(30 * time.Millisecond)
		if len(g.deploys()) != before+1 {
			t.Error("a change of another file has to wait")
		}
		time.Sleep(10 * time.Minute)
		if len(faults) != 1 || faults[0].Code != "MGW-HST-019" {
			t.Errorf("faults %v, want one that names gen.py", faults)
		}
		quiet.Store(true)
		time.Sleep(2 * lastSelfReload)
		before = len(g.deploys())
		k.request(deployRequest{class: reload.Code, cause: "gen.py changed", paths: []string{"gen.py"}, since: time.Now()})
		time.Sleep(time.Millisecond)
		if len(g.deploys()) != before+1 {
			t.Error("a change that no reload caused has to wait")
		}
	})
}

func TestSavesOfADeveloperWhoHasSeenThePageAreReloadedAtOnce(t *testing.T) {
	g := &stubGateway{deploy: func(context.Context, string) error { return nil }}
	keepReconciling(t, g, func(k *reconciler) {
		for i := range 12 {
			k.request(deployRequest{class: reload.Code, cause: "views.py changed", paths: []string{"views.py"}, since: time.Now()})
			time.Sleep(100 * time.Millisecond)
			if deploys := len(g.deploys()); deploys != i+1 {
				t.Fatalf("%d deploys after save %d", deploys, i+1)
			}
		}
	})
}

func TestSavesWithoutEndAreNoReloadsThatCauseThemselves(t *testing.T) {
	g := &stubGateway{deploy: func(ctx context.Context, _ string) error {
		select {
		case <-time.After(300 * time.Millisecond):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	keepReconciling(t, g, func(k *reconciler) {
		for range 300 { // 1 min in all
			k.request(deployRequest{class: reload.Code, cause: "views.py changed", paths: []string{"views.py"}, since: time.Now()})
			time.Sleep(200 * time.Millisecond)
		}
		saved := len(g.deploys())
		time.Sleep(2 * firstSelfReload)
		if saved < 15 || len(g.deploys()) > saved+1 {
			t.Errorf("%d deploys while views.py was saved 300 times, %d later", saved, len(g.deploys())-saved)
		}
	})
}

// slowDeploy returns a deploy that takes an hour unless it is cancelled.
func slowDeploy(ctx context.Context, _ string) error {
	select {
	case <-time.After(time.Hour):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestCodeSavedWhileCodeIsReadCancelsTheDeploy(t *testing.T) {
	g := &stubGateway{deploy: slowDeploy}
	keepReconciling(t, g, func(r *reconciler) {
		began := time.Now()
		first := r.requestWithResult(deployRequest{class: reload.Code, cause: "first"})
		synctest.Wait()
		r.environmentBuilt()
		second := r.requestWithResult(deployRequest{class: reload.Code, cause: "second"})
		if err := errors.Join(<-first, <-second); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Hour || len(g.deploys()) != 2 {
			t.Errorf("deploys %q took %s", g.deploys(), took)
		}
	})
}

func TestDependenciesChangedDuringABuildNeedAnotherDeploy(t *testing.T) {
	g := &stubGateway{}
	var r *reconciler
	g.deploy = func(context.Context, string) error {
		time.Sleep(time.Second) // the build ends as if it were not cancelled
		r.environmentBuilt()
		return nil
	}
	keepReconciling(t, g, func(running *reconciler) {
		r = running
		r.request(deployRequest{class: reload.Code, cause: "first"})
		synctest.Wait()
		<-r.requestWithResult(deployRequest{class: reload.Dependencies, cause: "second"})
		if got := g.deploys(); len(got) != 2 {
			t.Errorf("deploys %q", got)
		}
	})
}

func TestHoldLastsUntilNoRequestIsLeft(t *testing.T) {
	g := &stubGateway{}
	var held, heldDuringDeploys []bool
	g.deploy = func(ctx context.Context, cause string) error {
		heldDuringDeploys = append(heldDuringDeploys, held[len(held)-1])
		return slowDeploy(ctx, cause)
	}
	keepReconciling(t, g, func(r *reconciler) {
		r.hold = func() func() {
			held = append(held, true)
			return func() { held = append(held, false) }
		}
		r.request(deployRequest{class: reload.Code, cause: "first"})
		synctest.Wait()
		r.environmentBuilt()
		<-r.requestWithResult(deployRequest{class: reload.Code, cause: "second"})
		synctest.Wait()
		if !slices.Equal(heldDuringDeploys, []bool{true, true}) || held[len(held)-1] {
			t.Errorf("held during deploys: %v, and then: %v", heldDuringDeploys, held)
		}
	})
}

func TestBrokenAppIsNotTriedAgainWhereRetriesAreOff(t *testing.T) {
	g := &stubGateway{state: modgw.AppFailed}
	g.deploy = func(context.Context, string) error { return errors.New("broken") }
	keepReconciling(t, g, func(r *reconciler) {
		r.retries = false
		<-r.requestWithResult(deployRequest{class: reload.Code, cause: "start"})
		time.Sleep(time.Hour)
		if got := g.deploys(); len(got) != 1 {
			t.Errorf("deploys %q", got)
		}
	})
}

func TestMergedRequestsAskForAsMuchAsTheStrongest(t *testing.T) {
	first, second := make(chan error, 1), make(chan error, 1)
	r := deployRequest{class: reload.Dependencies, cause: "first", done: []chan<- error{first}}
	r.merge(deployRequest{class: reload.Code, cause: "second", done: []chan<- error{second}})
	if r.class != reload.Dependencies || r.cause != "second" {
		t.Errorf("class %s, cause %q", r.class, r.cause)
	}
	want := errors.New("broken")
	r.fail(want)
	if <-first != want || <-second != want {
		t.Error("those who wait got another outcome")
	}
}

func TestDelayedRequestIsAPartOfTheNextOne(t *testing.T) {
	g := &stubGateway{deploy: func(context.Context, string) error { return nil }}
	keepReconciling(t, g, func(r *reconciler) {
		delayed := make(chan error, 1)
		r.mu.Lock()
		r.delayed = &deployRequest{class: reload.Dependencies, cause: "gen.py changed", done: []chan<- error{delayed}}
		r.delayedUntil = time.Now().Add(time.Hour)
		r.mu.Unlock()
		if err := <-r.requestWithResult(deployRequest{class: reload.Code, cause: "views.py changed"}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		select {
		case err := <-delayed:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("those who wait for the delayed request were told nothing")
		}
		time.Sleep(2 * time.Hour)
		if got := g.deploys(); len(got) != 1 {
			t.Errorf("deploys %q", got)
		}
	})
}

func TestStoppedReconcilerRefusesRequests(t *testing.T) {
	r := newReconciler(&stubGateway{}, modgw.Descriptor{Name: "blog"}, true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.run(ctx)
	select {
	case err := <-r.requestWithResult(deployRequest{class: reload.Code, cause: "too late"}):
		if !errors.Is(err, context.Canceled) {
			t.Errorf("told %v", err)
		}
	default:
		t.Error("those who wait are told nothing")
	}
}
