package http1_test

import (
	"sync"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw/http1"
)

func TestDateChangesWithTheSecond(t *testing.T) {
	t.Parallel()
	var d http1.Date
	begin := time.Date(2026, 11, 28, 14, 0, 9, 0, time.FixedZone("", 3600))
	for after, want := range map[time.Duration]string{
		0:                       "Sat, 28 Nov 2026 13:00:09 GMT",
		999 * time.Millisecond:  "Sat, 28 Nov 2026 13:00:09 GMT",
		1000 * time.Millisecond: "Sat, 28 Nov 2026 13:00:10 GMT",
		-time.Nanosecond:        "Sat, 28 Nov 2026 13:00:08 GMT",
	} {
		if got := string(d.At(begin.Add(after))); got != want {
			t.Errorf("after %v: %s", after, got)
		}
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 1000 {
				at := begin.Add(time.Duration(i*n) * time.Second)
				if got := string(d.At(at)); got != at.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") {
					t.Errorf("at %v: %s", at, got)
				}
			}
		})
	}
	all.Wait()
}
