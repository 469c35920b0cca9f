package workers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// programs creates the programs of a pool, and keeps them in the order of their creation. Their
// processes end when asked to.
type programs struct {
	prepare func(n int, d *fakeProgram) // changes program number n; nil: none is changed

	mu  sync.Mutex
	all []*fakeProgram
}

func (s *programs) next(w *Worker) Driver {
	d := newFakeProgram()
	d.obeys = true
	s.mu.Lock()
	s.all = append(s.all, d)
	number := len(s.all)
	s.mu.Unlock()
	d.fakeProcess.pid = 100 + number
	if s.prepare != nil {
		s.prepare(number, d)
	}
	return d.of(w)
}

// made returns program number n, counted from 1.
func (s *programs) made(n int) *fakeProgram {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[n-1]
}

func (s *programs) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// states returns the states of a pool's workers as status shows them.
func states(p *Pool) []string {
	var s modgw.RunnerStatus
	p.Status(&s)
	var all []string
	for _, w := range s.Workers {
		all = append(all, w.State)
	}
	return all
}

func TestWorkerServesUntilItsSuccessorIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{prepare: func(n int, d *fakeProgram) {
			if n == 1 {
				d.drained = make(chan struct{})
			}
		}}
		p, log := poolOf(s.next)
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := s.made(1)
		first.Want("it is old")
		first.Want("it is large") // one reason is enough
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"retiring", "ready"}) {
			t.Errorf("with its successor: %q", got)
		}
		close(first.drained)
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"ready"}) {
			t.Errorf("after it was drained: %q", got)
		}
		if got := first.read(); !slices.Equal(got, []string{"launch", "ready", "begin", "stop", "end"}) {
			t.Errorf("%q", got)
		}
		p.Stop(t.Context())
		if got := log.String(); s.count() != 2 || strings.Count(got, `"worker retired"`) != 1 || !strings.Contains(got, `reason="it is old"`) {
			t.Errorf("%d workers: %s", s.count(), got)
		}
	})
}

func TestWorkerWhoseSuccessorFailsServesOnAndIsReplacedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{prepare: func(n int, d *fakeProgram) {
			if n == 2 {
				d.refused = errors.New("no memory")
			}
		}}
		p, log := poolOf(s.next)
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.made(1).Want("it is old")
		synctest.Wait()
		if got := states(p); s.count() != 2 || !slices.Equal(got, []string{"ready"}) {
			t.Errorf("%d workers: %q", s.count(), got)
		}
		time.Sleep(firstDelay)
		synctest.Wait()
		if got := s.made(1).read(); s.count() != 3 || !slices.Contains(got, "stop") {
			t.Errorf("%d workers, the first: %q", s.count(), got)
		}
		p.Stop(t.Context())
		if !strings.Contains(log.String(), `"worker not started" worker=1 error="no memory"`) {
			t.Error(log)
		}
	})
}

func TestRetiredWorkerIsEndedWhenItsTimeToDrainIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{prepare: func(_ int, d *fakeProgram) { d.drained = make(chan struct{}) }}
		p, _ := poolOf(s.next)
		p.config.Runner.Descriptor.Timeouts.WebSocketDrain = 10 * time.Second
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := s.made(1)
		var moved, ended atomic.Int64
		first.OnReplaced(&modgw.RequestInfo{}, func() { moved.Add(1) }, func() { ended.Add(1) })
		first.Want("it is old")
		synctest.Wait()
		if moved.Load() != 1 {
			t.Errorf("%d of 1 endless responses may move to another worker", moved.Load())
		}
		time.Sleep(11 * time.Second)
		if got := states(p); ended.Load() != 1 || !slices.Equal(got, []string{"retiring", "ready"}) {
			t.Errorf("after 11 seconds %d of 1 endless responses has ended, and workers are %q", ended.Load(), got)
		}
		time.Sleep(50 * time.Second)
		if got := states(p); !slices.Equal(got, []string{"ready"}) {
			t.Errorf("after the time to drain: %q", got)
		}
		p.Stop(t.Context())
	})
}

func TestLostWorkerIsExpectedOnlyWhileItMayBeBackSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var works atomic.Bool
		s := &programs{prepare: func(n int, d *fakeProgram) {
			if n > 1 && !works.Load() {
				d.refused = errors.New("no memory")
			}
		}}
		p, _ := poolOf(s.next)
		var expected atomic.Int64
		p.config.Expect = func(n int) { expected.Add(int64(n)) }
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.made(1).Began() // it worked
		s.made(1).fakeProcess.Kill()
		time.Sleep(firstDelay)
		synctest.Wait()
		if got := states(p); expected.Load() != 1 || !slices.Equal(got, []string{"backoff"}) {
			t.Errorf("at first %d workers are expected, %q", expected.Load(), got)
		}
		time.Sleep(10 * time.Second)
		if expected.Load() != 0 {
			t.Errorf("after 10 seconds of failures %d workers are expected", expected.Load())
		}
		works.Store(true)
		time.Sleep(maxDelay)
		if got := states(p); expected.Load() != 1 || !slices.Equal(got, []string{"ready"}) {
			t.Errorf("in the end %d workers are expected, %q", expected.Load(), got)
		}
		var status modgw.RunnerStatus
		if p.Status(&status); status.Restarts != 1 {
			t.Errorf("%d restarts", status.Restarts)
		}
		p.Stop(t.Context())
	})
}

func TestFewWorkersStartBeforeTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{}
		p, _ := poolOf(s.next)
		var expected atomic.Int64
		p.size, p.config.Runner.Few = 3, true
		p.config.Expect = func(n int) { expected.Add(int64(n)) }
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.count() != 1 || expected.Load() != 1 {
			t.Errorf("%d workers, %d expected", s.count(), expected.Load())
		}
		p.Expand()
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"ready", "ready", "ready"}) || expected.Load() != 3 {
			t.Errorf("after Expand: %q, %d expected", got, expected.Load())
		}
		if got := len(p.Drivers()); got != 3 {
			t.Errorf("%d programs", got)
		}
		p.Stop(t.Context())
		if p.Background(func() { t.Error("it runs after Stop") }) {
			t.Error("Background promised to run after Stop")
		}
	})
}

func TestWorkerThatIsNotReadyInTimeIsKilledAndExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{prepare: func(_ int, d *fakeProgram) { d.late, d.obeys = true, false }}
		p, _ := poolOf(s.next)
		p.config.Runner.Descriptor.Timeouts.Startup = time.Minute
		began := time.Now()
		err := p.Start(t.Context())
		if took := time.Since(began); !errors.Is(err, ErrLate) || took < time.Minute || took > 2*time.Minute {
			t.Errorf("%v after %s", err, took)
		}
		if got := s.made(1).read(); !slices.Equal(got, []string{"launch", "ready", "explain", "end"}) {
			t.Errorf("%q", got)
		}
	})
}

func TestWorkerThatEndsWhileItStartsIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{prepare: func(_ int, d *fakeProgram) { d.late = true; d.fakeProcess.Kill() }}
		p, _ := poolOf(s.next)
		if err := p.Start(t.Context()); !errors.Is(err, ErrEnded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestStopEndsAWorkerThatIsStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{prepare: func(n int, d *fakeProgram) { d.late = n == 2 }}
		p, log := poolOf(s.next)
		p.size, p.config.Runner.Few = 2, true
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Expand()
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"ready", "starting"}) {
			t.Errorf("%q", got)
		}
		p.Stop(t.Context())
		if !s.made(2).fakeProcess.Ending() || s.count() != 2 {
			t.Errorf("of %d workers the second lives: %v", s.count(), !s.made(2).fakeProcess.Ending())
		}
		if strings.Contains(log.String(), "level=ERROR") {
			t.Error(log)
		}
	})
}

func TestStopKillsWorkersWhenItsContextIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{prepare: func(_ int, d *fakeProgram) { d.obeys = false }}
		p, log := poolOf(s.next)
		p.config.Runner.Descriptor.Timeouts.Stop = time.Hour
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		p.Stop(ctx)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
		if !strings.Contains(log.String(), "the time to stop was over") || !strings.Contains(log.String(), `"worker stopped"`) {
			t.Error(log)
		}
	})
}

func TestWorkerIsReplacedWhenItReachesALimit(t *testing.T) {
	for name, c := range map[string]struct {
		limits modgw.Recycle
		use    func(*Worker)
		reason string // "": it is not replaced
	}{
		"requests": {modgw.Recycle{Requests: 3}, func(w *Worker) { w.Finished(); w.Finished(); w.Finished() }, "it has finished 3 requests"},
		"fewer":    {modgw.Recycle{Requests: 3}, func(w *Worker) { w.Finished(); w.Finished() }, ""},
		"no limit": {modgw.Recycle{}, func(w *Worker) { w.Finished(); time.Sleep(1000 * time.Hour) }, ""},
		"age":      {modgw.Recycle{Age: time.Hour}, func(*Worker) { time.Sleep(time.Hour) }, "it is 1h0m0s old"},
		"younger":  {modgw.Recycle{Age: time.Hour}, func(*Worker) { time.Sleep(59 * time.Minute) }, ""},
		"processor time": {modgw.Recycle{CPU: 1}, func(w *Worker) {
			for proc.CPUTime(syscall.Getpid()) == 0 { // it counts in steps
			}
			w.Finished()
		}, "of processor time"},
		"memory": {modgw.Recycle{Memory: 1}, func(w *Worker) { w.Finished() }, "bytes of memory"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &programs{prepare: func(n int, d *fakeProgram) { d.fakeProcess.pid = syscall.Getpid() }}
				p, log := poolOf(s.next)
				p.config.Runner.Descriptor.Recycle = c.limits
				if err := p.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				c.use(s.made(1).Worker)
				synctest.Wait()
				replaced := s.count() == 2
				p.Stop(t.Context())
				if replaced != (c.reason != "") || !strings.Contains(log.String(), c.reason) {
					t.Errorf("%d workers: %s", s.count(), log)
				}
				if got := s.made(1).recycle.age; got != nil && got.Stop() {
					t.Error("the timer for its age was not stopped with it")
				}
			})
		})
	}
}

func TestJitterSpreadsALimitToBothSides(t *testing.T) {
	less, more := false, false
	for range 1000 {
		n := withJitter(1000, 0.1)
		if n < 900 || n > 1100 {
			t.Fatalf("%d is more than 10%% from 1000", n)
		}
		less, more = less || n < 990, more || n > 1010
	}
	if !less || !more {
		t.Errorf("values below 990: %v, above 1010: %v", less, more)
	}
	for limit, want := range map[int64]int64{0: 0, 1: 1} {
		if got := withJitter(limit, 0.5); limit == 0 && got != want || got < want {
			t.Errorf("%d became %d", limit, got)
		}
	}
	if got := withJitter(7, 0); got != 7 {
		t.Errorf("without jitter 7 became %d", got)
	}
}

func TestUsageIsReadOnceASecond(t *testing.T) {
	var l recycleLimits
	for _, c := range []struct {
		now  time.Duration
		want bool
	}{
		{time.Second, true},
		{time.Second + usageInterval/2, false},
		{2 * time.Second, true},
		{2 * time.Second, false},
	} {
		if got := l.isUsageDue(c.now); got != c.want {
			t.Errorf("at %s: %v", c.now, got)
		}
	}
}

func TestWorkerCrashesByASignalOfItsOwn(t *testing.T) {
	segfault := proc.Exit{Signal: syscall.SIGSEGV}
	for name, c := range map[string]struct {
		exit        proc.Exit
		codeIsCrash bool
		alive       bool
		asked       bool
		want        bool
	}{
		"a segmentation fault":            {segfault, false, false, false, true},
		"a process that runs":             {segfault, false, true, false, false},
		"one that was asked to end":       {segfault, false, false, true, false},
		"an exit code":                    {proc.Exit{Code: 1}, false, false, false, false},
		"an exit code that means a crash": {proc.Exit{Code: 1}, true, false, false, true},
		"exit code 0":                     {proc.Exit{}, true, false, false, false},
	} {
		d := newFakeProgram()
		d.fakeProcess.exit = c.exit
		p, log := poolOf(d.of)
		p.config.CodeIsCrash = c.codeIsCrash
		w, err := p.startWorker(t.Context(), 1, false)
		if err != nil {
			t.Fatal(err)
		}
		w.asked.Store(c.asked)
		if !c.alive {
			w.Kill()
			p.running.Wait()
		}
		if got := w.CrashedWith(Request{ID: "42", Method: "GET", Path: "/\x1b"}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		w.Kill()
		p.running.Wait()
		var status modgw.RunnerStatus
		p.Status(&status)
		if (status.Crash != nil) != c.want || strings.Contains(log.String(), "worker crashed with a request") != c.want {
			t.Errorf("%s: %+v, %s", name, status.Crash, log)
		}
	}
}

func TestStatusNamesTheRequestsOfTheLatestCrash(t *testing.T) {
	d := newFakeProgram()
	d.fakeProcess.exit = proc.Exit{Signal: syscall.SIGSEGV}
	p, log := poolOf(d.of)
	w, err := p.startWorker(t.Context(), 1, false)
	if err != nil {
		t.Fatal(err)
	}
	w.Kill()
	p.running.Wait()
	name := func(n int) Request { return Request{ID: string(rune('a' + n)), Method: "GET", Path: "/\x1b"} }
	for n := range modgw.MaxSuspects + 2 {
		w.CrashedWith(name(n))
		w.CrashedWith(name(0)) // is known
	}
	var status modgw.RunnerStatus
	p.Status(&status)
	if c := status.Crash; len(c.Requests) != modgw.MaxSuspects || c.More != 2 || c.Requests[0].Request != "a" || strings.Contains(c.Requests[0].Path, "\x1b") {
		t.Errorf("%+v", c)
	}
	if n := strings.Count(log.String(), "worker crashed with a request"); n != modgw.MaxSuspects {
		t.Errorf("%d records: %s", n, log)
	}
}

func TestWorkerThatCouldNotBeUsedIsKilledForAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeProgram()
		p, log := poolOf(d.of)
		w, err := p.startWorker(t.Context(), 1, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Why(); got != "its connection broke" {
			t.Errorf("while it runs: %q", got)
		}
		began := time.Now()
		w.EndSoon(errors.New("it does not close its connections"))
		if took := time.Since(began); took != deathTime || !w.Ending() {
			t.Errorf("it ended after %s: %v", took, w.Ending())
		}
		p.running.Wait()
		if got := w.Why(); got != "exited with code 0" {
			t.Errorf("after its end: %q", got)
		}
		if !strings.Contains(log.String(), `"worker killed"`) || !strings.Contains(log.String(), `"worker ended"`) {
			t.Error(log)
		}
	})
}
