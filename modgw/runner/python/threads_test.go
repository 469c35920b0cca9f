package python

import (
	"runtime"
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestFreeThreadedPythonGetsMoreThreadsUnlessTheAppSaysHowMany(t *testing.T) {
	t.Parallel()
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
		p, err := kindSettingsOf(modgw.RunnerConfig{
			Descriptor:  modgw.Descriptor{Kind: modgw.KindWSGI, WSGI: &modgw.WSGI{Threads: c.asks}},
			Environment: &modgw.Environment{FreeThreaded: c.free},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.requests; got != c.want {
			t.Errorf("free-threaded %t, threads = %d: %d requests at once, want %d", c.free, c.asks, got, c.want)
		}
	}
}
