package tests

import (
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// tickingApp counts in a separate thread, which shows whether it runs.
const tickingApp = `
import threading, time
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ticks %d" % ticks]
`

// TestAppWithoutRequestsIsFrozenUntilTheNextOne also upgrades the host, and reloads, scales and
// stops an app that sleeps.
func TestAppWithoutRequestsIsFrozenUntilTheNextOne(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/blog/app.wsgi", tickingApp)
	s.write("apps/blog/modgw.hcl", "app \"blog\" {\n  wsgi {\n    entry   = \"app.wsgi\"\n    workers = 1\n  }\n  idle { sleep_after = \"300ms\" }\n}\n")
	s.start()
	if s.status("blog").Runner.Sleep["freeze"] == modgw.MeansNone {
		s.explained("MGW-APP-116")
		t.Skip("the host can make no control groups that freeze")
	}
	asleep := func(more int) {
		t.Helper()
		watchtest.Eventually(t, "sleep", func() bool {
			a := s.status("blog")
			return a.State == modgw.AppAsleep && a.Sleep.Times >= more
		})
	}
	answers := func() {
		t.Helper()
		if code, body := s.get("/page"); code != 200 || !strings.HasPrefix(body, "ticks ") {
			t.Errorf("%d %q", code, body)
		}
	}
	asleep(1)
	before := switches(s.status("blog").Runner.Workers[0].PID)
	if !strings.Contains(s.mustRun("status", "blog", "-c", "modgw.hcl"), "  asleep     since ") {
		t.Error("status does not say since when it sleeps")
	}
	if !strings.Contains(s.mustRun("metrics", "-c", "modgw.hcl"), `modgw_workers{app="blog",state="asleep"} 1`) {
		t.Error("the metrics do not count a worker that sleeps")
	}
	if ran := wokenSince(before, switches(s.status("blog").Runner.Workers[0].PID)); len(ran) > 0 {
		t.Errorf("these ran while the app slept: %q", ran)
	}
	answers()
	if by := s.status("blog").Sleep.Woken; by == nil || by.Cause != modgw.WokenByRequest || by.Request.Path != "/page" {
		t.Errorf("woken by %+v", by)
	}
	asleep(s.status("blog").Sleep.Times + 1)
	pid := s.status("blog").Runner.Workers[0].PID
	s.mustRun("upgrade", "-c", "modgw.hcl")
	answers()
	if w := s.status("blog").Runner.Workers[0]; w.PID != pid {
		t.Errorf("worker %d slept, and after an upgrade there is %d", pid, w.PID)
	}
	for _, verb := range [][]string{{"scale", "blog", "2"}, {"reload", "blog"}, {"restart", "blog"}, {"rollback", "blog"}} {
		asleep(s.status("blog").Sleep.Times + 1)
		s.mustRun(slices.Concat(verb, []string{"-c", "modgw.hcl"})...)
		answers()
	}
	asleep(s.status("blog").Sleep.Times + 1)
	s.mustRun("stop", "blog", "-c", "modgw.hcl")
	watchtest.Eventually(t, "end of its workers", func() bool { return len(s.status("blog").Draining) == 0 })
	if drained := s.status("blog").Drained; drained == nil || drained.Cut != 0 {
		t.Errorf("drained: %+v", drained)
	}
	wantParts(t, s.log.String(), "app asleep", "app awake", "cause=request", "cause=scale", "cause=deploy", "cause=stop")
	if strings.Contains(s.log.String(), "worker killed") || strings.Contains(s.log.String(), "worker ended") {
		t.Errorf("a worker did not end when it was told to:\n%s", s.log)
	}
}
