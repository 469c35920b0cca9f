package ballast

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
)

func TestCollectionsAreHeardOfUntilTheyAreNotToBe(t *testing.T) {
	collected := make(chan time.Time, 1)
	stop := notifyCollections(collected)
	for range 3 {
		heard := false
		for limit := time.Now().Add(watchtest.Patience); !heard && time.Now().Before(limit); {
			runtime.GC()
			select {
			case <-collected:
				heard = true
			case <-time.After(10 * time.Millisecond):
			}
		}
		if !heard {
			t.Fatal("a collection was not heard of")
		}
	}
	stop()
}

func TestKeepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		Keep(ctx)
		close(ended)
	}()
	cancel()
	<-ended
}

func TestMemoryIsGivenBackAfterWorkHoweverSeldomItWasCollected(t *testing.T) {
	start := time.Now()
	var c collections
	for _, step := range []struct {
		after   time.Duration
		release bool
		garbage bool
		what    string
	}{
		{0, false, false, "the first notice, which no collection caused"},
		{40 * time.Second, false, true, "a collection under a light load"},
		{95 * time.Second, false, true, "another one"},
		{106 * time.Second, true, false, "the one that gives memory back"},
		{227 * time.Second, false, false, "the one that Go makes in an idle program"},
		{348 * time.Second, false, false, "the next such one"},
		{360 * time.Second, false, true, "one under load again"},
	} {
		now := start.Add(step.after)
		if step.release {
			c.released = now.Add(-time.Millisecond)
		}
		if got := c.note(now); got != step.garbage {
			t.Errorf("%s: %v", step.what, got)
		}
	}
}
