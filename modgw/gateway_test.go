package modgw

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stubRunner answers with its generation's greeting. The gateway sees no difference to a real
// runner.
type stubRunner struct {
	config  RunnerConfig
	stage   *stage
	stopped chan struct{}
}

// stage holds the state that the stub runners of a test share.
type stage struct {
	startErr func(Descriptor) error    // nil: every start succeeds
	serve    http.HandlerFunc          // nil: answers the greeting
	starting func(ctx context.Context) // runs during a start
	status   func(RunnerConfig)        // runs when the status is requested
	mu       sync.Mutex
	runners  []*stubRunner
}

func (s *stage) newRunner(c RunnerConfig) (Runner, error) {
	r := &stubRunner{config: c, stage: s, stopped: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runners = append(s.runners, r)
	return r, nil
}

func (r *stubRunner) Start(ctx context.Context) error {
	if r.stage.starting != nil {
		r.stage.starting(ctx)
	}
	if r.stage.startErr != nil {
		return r.stage.startErr(r.config.Descriptor)
	}
	return nil
}

func (r *stubRunner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.isStopped() {
		panic("a stopped runner got a request")
	}
	if r.stage.serve != nil {
		r.stage.serve(w, req)
		return
	}
	io.WriteString(w, r.config.Descriptor.Env["GREETING"])
}

func (r *stubRunner) isStopped() bool {
	select {
	case <-r.stopped:
		return true
	default:
		return false
	}
}

func (r *stubRunner) Stop(context.Context) { close(r.stopped) }
func (r *stubRunner) Status() RunnerStatus {
	if r.stage.status != nil {
		r.stage.status(r.config)
	}
	return RunnerStatus{Workers: []WorkerStatus{}}
}

func testGateway(t *testing.T, s *stage, change ...func(*Config)) *Gateway {
	c := Config{Runners: map[Kind]NewRunner{KindWSGI: s.newRunner}}
	for _, f := range change {
		f(&c)
	}
	g := New(c)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		g.Close(ctx)
	})
	return g
}

func descriptor(greeting string) Descriptor {
	return Descriptor{
		Name:     "blog",
		Mount:    "/",
		Kind:     KindWSGI,
		WSGI:     &WSGI{Entry: "blog:app", Threads: 1},
		Env:      map[string]string{"GREETING": greeting},
		Timeouts: Timeouts{Startup: 5 * time.Second, Drain: 5 * time.Second, Stop: time.Second},
		Queue:    Queue{Max: 100, Timeout: 5 * time.Second},
	}
}

func deploy(t *testing.T, g *Gateway, d Descriptor) {
	t.Helper()
	if err := g.Deploy(t.Context(), d, "test"); err != nil {
		t.Fatal(err)
	}
}

func get(g http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest("GET", "http://example.com"+path, nil))
	return w
}

func TestSwapDropsNoRequest(t *testing.T) {
	g := testGateway(t, &stage{})
	deploy(t, g, descriptor("old"))
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if w := get(g, "/"); w.Code != 200 || (w.Body.String() != "old" && w.Body.String() != "new") {
					t.Errorf("answer %d %q", w.Code, w.Body)
					return
				}
			}
		})
	}
	for range 50 {
		deploy(t, g, descriptor("new"))
	}
	close(stop)
	clients.Wait()
	if w := get(g, "/"); w.Body.String() != "new" {
		t.Errorf("after the swaps: %q", w.Body)
	}
}

func TestFailedDeployLeavesTheOldGenerationServing(t *testing.T) {
	broken := &Fault{Code: "MGW-APP-001", Summary: "cannot import", Output: "SyntaxError: views.py:41"}
	s := &stage{startErr: func(d Descriptor) error {
		if d.Env["GREETING"] == "broken" {
			return broken
		}
		return nil
	}}
	g := testGateway(t, s)
	deploy(t, g, descriptor("old"))
	if err := g.Deploy(t.Context(), descriptor("broken"), "views.py changed"); !errors.Is(err, error(broken)) {
		t.Errorf("Deploy = %v", err)
	}
	if w := get(g, "/"); w.Code != 200 || w.Body.String() != "old" {
		t.Errorf("answer %d %q", w.Code, w.Body)
	}
	status, err := g.AppStatus("blog")
	if err != nil || status.State != AppServing || status.Generation.Number != 1 {
		t.Errorf("status %+v, %v", status, err)
	}
	if f := status.Failure; f == nil || !faulttest.Has(f.Error, "MGW-APP-001") || f.Cause != "views.py changed" || !strings.Contains(f.Text, "views.py:41") {
		t.Errorf("failure %+v", f)
	}
	deploy(t, g, descriptor("fixed"))
	if status, _ := g.AppStatus("blog"); status.Failure != nil || status.Generation.Number != 3 {
		t.Errorf("after the fix: %+v", status)
	}
}

func TestStatusThatTakesLongHoldsUpNothingElse(t *testing.T) {
	asked, answer := make(chan bool), make(chan bool)
	var first sync.Once
	s := &stage{status: func(RunnerConfig) {
		first.Do(func() {
			close(asked)
			<-answer
		})
	}}
	g := testGateway(t, s)
	deploy(t, g, descriptor("old"))
	found := make(chan int)
	go func() {
		status, _ := g.AppStatus("blog")
		found <- status.Generation.Number
	}()
	<-asked
	a, err := g.app("blog")
	if err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	close(answer)
	a.mu.Unlock()
	if n := <-found; n != 1 {
		t.Errorf("the status is that of generation %d", n)
	}
}

func TestReasonThatStaysTheSameIsToldOnce(t *testing.T) {
	reason := &Fault{Code: "MGW-APP-001", Summary: "cannot import", Output: "SyntaxError: views.py:41"}
	var log strings.Builder
	s := &stage{startErr: func(Descriptor) error { return reason }}
	g := testGateway(t, s, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	for range 3 {
		_ = g.Retry(t.Context(), descriptor("broken"), "retry")
	}
	if told, again := strings.Count(log.String(), "views.py:41"), strings.Count(log.String(), "the same reason"); told != 1 || again != 2 {
		t.Errorf("told %d times, and %d times that it is the same:\n%s", told, again, &log)
	}
	reason = &Fault{Code: "MGW-APP-001", Summary: "cannot import", Output: "SyntaxError: views.py:42"}
	_ = g.Retry(t.Context(), descriptor("broken"), "retry")
	if !strings.Contains(log.String(), "views.py:42") {
		t.Errorf("another reason was not told:\n%s", &log)
	}
	if status, err := g.AppStatus("blog"); err != nil || status.State != AppFailed {
		t.Errorf("status %+v, %v", status, err)
	}
}

func TestRequestsWaitForTheFirstGeneration(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	g := testGateway(t, &stage{starting: func(context.Context) { close(began); <-finish }})
	var all sync.WaitGroup
	all.Go(func() { deploy(t, g, descriptor("hello")) })
	<-began
	answers := make(chan *httptest.ResponseRecorder, 3)
	for range cap(answers) {
		all.Go(func() { answers <- get(g, "/") })
	}
	waitFor(t, func() bool { s, _ := g.AppStatus("blog"); return s.Waiting == cap(answers) })
	close(finish)
	all.Wait()
	for range cap(answers) {
		if w := <-answers; w.Code != 200 || w.Body.String() != "hello" {
			t.Errorf("answer %d %q", w.Code, w.Body)
		}
	}
}

func TestWaitingIsBoundedInNumberAndTime(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	g := testGateway(t, &stage{starting: func(context.Context) { close(began); <-finish }})
	d := descriptor("hello")
	d.Queue = Queue{Max: 1, Timeout: 2 * time.Second} // time for the test to see the request wait
	var all sync.WaitGroup
	all.Go(func() { deploy(t, g, d) })
	<-began
	first := make(chan *httptest.ResponseRecorder)
	all.Go(func() { first <- get(g, "/") })
	waitFor(t, func() bool { s, _ := g.AppStatus("blog"); return s.Waiting == 1 })
	for _, w := range []*httptest.ResponseRecorder{get(g, "/"), <-first} {
		if w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("answer %d %v", w.Code, w.Header())
		}
	}
	close(finish)
	all.Wait()
}

func TestPlaceInTheQueueIsFreeAfterWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := descriptor("hello")
		d.Queue = Queue{Max: 1, Timeout: time.Second}
		for state, said := range map[AppState]string{AppStarting: "was still starting", AppAsleep: "was still waking up"} {
			app := newApp(d, state)
			for range 3 {
				r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
				_, fault := app.acquire(r, &RequestInfo{}, nil)
				if fault == nil || fault.Code != "MGW-APP-104" || !strings.Contains(fault.Summary, said) {
					t.Fatalf("got %v, and each request should have waited", fault)
				}
			}
			if app.waiting != 0 {
				t.Errorf("%d requests wait, and none is there", app.waiting)
			}
		}
	})
}

func TestAppThatNeverStartedAnswers503WithoutItsSecrets(t *testing.T) {
	s := &stage{startErr: func(Descriptor) error {
		return &Fault{Code: "MGW-APP-001", Summary: "cannot import", Output: "password=hunter2"}
	}}
	g := testGateway(t, s)
	if g.Deploy(t.Context(), descriptor("x"), "start") == nil {
		t.Fatal("deployed")
	}
	w := get(g, "/")
	if w.Code != 503 || strings.Contains(w.Body.String(), "hunter2") || !strings.Contains(w.Body.String(), "incident ") {
		t.Errorf("answer %d %q", w.Code, w.Body)
	}
}

func TestDevelopmentShowsWhatWentWrong(t *testing.T) {
	s := &stage{startErr: func(Descriptor) error {
		return &Fault{Code: "MGW-APP-001", Summary: "cannot import", Output: "SyntaxError <here>"}
	}}
	g := testGateway(t, s, func(c *Config) { c.Dev = true })
	_ = g.Deploy(t.Context(), descriptor("x"), "start")
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "SyntaxError &lt;here&gt;") {
		t.Errorf("page %q", w.Body)
	}
}

func TestKindWithoutRunnerIsRefused(t *testing.T) {
	g := testGateway(t, &stage{})
	d := descriptor("x")
	d.Kind = KindCGI
	err := g.Deploy(t.Context(), d, "start")
	if err == nil || !strings.Contains(err.Error(), `no runner for apps of kind "cgi"`) {
		t.Errorf("Deploy = %v", err)
	}
}

func TestTwoAppsNeverShareAMount(t *testing.T) {
	g := testGateway(t, &stage{})
	deploy(t, g, descriptor("first"))
	second := descriptor("second")
	second.Name = "other"
	if err := g.Deploy(t.Context(), second, "start"); err == nil || !faulttest.Has(err.Error(), "MGW-APP-108") {
		t.Errorf("Deploy = %v", err)
	}
	second.Mount = "/other"
	deploy(t, g, second)
	if w := get(g, "/other/x"); w.Body.String() != "second" {
		t.Errorf("answer %q", w.Body)
	}
}

func TestDrainLetsRequestsFinishOnTheOldGeneration(t *testing.T) {
	gate := make(chan struct{})
	s := &stage{}
	s.serve = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-gate
		}
		io.WriteString(w, "done")
	}
	g := testGateway(t, s)
	deploy(t, g, descriptor("old"))
	slow := make(chan *httptest.ResponseRecorder)
	go func() { slow <- get(g, "/slow") }()
	waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.Generation.InFlight == 1 })
	deploy(t, g, descriptor("new"))
	if w := get(g, "/"); w.Code != 200 {
		t.Errorf("while draining: %d", w.Code)
	}
	st, _ := g.AppStatus("blog")
	if len(st.Draining) != 1 || st.Draining[0].Generation != 1 || st.Draining[0].InFlight != 1 {
		t.Errorf("draining %+v", st.Draining)
	}
	close(gate)
	if w := <-slow; w.Code != 200 || w.Body.String() != "done" {
		t.Errorf("slow answer %d %q", w.Code, w.Body)
	}
	<-s.runners[0].stopped
}

func TestDrainLimitEndsARequestThatDoesNot(t *testing.T) {
	gate := make(chan struct{})
	s := &stage{serve: func(http.ResponseWriter, *http.Request) { <-gate }}
	g := testGateway(t, s)
	d := descriptor("old")
	d.Timeouts.Drain = time.Millisecond
	deploy(t, g, d)
	ended := make(chan struct{})
	go func() { get(g, "/"); close(ended) }()
	waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.Generation.InFlight == 1 })
	deploy(t, g, d)
	<-s.runners[0].stopped
	waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.Drained != nil })
	if st, _ := g.AppStatus("blog"); st.Drained.Requests != 1 || st.Drained.Cut != 1 {
		t.Errorf("drained %+v", st.Drained)
	}
	close(gate)
	<-ended
}

func TestRequestsAreCutOffWhenTheHostMustEnd(t *testing.T) {
	gate := make(chan struct{})
	s := &stage{serve: func(http.ResponseWriter, *http.Request) { <-gate }}
	g := New(Config{Runners: map[Kind]NewRunner{KindWSGI: s.newRunner}})
	d := descriptor("busy")
	d.Timeouts.Drain = time.Hour
	deploy(t, g, d)
	ended := make(chan struct{})
	go func() { get(g, "/"); close(ended) }()
	waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.Generation.InFlight == 1 })
	now, cancel := context.WithCancel(t.Context())
	cancel()
	g.Close(now)
	if st, _ := g.AppStatus("blog"); st.Drained == nil || st.Drained.Cut != 1 || !s.runners[0].isStopped() {
		t.Errorf("the host has ended, drained %+v", st.Drained)
	}
	close(gate)
	<-ended
}

func TestEndlessResponseMovesToTheGenerationThatReplacesItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		s := &stage{serve: func(_ http.ResponseWriter, r *http.Request) {
			info, moves, ends := RequestInfoOf(r), make(chan struct{}), make(chan struct{})
			defer info.OnReplaced(func() { close(moves) }, func() { close(ends) })()
			select {
			case <-moves:
				info.Move().Done()
				<-finish
			case <-ends:
				t.Error("it was ended, and could have moved")
			}
		}}
		g := testGateway(t, s)
		d := descriptor("streams")
		d.Timeouts.WebSocketDrain = time.Minute
		deploy(t, g, d)
		ended := make(chan struct{})
		go func() { get(g, "/"); close(ended) }()
		synctest.Wait()
		deploy(t, g, d)
		synctest.Wait()
		if st, _ := g.AppStatus("blog"); st.Generation.InFlight != 1 || len(st.Draining) != 0 || !s.runners[0].isStopped() {
			t.Errorf("%d requests in flight, draining %+v", st.Generation.InFlight, st.Draining)
		}
		close(finish)
		<-ended
	})
}

func TestDeployThatIsCalledOffSaysNothingOfTheApp(t *testing.T) {
	var events []Event
	ctx, cancel := context.WithCancel(t.Context())
	s := &stage{
		starting: func(context.Context) { cancel() },
		startErr: func(Descriptor) error { return context.Cause(ctx) },
	}
	g := testGateway(t, s, func(c *Config) { c.Observe = func(e Event) { events = append(events, e) } })
	if err := g.Deploy(ctx, descriptor("hello"), "views.py changed"); !errors.Is(err, context.Canceled) {
		t.Errorf("Deploy = %v", err)
	}
	if st, err := g.AppStatus("blog"); err != nil || st.Failure != nil || st.State != AppStarting || len(events) != 0 {
		t.Errorf("status %+v, %v, events %+v", st, err, events)
	}
}

func TestEndlessResponseHasALimitOfItsOwn(t *testing.T) {
	s := &stage{serve: func(_ http.ResponseWriter, r *http.Request) {
		ended := make(chan struct{})
		defer RequestInfoOf(r).OnReplaced(nil, func() { close(ended) })()
		<-ended
	}}
	g := testGateway(t, s)
	d := descriptor("streams")
	d.Timeouts.Drain, d.Timeouts.WebSocketDrain = time.Hour, time.Millisecond
	deploy(t, g, d)
	ended := make(chan struct{})
	go func() { get(g, "/"); close(ended) }()
	waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.Generation.InFlight == 1 })
	deploy(t, g, d)
	<-ended
	<-s.runners[0].stopped
	waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.Drained != nil })
	if st, _ := g.AppStatus("blog"); st.Drained.Requests != 1 || st.Drained.Cut != 0 {
		t.Errorf("drained %+v", st.Drained)
	}
}

func TestEndlessResponsesEndWhenTheHostIsAboutTo(t *testing.T) {
	s := &stage{serve: func(_ http.ResponseWriter, r *http.Request) {
		ended := make(chan struct{})
		defer RequestInfoOf(r).OnReplaced(nil, func() { close(ended) })()
		<-ended
	}}
	g := testGateway(t, s)
	d := descriptor("streams")
	d.Timeouts.WebSocketDrain = time.Millisecond
	deploy(t, g, d)
	ended := make(chan struct{})
	go func() { get(g, "/"); close(ended) }()
	waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.Generation.InFlight == 1 })
	defer g.EndStreams()()
	<-ended
}

func TestGenerationsThatDrainAreFew(t *testing.T) {
	gate := make(chan struct{})
	s := &stage{serve: func(http.ResponseWriter, *http.Request) { <-gate }}
	g := testGateway(t, s)
	var requests sync.WaitGroup
	for n := range mostDraining + 1 {
		deploy(t, g, descriptor("busy"))
		requests.Go(func() { get(g, "/") })
		waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.Generation.InFlight == 1 && len(st.Draining) == n })
	}
	deployed := make(chan error)
	go func() { deployed <- g.Deploy(t.Context(), descriptor("late"), "test") }()
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Deploy(impatient, descriptor("impatient"), "test"); !errors.Is(err, context.Canceled) {
		t.Errorf("a deploy that was called off while it waited: %v", err)
	}
	if st, _ := g.AppStatus("blog"); len(st.Draining) != mostDraining {
		t.Errorf("%d generations drain", len(st.Draining))
	}
	close(gate)
	if err := <-deployed; err != nil {
		t.Error(err)
	}
	requests.Wait()
}

// growing is a runner that records when it is told to expand.
type growing struct {
	*stubRunner
	expanded chan struct{}
}

func (g *growing) Expand() { close(g.expanded) }

func TestOneByOneStartsTheRestWhenTheOldGenerationHasEnded(t *testing.T) {
	gate := make(chan struct{})
	s := &stage{serve: func(http.ResponseWriter, *http.Request) { <-gate }}
	var all []*growing
	g := testGateway(t, s, func(c *Config) {
		c.Runners[KindWSGI] = func(c RunnerConfig) (Runner, error) {
			r, err := s.newRunner(c)
			next := &growing{r.(*stubRunner), make(chan struct{})}
			all = append(all, next)
			return next, err
		}
	})
	d := descriptor("small")
	d.Reload.Strategy = OneByOne
	deploy(t, g, d)
	ended := make(chan struct{})
	go func() { get(g, "/"); close(ended) }()
	waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.Generation.InFlight == 1 })
	deploy(t, g, d)
	if !all[1].config.Few {
		t.Error("the second generation starts all its workers beside the first one")
	}
	select {
	case <-all[1].expanded:
		t.Error("the rest was started beside the old generation")
	default:
	}
	close(gate)
	<-all[1].expanded
	<-all[0].stopped
	<-ended
}

func TestFirstGenerationAnswersWithOneWorkerAndThenStartsTheRest(t *testing.T) {
	s := &stage{}
	var all []*growing
	g := testGateway(t, s, func(c *Config) {
		c.Runners[KindWSGI] = func(c RunnerConfig) (Runner, error) {
			r, err := s.newRunner(c)
			next := &growing{r.(*stubRunner), make(chan struct{})}
			all = append(all, next)
			return next, err
		}
	})
	deploy(t, g, descriptor("blog"))
	<-all[0].expanded
	deploy(t, g, descriptor("blog"))
	if !all[0].config.Few || all[1].config.Few {
		t.Errorf("few workers in the first generation: %v, in the second: %v", all[0].config.Few, all[1].config.Few)
	}
}

func TestRollbackReturnsToTheLastGoodDescriptor(t *testing.T) {
	g := testGateway(t, &stage{})
	if err := g.Rollback(t.Context(), "blog"); err == nil || !faulttest.Has(err.Error(), "MGW-APP-109") {
		t.Errorf("rollback of an unknown app: %v", err)
	}
	deploy(t, g, descriptor("one"))
	if err := g.Rollback(t.Context(), "blog"); err == nil || !faulttest.Has(err.Error(), "MGW-APP-105") {
		t.Errorf("rollback without an earlier generation: %v", err)
	}
	deploy(t, g, descriptor("two"))
	if err := g.Rollback(t.Context(), "blog"); err != nil {
		t.Fatal(err)
	}
	if w := get(g, "/"); w.Body.String() != "one" {
		t.Errorf("answer %q", w.Body)
	}
}

func TestRollbackThatFailsLeavesAnAppWithoutAGenerationAsItWas(t *testing.T) {
	for _, state := range []AppState{AppIdle, AppStopped} {
		testFailedRollback(t, state, false)
		testFailedRollback(t, state, true)
	}
}

// testFailedRollback rolls back an app that is idle or stopped. The new generation does not start,
// or its client goes.
func testFailedRollback(t *testing.T, before AppState, cancelled bool) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &stage{}
	var g *Gateway
	var woken sync.WaitGroup
	g = testGateway(t, s, func(c *Config) {
		c.Wake = func(AppName, string) { woken.Go(func() { deploy(t, g, descriptor("woken")) }) }
	})
	deploy(t, g, descriptor("one"))
	deploy(t, g, descriptor("two"))
	wantCode := http.StatusOK
	if before == AppIdle {
		app := g.apps["blog"]
		g.rest(app, app.current.Load(), 0)
	} else {
		wantCode = http.StatusServiceUnavailable
		if err := g.Stop(t.Context(), "blog"); err != nil {
			t.Fatal(err)
		}
	}
	s.starting = func(context.Context) {
		if state := g.State("blog"); state != AppStarting {
			t.Errorf("%s: %q during the rollback, so that requests do not wait", before, state)
		}
		if cancelled {
			cancel()
		}
	}
	s.startErr = func(Descriptor) error { return errors.New("no port is free") }
	if err := g.Rollback(ctx, "blog"); err == nil {
		t.Errorf("%s: the rollback succeeded", before)
	}
	s.starting, s.startErr = nil, nil
	if state := g.State("blog"); state != before {
		t.Errorf("%s: %q after the rollback, cancelled: %v", before, state, cancelled)
	}
	if w := get(g, "/"); w.Code != wantCode {
		t.Errorf("%s: answer %d after the rollback, cancelled: %v", before, w.Code, cancelled)
	}
	woken.Wait()
}

func TestStoppedAppAnswers503UntilItIsDeployed(t *testing.T) {
	s := &stage{}
	g := testGateway(t, s)
	deploy(t, g, descriptor("hello"))
	if err := g.Stop(t.Context(), "blog"); err != nil {
		t.Fatal(err)
	}
	<-s.runners[0].stopped
	if w := get(g, "/"); w.Code != 503 {
		t.Errorf("stopped: %d", w.Code)
	}
	deploy(t, g, descriptor("hello"))
	if w := get(g, "/"); w.Body.String() != "hello" {
		t.Errorf("restarted: %q", w.Body)
	}
}

func TestRemovedAppIsNotFound(t *testing.T) {
	g := testGateway(t, &stage{})
	deploy(t, g, descriptor("hello"))
	if err := g.Remove("blog"); err != nil {
		t.Fatal(err)
	}
	w := get(g, "/")
	if want := "404 Not Found\nincident " + w.Header().Get("X-Request-Id") + "\n"; w.Code != 404 || w.Body.String() != want {
		t.Errorf("answer %d %q, want %q", w.Code, w.Body, want)
	}
}

func TestIdleAppIsWokenByItsFirstRequestAndRestsAgain(t *testing.T) {
	d := descriptor("hello")
	d.Idle = Idle{Start: StartOnDemand, StopAfter: 10 * time.Millisecond}
	s := &stage{}
	var g *Gateway
	var woken sync.WaitGroup
	g = testGateway(t, s, func(c *Config) {
		c.Wake = func(AppName, string) { woken.Go(func() { deploy(t, g, d) }) }
	})
	if err := g.Register(d); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if w := get(g, "/"); w.Code != 200 || w.Body.String() != "hello" {
			t.Errorf("answer %d %q", w.Code, w.Body)
		}
		waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.State == AppIdle })
	}
	woken.Wait()
}

func TestRequestsWaitForTheDeployOfAnAppThatIsExpected(t *testing.T) {
	g := testGateway(t, &stage{})
	if err := g.Expect(descriptor("hello")); err != nil {
		t.Fatal(err)
	}
	var client sync.WaitGroup
	client.Go(func() {
		if w := get(g, "/"); w.Code != 200 || w.Body.String() != "hello" {
			t.Errorf("answer %d %q", w.Code, w.Body)
		}
	})
	waitFor(t, func() bool { st, _ := g.AppStatus("blog"); return st.State == AppStarting && st.Waiting == 1 })
	deploy(t, g, descriptor("hello"))
	client.Wait()
}

func TestUnhealthyGenerationNeverTakesOver(t *testing.T) {
	for _, hint := range []int{0, http.StatusEarlyHints} {
		s := &stage{serve: func(w http.ResponseWriter, r *http.Request) {
			if RequestInfoOf(r).PathInfo == "/healthz" {
				if hint != 0 {
					w.WriteHeader(hint)
				}
				w.WriteHeader(500)
			}
		}}
		g := testGateway(t, s)
		d := descriptor("sick")
		d.Health = Health{Path: "/healthz", Timeout: time.Second}
		d.Timeouts.Startup = 10 * time.Millisecond
		if err := g.Deploy(t.Context(), d, "start"); err == nil || !faulttest.Has(err.Error(), "MGW-APP-110") {
			t.Errorf("Deploy with hint %d = %v", hint, err)
		}
		if !s.runners[0].isStopped() {
			t.Errorf("hint %d: the workers of the generation are left", hint)
		}
	}
}

func TestAppNamedByTheFrontDecides(t *testing.T) {
	g := testGateway(t, &stage{})
	d := descriptor("blog")
	d.Mount = "/blog"
	deploy(t, g, d)
	for _, c := range []struct {
		info RequestInfo
		code int
		text string
	}{
		{RequestInfo{App: "blog", Path: "/blog/x"}, 200, "blog"},
		{RequestInfo{App: "blog", Path: "/shop", ID: "a"}, 404, "404 Not Found\nincident a\n"},
		{RequestInfo{App: "shop", Path: "/blog/x", ID: "b"}, 404, "404 Not Found\nincident b\n"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r.WithContext(WithRequestInfo(r.Context(), &c.info)))
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.text) {
			t.Errorf("%+v: %d %q", c.info, w.Code, w.Body)
		}
	}
}

func TestAliasServesFilesOfItsFolderAlone(t *testing.T) {
	dir := t.TempDir()
	static := filepath.Join(dir, "static")
	for name, text := range map[string]string{"static/site.css": "body{}", "secret": "s"} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret", filepath.Join(static, "link")); err != nil {
		t.Fatal(err)
	}
	g := testGateway(t, &stage{})
	d := descriptor("app")
	d.Aliases = []Alias{{Path: "/static", Dir: static}}
	deploy(t, g, d)
	for path, want := range map[string]struct {
		code int
		text string
	}{
		"/static/site.css":  {200, "body{}"},
		"/static/../secret": {404, ""},
		"/static/link":      {404, ""},
		"/static/":          {404, ""},
		"/static/none":      {404, ""},
		"/staticx":          {200, "app"},
		"/static":           {200, "app"},
	} {
		w := get(g, path)
		if w.Code != want.code || !strings.Contains(w.Body.String(), want.text) {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
	if w := get(g, "/static/site.css"); w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("type %q", w.Header().Get("Content-Type"))
	}
}

// waitFor waits until cond holds.
func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.After(watchtest.Patience)
	for !cond() {
		select {
		case <-deadline:
			t.Fatal("the condition never held")
		case <-time.After(time.Millisecond):
		}
	}
}
