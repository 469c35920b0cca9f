package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

const (
	injectedWait = 50 * time.Millisecond
	rounds       = 5

	// tolerance is the largest accepted difference between the injected wait and the timeline.
	tolerance = 2 * time.Millisecond
)

// injection makes one request wait at a known place.
type injection struct {
	place string                    // name of the place
	found func(*timeline) float64   // seconds there according to the timeline
	wait  func(*scene, string) wait // sends a request for the path
}

// wait is the time that a request waited, as measured by its client, or the reason why it was not
// sent.
type wait struct {
	took time.Duration
	err  error
}

// timeline is the timeline of a request in the access log, with durations in seconds.
type timeline struct {
	target                   string
	front, queued, firstByte float64
}

// timelineFormat is the format of the access log.
const timelineFormat = "{target} {front_wait} {queued} {first_byte}"

// parse parses a line of the access log. It reports false if the line is incomplete.
func (t *timeline) parse(line string) bool {
	n, _ := fmt.Sscan(line, &t.target, &t.front, &t.queued, &t.firstByte)
	return n == 4 && strings.HasSuffix(line, "\n")
}

// injections returns one injection for each place. The app has one thread.
func injections() []injection {
	worked := func(t *timeline) float64 { return t.firstByte - t.queued }
	return []injection{
		{"web server in front", func(t *timeline) float64 { return t.front }, (*scene).waitInFront},
		{"queue", func(t *timeline) float64 { return t.queued }, (*scene).waitInQueue},
		{"worker", worked, (*scene).waitInWorker},
		{"app", worked, (*scene).waitInApp},
	}
}

const waitingApp = `
import time


def application(environ, start_response):
    began = time.perf_counter()
    if environ["PATH_INFO"].startswith("/sleep"):
        time.sleep(0.05)
    start_response("200 OK", [])
    return [b"%f" % (time.perf_counter() - began)]
`

// inject makes requests wait at each place in turn, and prints the timeline's result next to the
// injected wait. The error names the places for which the timeline is wrong.
func (s *scene) inject(ctx context.Context, out io.Writer) error {
	playing, end := context.WithCancel(ctx)
	s.playing = playing
	defer s.end(end)
	host := "trusted_proxies = [\"127.0.0.1/32\"]\naccess_log {\n  file   = \"{{dir}}/access.log\"\n  format = \"" + timelineFormat + "\"\n}\n"
	if err := s.begin(playing, &incident{app: threads("1"), host: host, files: map[string]string{"shop.py": waitingApp}}); err != nil {
		return err
	}
	fmt.Fprintln(out, "| a request waits in the | injected, ms | found, ms | difference, ms |\n|---|---|---|---|")
	var wrong error
	for _, i := range injections() {
		injected, found, err := s.measure(i)
		if err != nil {
			return err
		}
		difference := time.Duration(math.Abs(found-injected) * float64(time.Second))
		fmt.Fprintf(out, "| %s | %.2f | %.2f | %.2f |\n", i.place, 1000*injected, 1000*found, 1000*difference.Seconds())
		if difference > tolerance {
			wrong = errors.Join(wrong, fmt.Errorf("%s: the timeline is wrong by %s", i.place, difference))
		}
	}
	return wrong
}

// measure injects a wait at a place several times. It returns the injected wait and the measured
// one, in seconds, of the round with the median difference.
func (s *scene) measure(i injection) (injected, found float64, err error) {
	type pair struct{ injected, found float64 }
	var pairs []pair
	for n := range rounds {
		path := fmt.Sprintf("/%s-%d", strings.ReplaceAll(i.place, " ", "-"), n)
		w := i.wait(s, path)
		if w.err != nil {
			return 0, 0, fmt.Errorf("%s: %w", i.place, w.err)
		}
		t, err := s.timeline(path)
		if err != nil {
			return 0, 0, err
		}
		pairs = append(pairs, pair{w.took.Seconds(), i.found(t)})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Compare(math.Abs(a.found-a.injected), math.Abs(b.found-b.injected))
	})
	usual := pairs[len(pairs)/2]
	return usual.injected, usual.found, nil
}

// timeline reads the line of the request for the path, which may begin with /sleep.
func (s *scene) timeline(path string) (*timeline, error) {
	for until := time.Now().Add(patience); time.Now().Before(until); testbed.Pause(s.playing, 10*time.Millisecond) {
		text, err := os.ReadFile(s.path("access.log"))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			t := new(timeline)
			if t.parse(line) && (t.target == path || t.target == "/sleep"+path) {
				return t, nil
			}
		}
	}
	return nil, fmt.Errorf("no line of the access log is about %s", path)
}

// get requests a path and returns the body of the answer.
func (s *scene) get(path string, header http.Header) (string, error) {
	r, err := http.NewRequestWithContext(s.playing, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		return "", err
	}
	for name := range header {
		r.Header.Set(name, header.Get(name))
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}

// waitInFront sends a request with the header of a web server in front that has kept the request
// for a while.
func (s *scene) waitInFront(path string) wait {
	began := time.Now().Add(-injectedWait)
	_, err := s.get(path, http.Header{"X-Request-Start": {fmt.Sprintf("t=%d", began.UnixMicro())}})
	return wait{injectedWait, err}
}

// waitInQueue sends a request while the only thread is busy.
func (s *scene) waitInQueue(path string) wait {
	free := make(chan time.Time, 1)
	go func() {
		_, _ = s.get("/sleep-before"+path, nil) // only its end matters
		free <- time.Now()
	}()
	testbed.Pause(s.playing, injectedWait/5)
	began := time.Now()
	_, err := s.get(path, nil)
	return wait{max(0, (<-free).Sub(began)), err}
}

// waitInWorker sends a request while the worker is stopped.
func (s *scene) waitInWorker(path string) wait {
	status, err := s.status()
	if err != nil {
		return wait{err: err}
	}
	pid := status.Apps[0].Runner.Workers[0].PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return wait{err: err}
	}
	began := time.Now()
	goesOn := make(chan time.Duration, 1)
	time.AfterFunc(injectedWait, func() {
		_ = syscall.Kill(pid, syscall.SIGCONT) // without it the request is not answered
		goesOn <- time.Since(began)
	})
	_, err = s.get(path, nil)
	return wait{<-goesOn, err}
}

// waitInApp sends a request to which the app answers late, and returns the delay that the app
// reports.
func (s *scene) waitInApp(path string) wait {
	body, err := s.get("/sleep"+path, nil)
	if err != nil {
		return wait{err: err}
	}
	took, err := time.ParseDuration(body + "s")
	return wait{took, err}
}
