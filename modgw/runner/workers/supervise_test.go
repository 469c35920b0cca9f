package workers

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// shortLived returns workers of which the first count end as soon as they are ready; later ones
// stay.
func shortLived(count int, asked bool) (newProgram func(*Worker) Driver, launched *atomic.Int64) {
	launched = new(atomic.Int64)
	return func(w *Worker) Driver {
		d := newFakeProgram()
		if int(launched.Add(1)) <= count {
			d.begun = func() {
				if asked {
					w.Began()
				}
				d.fakeProcess.Kill()
			}
		}
		return d.of(w)
	}, launched
}

func TestWorkerThatServedIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newProgram, launched := shortLived(100, true)
		p, _ := poolOf(newProgram)
		began := time.Now()
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n, took := launched.Load(), time.Since(began); n != 101 || took > 0 {
			t.Errorf("%d workers in %s", n, took)
		}
		p.Stop(t.Context())
	})
}

func TestWorkersThatEndBeforeTheyAreAskedAreNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newProgram, launched := shortLived(1000, false)
		p, _ := poolOf(newProgram)
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		// The app has no other worker, so the delay does not grow, but still applies.
		if n := launched.Load(); n < 10 || n > 10*int64(time.Second/firstDelay)+2 {
			t.Errorf("%d workers in 10 seconds", n)
		}
		p.Stop(t.Context())
	})
}

func TestWorkerThatEndsBeforeItIsAskedWaitsLongerBesideOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newProgram, launched := shortLived(1000, false)
		p, _ := poolOf(func(w *Worker) Driver {
			if w.Number == 1 {
				return newFakeProgram().of(w)
			}
			return newProgram(w)
		})
		p.size = 2
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if n := launched.Load(); n < 3 || n > 10 {
			t.Errorf("%d workers in 10 seconds", n)
		}
		p.Stop(t.Context())
	})
}
