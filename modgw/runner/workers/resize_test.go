package workers

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modgw/modgw/modgw"
)

func TestResizeStartsWorkersAndDrainsThoseThatAreTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{prepare: func(n int, d *fakeProgram) {
			if n == 3 {
				d.drained = make(chan struct{})
			}
		}}
		p, log := poolOf(s.next)
		var expected atomic.Int64
		p.config.Expect = func(n int) { expected.Add(int64(n)) }
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Resize(3)
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"ready", "ready", "ready"}) || expected.Load() != 3 {
			t.Fatalf("after Resize(3): %q, %d expected", got, expected.Load())
		}
		for n := range 3 {
			s.made(n + 1).Finished()
		}
		p.Resize(0) // is as 1
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"ready", "retiring"}) || expected.Load() != 1 {
			t.Errorf("after Resize(0): %q, %d expected", got, expected.Load())
		}
		p.Resize(2) // in addition to the draining worker
		synctest.Wait()
		if got := slices.Sorted(slices.Values(states(p))); !slices.Equal(got, []string{"ready", "ready", "retiring"}) {
			t.Errorf("beside one that drains: %q", got)
		}
		close(s.made(3).drained)
		synctest.Wait()
		var status modgw.RunnerStatus
		p.Status(&status)
		if got := states(p); !slices.Equal(got, []string{"ready", "ready"}) || status.Finished != 3 || status.Wanted != 2 {
			t.Errorf("at last: %q, %d requests, %d wanted", got, status.Finished, status.Wanted)
		}
		p.Stop(t.Context())
		p.Resize(5)
		synctest.Wait()
		if s.count() != 4 || expected.Load() != 2 {
			t.Errorf("%d workers were made, %d expected", s.count(), expected.Load())
		}
		if strings.Contains(log.String(), "level=ERROR") {
			t.Error(log)
		}
	})
}

// TestWorkersThatServeNothingAreGivenUpFirst has one of three workers that does not start.
func TestWorkersThatServeNothingAreGivenUpFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{prepare: func(n int, d *fakeProgram) {
			if n > 3 {
				d.refused = ErrEnded
			}
		}}
		p, _ := poolOf(s.next)
		var expected atomic.Int64
		p.config.Expect = func(n int) { expected.Add(int64(n)) }
		p.size = 3
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, w := range p.tracked() {
			if w.Number == 1 {
				w.Kill()
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"ready", "ready", "backoff"}) {
			t.Fatalf("before: %q", got)
		}
		p.Resize(2)
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"ready", "ready"}) || expected.Load() != 2 {
			t.Errorf("after Resize(2): %q, %d expected", got, expected.Load())
		}
		p.Stop(t.Context())
	})
}

// TestWorkerWithoutASuccessorIsGivenUpAtOnce has a worker that is to be replaced, but no successor
// starts.
func TestWorkerWithoutASuccessorIsGivenUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{prepare: func(n int, d *fakeProgram) {
			if n > 2 {
				d.refused = ErrEnded
			}
		}}
		p, _ := poolOf(s.next)
		p.size = 2
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.tracked()[1].Want("it is old")
		time.Sleep(time.Minute) // the delay is the longest one by now
		p.Resize(1)
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"ready"}) {
			t.Errorf("after Resize(1): %q", got)
		}
		p.Stop(t.Context())
	})
}

func TestResizeBeforeExpandTakesEffectThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &programs{}
		p, _ := poolOf(s.next)
		p.size, p.config.Runner.Few = 3, true
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Resize(2)
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"ready"}) {
			t.Errorf("before Expand: %q", got)
		}
		p.Expand()
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"ready", "ready"}) {
			t.Errorf("after Expand: %q", got)
		}
		p.Stop(t.Context())
	})
}
