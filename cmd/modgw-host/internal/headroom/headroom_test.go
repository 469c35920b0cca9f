package headroom

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
)

func TestCollectionsAreHeardOfUntilTheyAreNotToBe(t *testing.T) {
	collected := make(chan time.Time, 1)
	stop := tell(collected)
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
