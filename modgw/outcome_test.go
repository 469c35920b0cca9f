package modgw

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/modgw/meter"
)

// ended collects the outcomes of requests.
type ended struct{ outcomes []Outcome }

func (e *ended) config(c *Config) {
	c.Ended = func(_ *http.Request, _ *RequestInfo, o Outcome) { e.outcomes = append(e.outcomes, o) }
}

func TestTimelineSaysWhereARequestHasWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e ended
		g := testGateway(t, &stage{serve: func(w http.ResponseWriter, r *http.Request) {
			info := RequestInfoOf(r)
			time.Sleep(20 * time.Millisecond)
			info.Give(3, 4711, time.Now())
			time.Sleep(10 * time.Millisecond) // behind another request
			info.Begin(time.Now())
			time.Sleep(50 * time.Millisecond)
			io.WriteString(w, "a")
			time.Sleep(5 * time.Millisecond)
			info.Complete(time.Since(info.Received), 7)
			time.Sleep(100 * time.Millisecond) // a slow client
			io.WriteString(w, "bc")
		}}, e.config)
		deploy(t, g, descriptor("a"))
		r := httptest.NewRequest("GET", "/", nil)
		info := RequestInfoOf(r)
		info.Sent = info.Received.Add(-40 * time.Millisecond)
		g.ServeHTTP(httptest.NewRecorder(), r.WithContext(WithRequestInfo(r.Context(), info)))
		want := Outcome{
			Status: 200, Received: 7, Bytes: 3, App: "blog", Generation: 1, Worker: 3, PID: 4711, Tries: 1,
			Front: 40 * time.Millisecond, Queued: 30 * time.Millisecond, FirstByte: 80 * time.Millisecond,
			LastByte: 85 * time.Millisecond, Took: 185 * time.Millisecond,
		}
		if diff := cmp.Diff([]Outcome{want}, e.outcomes); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRequestThatFailsHasItsCause(t *testing.T) {
	var e ended
	cut := false
	g := testGateway(t, &stage{serve: func(w http.ResponseWriter, r *http.Request) {
		if cut {
			io.WriteString(w, "begun")
			RequestInfoOf(r).Fail("MGW-APP-009")
			panic(http.ErrAbortHandler)
		}
		ServeFault(w, r, http.StatusBadGateway, &Fault{Code: "MGW-APP-008"}, false)
	}}, e.config)
	deploy(t, g, descriptor("a"))
	request := func(host string) {
		defer func() { _ = recover() }()
		g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://"+host+"/", nil))
	}
	request("a.example")
	cut = true
	request("a.example")
	if err := g.Remove("blog"); err != nil {
		t.Fatal(err)
	}
	request("a.example")
	var got []string
	for _, o := range e.outcomes {
		got = append(got, strings.Join([]string{meter.CodeLabel(o.Status), o.Cause, string(o.App)}, " "))
	}
	want := []string{"502 MGW-APP-008 blog", "200 MGW-APP-009 blog", "404 MGW-REQ-103 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	counted := map[AppName]uint64{}
	g.EachMeter(func(name AppName, a *meter.App) { a.EachCode(func(_ string, n uint64) { counted[name] += n }) })
	if diff := cmp.Diff(map[AppName]uint64{"": 1}, counted); diff != "" {
		t.Errorf("after the app was removed: %s", diff)
	}
}

func TestRequestThatIsRedirectedInsideIsCountedOnceWithItsWorker(t *testing.T) {
	var e ended
	g := testGateway(t, &stage{serve: func(w http.ResponseWriter, r *http.Request) {
		info := RequestInfoOf(r)
		if info.Path == "/from" {
			info.Redirect(w, r, "/to")
			return
		}
		info.Give(2, 4711, time.Now())
		io.WriteString(w, "there")
	}}, e.config)
	deploy(t, g, descriptor("a"))
	g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/from", nil))
	if len(e.outcomes) != 1 || e.outcomes[0].Worker != 2 || e.outcomes[0].Bytes != 5 || e.outcomes[0].Queued == 0 {
		t.Errorf("%+v", e.outcomes)
	}
}

func TestEndlessResponsesSayNothingOfDurations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := testGateway(t, &stage{serve: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/events" {
				w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
				w.WriteHeader(http.StatusOK)
			} else {
				w.WriteHeader(http.StatusSwitchingProtocols)
			}
			time.Sleep(time.Hour)
		}})
		deploy(t, g, descriptor("a"))
		var open int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/socket", nil))
			g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/events", nil))
		}()
		time.Sleep(time.Minute)
		counts := func() (a *meter.App) {
			g.EachMeter(func(name AppName, m *meter.App) {
				if name == "blog" {
					a = m
				}
			})
			return a
		}
		open = counts().Upgraded.Load()
		<-done
		c := counts()
		if open != 1 || c.Upgraded.Load() != 0 || c.Upgrades.Load() != 1 || c.Duration.Read().Count != 0 {
			t.Errorf("%d open, %d in the end of %d, %d durations", open, c.Upgraded.Load(), c.Upgrades.Load(), c.Duration.Read().Count)
		}
	})
}

func TestTimelineTakesNoMemoryOfItsOwn(t *testing.T) {
	var given time.Time
	g := testGateway(t, &stage{serve: func(w http.ResponseWriter, r *http.Request) {
		info := RequestInfoOf(r)
		info.Give(1, 4711, given)
		w.WriteHeader(http.StatusNoContent)
	}}, func(c *Config) { c.Ended = func(*http.Request, *RequestInfo, Outcome) {} })
	deploy(t, g, descriptor("a"))
	r := httptest.NewRequest("GET", "/", nil)
	info := RequestInfoOf(r)
	r = r.WithContext(WithRequestInfo(r.Context(), info))
	w := discard{http.Header{}}
	bare := testing.AllocsPerRun(100, func() {
		info.response.ResponseWriter = w // as if it was counted already
		g.ServeHTTP(w, r)
	})
	info.response.ResponseWriter = nil
	n := testing.AllocsPerRun(100, func() {
		info.Received = time.Now() // it is not slow
		g.ServeHTTP(w, r)
	})
	if n > bare {
		t.Errorf("%v allocations, and %v without", n, bare)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
