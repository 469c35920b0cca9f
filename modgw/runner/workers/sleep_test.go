package workers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modgw/modgw/modgw"
)

// fakeFreezer records the actions of a pool.
type fakeFreezer struct {
	version int
	refused error // Freeze returns it
	stuck   error // Thaw returns it

	mu    sync.Mutex
	notes []string
}

func (f *fakeFreezer) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, what)
}

func (f *fakeFreezer) FreezerVersion() int          { return f.version }
func (f *fakeFreezer) Freeze(context.Context) error { f.note("freeze"); return f.refused }
func (f *fakeFreezer) Thaw() error                  { f.note("thaw"); return f.stuck }
func (f *fakeFreezer) PageOutMeans() string         { return "madvise" }
func (f *fakeFreezer) PageOut(context.Context)      { f.note("page out") }

// sleepyPool has two workers that are ready.
func sleepyPool(t *testing.T, f *fakeFreezer) (*programs, *Pool) {
	t.Helper()
	s := &programs{}
	p, _ := poolOf(s.next)
	p.config.Freezer, p.config.Runner.Descriptor.Idle.SleepAfter = f, time.Second
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Resize(2)
	synctest.Wait()
	return s, p
}

func TestWorkersAreFrozenAndRunOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeFreezer{version: 1}
		_, p := sleepyPool(t, f)
		if err := p.Sleep(t.Context()); err != nil {
			t.Fatal(err)
		}
		var status modgw.RunnerStatus
		p.Status(&status)
		if got := states(p); !slices.Equal(got, []string{"asleep", "asleep"}) || status.Sleep["freeze"] != "cgroup v1" || status.Sleep["memory"] != "madvise" {
			t.Errorf("%q by %v", got, status.Sleep)
		}
		if err := p.Wake(); err != nil {
			t.Fatal(err)
		}
		if got := states(p); !slices.Equal(got, []string{"ready", "ready"}) {
			t.Errorf("woken: %q", got)
		}
		if want := []string{"freeze", "page out", "thaw"}; !slices.Equal(f.notes, want) {
			t.Errorf("%q, want %q", f.notes, want)
		}
		p.Stop(t.Context())
	})
}

func TestNoWorkerStartsWhileThePoolSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeFreezer{version: 2}
		s, p := sleepyPool(t, f)
		if err := p.Sleep(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Resize(3)
		s.made(1).fakeProcess.Kill() // as the kernel does when memory runs out
		s.made(2).Want("it is old")
		time.Sleep(time.Hour)
		if s.count() != 2 {
			t.Fatalf("%d workers were made", s.count())
		}
		if err := p.Wake(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := states(p); !slices.Equal(got, []string{"ready", "ready", "ready"}) || s.count() != 5 {
			t.Errorf("woken: %q of %d", got, s.count())
		}
		p.Stop(t.Context())
	})
}

func TestPoolThatSleepsIsThawedToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeFreezer{version: 2}
		s, p := sleepyPool(t, f)
		if err := p.Sleep(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.made(1).Want("it is old") // waits for Wake
		synctest.Wait()
		p.Stop(t.Context())
		if want := []string{"freeze", "page out", "thaw"}; !slices.Equal(f.notes, want) || s.count() != 2 {
			t.Errorf("%q, %d workers", f.notes, s.count())
		}
	})
}

func TestPoolThatCannotSleepGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeFreezer{version: 2, refused: errors.New("a disk does not answer")}
		s, p := sleepyPool(t, f)
		if err := p.Sleep(t.Context()); err == nil || !strings.Contains(err.Error(), "a disk does not answer") {
			t.Errorf("Sleep = %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		f.stuck = errors.New("the folder is not writable any more")
		if err := p.Sleep(t.Context()); !errors.Is(err, modgw.ErrFrozen) || !errors.Is(err, f.refused) {
			t.Errorf("not thawed: %v", err)
		}
		f.refused, f.stuck = nil, nil
		if err := p.Sleep(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("roused: %v", err)
		}
		if got := states(p); !slices.Equal(got, []string{"ready", "ready"}) {
			t.Errorf("%q", got)
		}
		s.prepare = func(_ int, d *fakeProgram) { d.late = true }
		s.made(1).fakeProcess.Kill()
		synctest.Wait()
		if err := p.Sleep(t.Context()); !errors.Is(err, modgw.ErrBusy) {
			t.Errorf("while a worker starts: %v", err)
		}
		p.Stop(t.Context())
		if err := p.Sleep(t.Context()); !errors.Is(err, modgw.ErrBusy) {
			t.Errorf("stopped: %v", err)
		}
	})
}
