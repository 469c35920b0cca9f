package history

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/meter"
)

// stubApps are the apps that a History reads.
type stubApps struct {
	mu       sync.Mutex
	requests map[modgw.AppName]uint64
	counted  meter.App
	shape    Shape
	reads    int // number of reads of the figures
}

func (s *stubApps) history() *History {
	return New(Config{
		Read: func(_ bool, yield func(modgw.AppName, Figures)) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.reads++
			for name, n := range s.requests {
				yield(name, Figures{
					Time: time.Now(), Requests: n, Durations: s.counted.Duration.Read(), Runner: modgw.RunnerStatus{
						Busy: 1, Workers: []modgw.WorkerStatus{{Memory: 3}, {Memory: 4}},
					},
				})
			}
		},
		Shape: func(modgw.AppName) (Shape, bool) { return s.shape, true },
	})
}

// count returns the number of times that figures were read.
func (s *stubApps) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// serve counts requests.
func (s *stubApps) serve(name modgw.AppName, n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[name] += n
}

func everyone(modgw.AppName) bool { return true }

// column returns the values of a series of an app, with -1 for unknown values.
func column(t *testing.T, a App, name string) (values []float64) {
	t.Helper()
	i := slices.IndexFunc(AllSeries(), func(s Series) bool { return s.Name == name })
	for _, v := range a.Values[i] {
		if v == nil {
			values = append(values, -1)
		} else {
			values = append(values, *v)
		}
	}
	return values
}

func TestIdleHostIsNotWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stubApps{requests: map[modgw.AppName]uint64{"blog": 0}}
		h := s.history()
		defer h.Close()
		time.Sleep(time.Hour)
		if n := s.count(); n > 0 {
			t.Errorf("figures were read %d times before there was a request", n)
		}
		for range 100 {
			s.serve("blog", 1)
			h.Served()
		}
		time.Sleep(time.Hour)
		if n := s.count(); n == 0 || n > 3 {
			t.Errorf("figures were read %d times after the last request", n)
		}
		h.Read(time.Time{}, everyone)
		read := s.count()
		time.Sleep(time.Hour)
		if n := s.count(); n != read {
			t.Errorf("figures were read %d times after someone looked", n-read)
		}
	})
}

func TestFiguresOfRequestsAreThereWhenSomeoneLooksLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stubApps{requests: map[modgw.AppName]uint64{"blog": 0}}
		h := s.history()
		defer h.Close()
		h.Read(time.Time{}, everyone)
		for range 20 { // 10 each second, for 20 seconds
			time.Sleep(time.Second)
			s.serve("blog", 10)
			s.counted.Duration.Observe(80 * time.Millisecond)
			h.Served()
		}
		time.Sleep(10 * time.Minute)
		all := h.Read(time.Time{}, everyone)
		if len(all) != 1 || all[0].App != "blog" {
			t.Fatalf("%+v", all)
		}
		rates, durations := column(t, all[0], "requests"), column(t, all[0], "p95")
		if !slices.Contains(rates, 10) || rates[len(rates)-1] != 0 || slices.Max(rates) > 12.5 {
			t.Errorf("rates %v", rates)
		}
		if highest := slices.Max(durations); math.Abs(highest-0.08) > 0.008 || durations[len(durations)-1] != -1 {
			t.Errorf("durations %v", durations)
		}
		if memory := column(t, all[0], "memory"); memory[0] != 7 {
			t.Errorf("memory %v", memory)
		}
		newest := all[0].Times[len(all[0].Times)-1]
		if again := h.Read(time.UnixMilli(newest), everyone); len(again[0].Times) != 0 {
			t.Errorf("points that are known are there again: %v", again[0].Times)
		}
	})
}

func TestPausesOfInterpretersAreThoseBetweenSamples(t *testing.T) {
	worker := func(pid int, count uint64, seconds float64) modgw.WorkerStatus {
		p := modgw.Pauses{Count: count, Seconds: seconds}
		return modgw.WorkerStatus{PID: pid, Interpreter: &modgw.InterpreterStatus{GC: &p, GIL: &p}}
	}
	now := time.Now()
	before := &Figures{Time: now.Add(-10 * time.Second), Runner: modgw.RunnerStatus{Workers: []modgw.WorkerStatus{
		worker(1, 10, 1), worker(2, 10, 1), {PID: 3},
	}}}
	after := &Figures{Time: now, Runner: modgw.RunnerStatus{Workers: []modgw.WorkerStatus{
		worker(1, 20, 3), worker(4, 10, 2), {PID: 3},
	}}}
	for _, d := range definitions {
		got := d.value(before, after)
		switch d.Name {
		case "gc": // 4 s of two workers in 10 s
			if got != 0.2 {
				t.Errorf("garbage collection: %v", got)
			}
		case "gil":
			if got != 0.2 {
				t.Errorf("lock: %v", got)
			}
		case "loop":
			if !math.IsNaN(got) {
				t.Errorf("event loop: %v", got)
			}
		}
	}
	if got := definitions[slices.IndexFunc(definitions, func(d definition) bool { return d.Name == "gc" })].value(before, &Figures{Time: now}); !math.IsNaN(got) {
		t.Errorf("without workers: %v", got)
	}
}

func TestQuietTimeIsDrawnAsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stubApps{requests: map[modgw.AppName]uint64{"blog": 5}}
		h := s.history()
		defer h.Close()
		h.Read(time.Time{}, everyone)
		time.Sleep(Interval)
		h.Read(time.Time{}, everyone)
		time.Sleep(30 * time.Minute)
		s.requests["blog"] = 55
		a := h.Read(time.Time{}, everyone)[0]
		// 50 requests in the last interval, and none in the half hour before.
		if rates := column(t, a, "requests"); !slices.Equal(rates, []float64{0, 0, 10}) {
			t.Errorf("rates %v at %v", rates, a.Times)
		}
	})
}

func TestMemoryOfHistoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stubApps{requests: map[modgw.AppName]uint64{}}
		for i := range mostApps + 100 {
			s.requests[modgw.AppName(rune('a'+i%26))+modgw.AppName(rune('0'+i/26))] = 1
		}
		h := s.history()
		defer h.Close()
		for range 3 {
			h.Read(time.Time{}, everyone)
			time.Sleep(Interval)
		}
		if len(h.apps) > mostApps {
			t.Errorf("%d apps are kept", len(h.apps))
		}
	})
	var r ring
	for i := range 3 * mostPoints / 2 {
		r.add(time.UnixMilli(int64(i)), []float32{float32(i), 0})
	}
	want := int64(mostPoints / 2)
	r.after(time.Time{}, func(at int64, values []float32) {
		if at != want || values[0] != float32(want) {
			t.Fatalf("%d with %v, not %d", at, values, want)
		}
		want++
	})
	if len(r.times) != mostPoints || want != 3*mostPoints/2 || r.last().UnixMilli() != want-1 {
		t.Errorf("%d points, up to %d", len(r.times), want)
	}
}

func TestDeploysSayWhatHasChanged(t *testing.T) {
	s := &stubApps{shape: Shape{
		Settings: map[string]string{"wsgi.threads": "4", "queue.max": "10", "health.path": "/up"},
		Packages: []modgw.Package{{Name: "flask", Version: "3.0"}, {Name: "six", Version: "1"}},
	}}
	h := s.history()
	h.Observe(modgw.Event{App: "blog", Generation: 1, Cause: "start", Serving: 1})
	s.shape = Shape{
		Settings: map[string]string{"wsgi.threads": "8", "queue.max": "10", "mount": "/b"},
		Packages: []modgw.Package{{Name: "flask", Version: "3.1"}, {Name: "attrs", Version: "2"}},
	}
	h.Observe(modgw.Event{App: "blog", Generation: 2, Cause: "app.hcl changed", Serving: 2, Took: time.Second})
	h.Observe(modgw.Event{App: "blog", Generation: 3, Cause: "app.py changed", Serving: 2, Fault: &modgw.Fault{Code: "MGW-APP-001", Summary: "cannot import"}})
	deploys := h.apps["blog"].deploys
	want := []string{
		"health.path is no longer set", "mount = /b", "wsgi.threads: 4 → 8",
		"package attrs 2 added", "package flask: 3.0 → 3.1", "package six 1 removed",
	}
	if len(deploys) != 3 || !slices.Equal(deploys[1].Changes, want) || deploys[0].Changes != nil || deploys[1].Took != 1 {
		t.Errorf("%+v", deploys)
	}
	if d := deploys[2]; d.Code != "MGW-APP-001" || d.Error == "" || d.Serving != 2 || d.Changes != nil {
		t.Errorf("%+v", d)
	}
	for range 2 * mostDeploys {
		h.Observe(modgw.Event{App: "blog"})
	}
	if n := len(h.apps["blog"].deploys); n != mostDeploys {
		t.Errorf("%d deploys are kept", n)
	}
	h.Remove("blog")
	if len(h.apps) > 0 {
		t.Error("an app that was removed is kept")
	}
}

func TestServedTakesNoMemory(t *testing.T) {
	h := (&stubApps{}).history()
	defer h.Close()
	h.Served()
	if n := testing.AllocsPerRun(100, h.Served); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// An hour and more of two apps is saved and restored by a host that has deployed one of them
// already, and another one that knows no queue.
func TestNextHostGoesOnWithTheFiguresOfTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := &stubApps{requests: map[modgw.AppName]uint64{"blog": 0, "shop": 0}}
		h := before.history()
		defer h.Close()
		h.Observe(modgw.Event{App: "blog", Generation: 1, Serving: 1, Cause: "start"})
		for range mostPoints + 10 {
			h.Read(time.Time{}, everyone)
			before.serve("blog", 10)
			time.Sleep(Interval)
		}
		var file bytes.Buffer
		if err := h.Save(&file); err != nil {
			t.Fatal(err)
		}
		kept := h.Read(time.Time{}, everyone)

		after := &stubApps{requests: map[modgw.AppName]uint64{"blog": 0, "shop": 0}}
		next := after.history()
		defer next.Close()
		next.Observe(modgw.Event{App: "blog", Generation: 2, Serving: 2, Cause: "upgrade"})
		text := strings.Replace(file.String(), `"name":"queued"`, `"name":"other"`, 1)
		if err := next.Restore(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		restored := next.Read(time.Time{}, everyone)
		if len(restored) != 2 || !slices.Equal(restored[0].Times, kept[0].Times) || !slices.Equal(restored[1].Times, kept[1].Times) {
			t.Fatalf("restored %+v, kept %+v", restored, kept)
		}
		for _, series := range AllSeries() {
			want := column(t, kept[0], series.Name)
			if series.Name == "queued" {
				want = slices.Repeat([]float64{-1}, mostPoints)
			}
			if got := column(t, restored[0], series.Name); !slices.Equal(got, want) {
				t.Errorf("%s is %v, was %v", series.Name, got, want)
			}
		}
		if d := restored[0].Deploys; len(d) != 2 || d[0].Cause != "start" || d[1].Cause != "upgrade" {
			t.Errorf("deploys %+v", d)
		}
		after.serve("blog", 100)
		next.Served()
		time.Sleep(2 * Interval)
		if all := next.Read(time.Time{}, everyone); all[0].Times[len(all[0].Times)-1] <= kept[0].Times[mostPoints-1] {
			t.Error("it does not go on")
		}
	})
}

func TestFiguresThatAreCutOffAreRefused(t *testing.T) {
	h := (&stubApps{requests: map[modgw.AppName]uint64{"blog": 0}}).history()
	defer h.Close()
	for _, text := range []string{
		"", "[]{", `[{"name":"busy"}]{"app":"blog","times":[1,2],"values":"AAAAAA=="}`, `[]{"app":"blog","values":"AAAAAA=="}`,
	} {
		if err := h.Restore(strings.NewReader(text)); err == nil {
			t.Errorf("%q is understood", text)
		}
	}
	if all := h.Read(time.Time{}, everyone); len(all) != 1 || len(all[0].Times) != 0 {
		t.Errorf("%+v", all)
	}
}
