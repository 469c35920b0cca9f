package host

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// collecting runs collectors of one state folder while f does, in a bubble of virtual time.
func collecting(t *testing.T, f func(start func() (c *collector, stop func()), count *atomic.Int32)) {
	state := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var count atomic.Int32
		start := func() (*collector, func()) {
			c := newCollector(state, func(context.Context) { count.Add(1) })
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { c.run(ctx) })
			return c, func() {
				cancel()
				running.Wait()
			}
		}
		f(start, &count)
	})
}

// live advances the virtual time.
func live(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestUnusedEnvironmentsAreRemovedOnceADayAndOnlyWithAReason(t *testing.T) {
	collecting(t, func(start func() (*collector, func()), count *atomic.Int32) {
		c, stop := start()
		defer stop()
		for range 10 {
			c.wake()
		}
		if live(23 * time.Hour); count.Load() != 0 {
			t.Error("collected on the first day")
		}
		for day := range int32(3) {
			if live(2 * time.Hour); count.Load() != day+1 {
				t.Errorf("collected %d times after %d days", count.Load(), day+1)
			}
			c.wake()
			live(22 * time.Hour)
		}
		if live(100 * collectEvery); count.Load() != 4 {
			t.Errorf("collected %d times, of which the last had no reason", count.Load())
		}
	})
}

func TestADayGoesOnWhenTheHostIsRestarted(t *testing.T) {
	collecting(t, func(start func() (*collector, func()), count *atomic.Int32) {
		for range 4 {
			_, stop := start()
			live(7 * time.Hour)
			stop()
		}
		if count.Load() != 1 {
			t.Errorf("collected %d times in 28 hours", count.Load())
		}
	})
}

func TestATimeOfCollectionThatMakesNoSenseIsForgotten(t *testing.T) {
	for _, text := range []string{"", "yesterday", "2999-01-01T00:00:00Z"} {
		collecting(t, func(start func() (*collector, func()), count *atomic.Int32) {
			c, stop := start()
			stop()
			if err := os.WriteFile(c.stamp, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, stop = start()
			defer stop()
			if live(collectEvery); count.Load() != 1 {
				t.Errorf("%q: collected %d times in a day", text, count.Load())
			}
		})
	}
}

func TestHostRemovesEnvironmentsThatNothingUses(t *testing.T) {
	state := t.TempDir()
	h, err := New(Config{State: state})
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(state, "envs", "0123456789ab") // a build that was killed
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	h.collect(t.Context())
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("it is there still: %v", err)
	}
}
