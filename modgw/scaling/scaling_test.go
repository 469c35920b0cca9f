package scaling

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/modgw/modgw/modgw"
)

// figures returns the figures of an app with two of at most eight workers for one second, modified
// by change.
func figures(change func(*Figures)) Figures {
	f := Figures{
		Scale: modgw.Scale{Min: 1, Max: 8}, Wanted: 2, Ready: 2, Places: 1, Span: time.Second,
		Arrived: 30, Finished: 30, Busy: 1.3, Memory: 50 << 20,
	}
	if change != nil {
		change(&f)
	}
	return f
}

func TestNeedFollowsWhatWorkersHadToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Figures)
		want   int
	}{
		"enough":                       {nil, 2},
		"nothing was counted":          {func(f *Figures) { f.Span = 0 }, 2},
		"no worker is ready":           {func(f *Figures) { f.Ready = 0 }, 2},
		"idle":                         {func(f *Figures) { f.Busy, f.Arrived, f.Finished = 0, 0, 0 }, 1},
		"a few wait for a moment":      {func(f *Figures) { f.Queued = 2 }, 2},
		"twice as many come":           {func(f *Figures) { f.Arrived, f.Queued, f.Busy = 60, 30, 2 }, 7},
		"many more come than are done": {func(f *Figures) { f.Arrived, f.Queued, f.Busy = 900, 870, 2 }, 8},
		"the queue is full":            {func(f *Figures) { f.Arrived, f.Queued, f.Busy = 30, 30, 2 }, 4},
		"none is answered":             {func(f *Figures) { f.Arrived, f.Finished, f.Queued, f.Busy = 6, 0, 4, 2 }, 6},
		"new workers start":            {func(f *Figures) { f.Arrived, f.Queued, f.Busy, f.Wanted = 60, 30, 2, 5 }, 5},
		"all are busy, none waits":     {func(f *Figures) { f.Busy = 2 }, 3},
		"Python computes":              {func(f *Figures) { f.Places, f.CPU, f.OneProcessor = 1000, 1.9, true }, 3},
		"a program with threads":       {func(f *Figures) { f.Places, f.CPU = 1000, 1.9 }, 1},
	} {
		if got := Need(figures(c.change)); got != c.want {
			t.Errorf("%s: %d workers, want %d", name, got, c.want)
		}
	}
}

// roomy is a machine with sufficient resources.
var roomy = Machine{Processors: 8, Busy: 1, Available: 8 << 30, Reserve: 1 << 30}

func TestDecisionsShareTheMachine(t *testing.T) {
	t.Parallel()
	growing := func(wanted, peak int) Figures {
		return figures(func(f *Figures) { f.Wanted, f.Ready, f.Peak = wanted, wanted, peak })
	}
	gigabytes := func(f Figures) Figures { f.Memory = 1 << 30; return f }
	computing := func(f Figures, cpu float64) Figures { f.CPU, f.OneProcessor = cpu, true; return f }
	limited := growing(2, 6)
	limited.MemoryLimit = 200 << 20
	full, short := roomy, roomy
	full.Available = full.Reserve
	short.Available, short.Stalled = short.Reserve/2, 0.5
	busy := roomy
	busy.Busy = 7.9
	for name, c := range map[string]struct {
		machine Machine
		apps    []Figures
		want    []Decision
	}{
		"no app":                    {roomy, nil, nil},
		"as many as it needs":       {roomy, []Figures{growing(2, 5)}, []Decision{{5, ""}}},
		"fewer":                     {roomy, []Figures{growing(5, 1)}, []Decision{{1, ""}}},
		"at most its scale":         {roomy, []Figures{growing(2, 99)}, []Decision{{8, "max"}}},
		"its own limit":             {roomy, []Figures{limited}, []Decision{{4, "limit"}}},
		"even shares of the memory": {roomy, []Figures{gigabytes(growing(2, 8)), gigabytes(growing(2, 8))}, []Decision{{5, "memory"}, {5, "memory"}}},
		"what one does not need":    {roomy, []Figures{gigabytes(growing(2, 3)), gigabytes(growing(2, 8))}, []Decision{{3, ""}, {8, ""}}},
		"no memory is left": {full, []Figures{gigabytes(growing(6, 8)), gigabytes(growing(1, 3))},
			[]Decision{{5, "memory"}, {1, "memory"}}},
		"the memory is short": {short, []Figures{growing(4, 4), growing(2, 2)}, []Decision{{3, "memory"}, {2, ""}}},
		"the processors are busy": {busy, []Figures{computing(growing(7, 8), 6.5), computing(growing(1, 3), 1)},
			[]Decision{{7, "processors"}, {3, ""}}},
		"others use the processors": {busy, []Figures{computing(growing(1, 2), 0.9)}, []Decision{{2, ""}}},
	} {
		got := Decide(c.machine, c.apps)
		for i, d := range got {
			if d != c.want[i] {
				t.Errorf("%s: app %d gets %+v, want %+v", name, i, d, c.want[i])
			}
		}
	}
}

func TestDecisionsKeepToTheirBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := Machine{
			Processors: float64(rapid.IntRange(1, 64).Draw(t, "processors")), Busy: rapid.Float64Range(0, 64).Draw(t, "busy"),
			Available: rapid.Int64Range(0, 1<<36).Draw(t, "available"), Reserve: 1 << 28,
			Stalled: rapid.Float64Range(0, 1).Draw(t, "stalled"),
		}
		apps := rapid.SliceOfN(rapid.Custom(drawFigures), 1, 6).Draw(t, "apps")
		grown := 0.0
		for i, d := range Decide(m, apps) {
			f := apps[i]
			if d.Workers < f.Scale.Min || d.Workers > f.Scale.Max {
				t.Fatalf("app %d gets %d workers, outside %s", i, d.Workers, f.Scale)
			}
			if f.Peak <= f.Wanted && d.Workers > f.Wanted {
				t.Fatalf("app %d grows to %d workers and needs %d", i, d.Workers, f.Peak)
			}
			grown += float64(max(0, d.Workers-f.Wanted)) * float64(f.Memory)
		}
		if grown > max(0, float64(m.Available-m.Reserve))+1 {
			t.Fatalf("the new workers need %.0f bytes of %d", grown, m.Available-m.Reserve)
		}
	})
}

// drawFigures makes figures of an app that has a number of workers within its scale.
func drawFigures(t *rapid.T) Figures {
	least := rapid.IntRange(1, 4).Draw(t, "min")
	scale := modgw.Scale{Min: least, Max: rapid.IntRange(least, 20).Draw(t, "max")}
	f := Figures{
		Scale: scale, Wanted: rapid.IntRange(scale.Min, scale.Max).Draw(t, "wanted"), Places: 1, Span: time.Second,
		Arrived: rapid.IntRange(0, 999).Draw(t, "arrived"), Finished: rapid.IntRange(0, 999).Draw(t, "finished"),
		Queued: rapid.IntRange(0, 999).Draw(t, "queued"), CPU: rapid.Float64Range(0, 8).Draw(t, "cpu"),
		Memory: rapid.Int64Range(1, 1<<30).Draw(t, "memory"),
	}
	f.Ready = rapid.IntRange(0, f.Wanted).Draw(t, "ready")
	f.Peak = max(Need(f), rapid.IntRange(1, 30).Draw(t, "peak"))
	return f
}

func TestTheKernelsFilesAreRead(t *testing.T) {
	t.Parallel()
	if busy, ok := busyTime([]byte("cpu  100 20 30 4000 50 6 7 800 0 0\ncpu0 1 2\n")); !ok || busy != 1630*time.Millisecond {
		t.Errorf("busy for %s, %v", busy, ok)
	}
	if _, ok := busyTime([]byte("cpu 1")); ok {
		t.Error("a short line was read")
	}
	info := []byte("MemTotal:  2000 kB\nMemFree:  10 kB\nMemAvailable:  1000 kB\n")
	if got := memory(info, "MemAvailable:"); got != 1000<<10 {
		t.Errorf("%d bytes available", got)
	}
	pressure := []byte("some avg10=12.50 avg60=1.00 avg300=0.00 total=1\nfull avg10=99.00 avg60=0 avg300=0 total=1\n")
	if got := stalledShare(pressure); got != 0.125 {
		t.Errorf("stalled for %v", got)
	}
}
