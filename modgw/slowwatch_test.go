package modgw

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
)

// locatedRunner is a stub whose worker 2 reports the locations of its requests, unless it is stuck.
type locatedRunner struct {
	*stubRunner
	stuck bool
}

var _ Locator = (*locatedRunner)(nil)

func (r *locatedRunner) Locate(ctx context.Context, stack string) ([]Location, []int) {
	if r.stuck {
		<-ctx.Done()
		return nil, []int{1}
	}
	return []Location{
		{Worker: 1, Request: "another"},
		{Worker: 2, Request: stack, File: "views.py", Line: 7, Stack: "in " + stack},
	}, nil
}

// slowApp executes requests of an app with a limit of a second, and returns the log lines about
// slow requests.
func slowApp(
	t *testing.T, serve http.HandlerFunc, stuck bool, ask func(get func(path string)),
) (lines []string) {
	t.Helper()
	log := &watchtest.Log{}
	synctest.Test(t, func(t *testing.T) {
		s := &stage{serve: serve}
		g := New(Config{
			Runners: map[Kind]NewRunner{KindWSGI: func(c RunnerConfig) (Runner, error) {
				r, err := s.newRunner(c)
				return &locatedRunner{r.(*stubRunner), stuck}, err
			}},
			Log: slog.New(slog.NewTextHandler(log, nil)),
		})
		d := descriptor("")
		d.Timeouts.Slow = time.Second
		deploy(t, g, d)
		ask(func(path string) {
			r := httptest.NewRequest("GET", "http://blog.example"+path+"?token=secret", nil)
			info := requestInfoFrom(r)
			info.FromFront = true
			r.Header["Traceparent"] = []string{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"}
			info.ID = "id" + strings.ReplaceAll(path, "/", "-")
			g.ServeHTTP(httptest.NewRecorder(), r.WithContext(WithRequestInfo(r.Context(), info)))
		})
		g.Close(t.Context())
	})
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, `msg="slow request"`) {
			lines = append(lines, line)
		}
	}
	return lines
}

// takes serves a request: it waits for a worker for half a second, and then takes the time given by
// the path.
func takes(w http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil {
		panic(err)
	}
	time.Sleep(500 * time.Millisecond)
	RequestInfoOf(r).Give(2, 4711, time.Now())
	time.Sleep(d)
}

func TestSlowRequestIsLoggedOnceWithItsTimelineAndStack(t *testing.T) {
	t.Parallel()
	lines := slowApp(t, takes, false, func(get func(string)) {
		get("/900ms")
		get("/5s")
	})
	if len(lines) != 1 {
		t.Fatalf("%q", lines)
	}
	for _, want := range []string{
		"app=blog", "generation=1", "worker=2", "request=id-5s", "method=GET", "path=/5s ", "limit=1s", "queued=500ms",
		"file=views.py line=7", `traceback="in id-5s"`,
	} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("%s is missing in %s", want, lines[0])
		}
	}
}

func TestSlowRequestSaysItsTrace(t *testing.T) {
	lines := slowApp(t, takes, false, func(get func(string)) { get("/2s") })
	if len(lines) != 1 || !strings.Contains(lines[0], " trace=4bf92f3577b34da6a3ce929d0e0e4736 ") {
		t.Errorf("%q", lines)
	}
}

func TestTimeOfASlowRequestCountsFromTheWorkerThatHasIt(t *testing.T) {
	t.Parallel()
	again := func(w http.ResponseWriter, r *http.Request) {
		takes(w, r)
		RequestInfoOf(r).Give(1, 4711, time.Now()) // whose stack is not known
		w.WriteHeader(http.StatusOK)
		time.Sleep(2 * time.Second)
	}
	lines := slowApp(t, again, false, func(get func(string)) { get("/900ms") })
	if len(lines) != 1 || !strings.Contains(lines[0], "queued=1.4s first_byte=1.4s tries=2") || strings.Contains(lines[0], "traceback") {
		t.Errorf("%q", lines)
	}
}

func TestSlowRequestDoesNotWaitForAWorkerThatIsStuck(t *testing.T) {
	t.Parallel()
	lines := slowApp(t, takes, true, func(get func(string)) {
		began := time.Now()
		get("/1001ms")
		if took := time.Since(began); took != 1501*time.Millisecond {
			t.Errorf("the request takes %s", took)
		}
	})
	if len(lines) != 1 || strings.Contains(lines[0], "traceback") {
		t.Errorf("%q", lines)
	}
}

func TestResponseWithoutEndIsNotSlow(t *testing.T) {
	t.Parallel()
	events := func(w http.ResponseWriter, r *http.Request) {
		RequestInfoOf(r).Give(2, 4711, time.Now())
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		time.Sleep(time.Hour)
	}
	if lines := slowApp(t, events, false, func(get func(string)) { get("/") }); len(lines) > 0 {
		t.Errorf("%q", lines)
	}
}

func TestManySlowRequestsAreCountedAndNotAllLogged(t *testing.T) {
	t.Parallel()
	lines := slowApp(t, takes, false, func(get func(string)) {
		var asking sync.WaitGroup
		for range mostSlow + 5 {
			asking.Go(func() { get("/1001ms") })
		}
		asking.Wait()
		time.Sleep(slowPeriod)
		get("/1001ms")
	})
	if len(lines) != mostSlow+1 || !strings.Contains(lines[mostSlow], "not_logged=5") {
		t.Errorf("%d lines, the last one %q", len(lines), lines[len(lines)-1])
	}
}
