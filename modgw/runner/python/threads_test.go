package python

import (
	"runtime"
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestFreeThreadedPythonGetsMoreThreadsUnlessTheAppSaysHowMany(t *testing.T) {
	for _, c := range []struct {
		free bool
		asks int
		want int
	}{
		{want: 5},
		{asks: 2, want: 2},
		{free: true, want: max(5, 4*runtime.NumCPU())},
		{free: true, asks: 2, want: 2},
	} {
		a := prepare(t, hello, func(d *modgw.Descriptor) { d.WSGI.Threads = c.asks })
		a.runner.config.Environment.FreeThreaded = c.free
		if got := a.runner.Status().Capacity; got != c.want {
			t.Errorf("free-threaded %t, threads = %d: %d requests at once, want %d", c.free, c.asks, got, c.want)
		}
	}
}
