package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// begin contains the events of two tests, one of which has a running subtest.
const begin = `{"Time":"2026-01-02T15:04:05Z","Action":"start","Package":"x/a"}
{"Time":"2026-01-02T15:04:05Z","Action":"run","Package":"x/a","Test":"TestOne"}
{"Time":"2026-01-02T15:04:05Z","Action":"output","Package":"x/a","Test":"TestOne","Output":"one says\n"}
{"Time":"2026-01-02T15:04:06Z","Action":"run","Package":"x/a","Test":"TestTwo"}
{"Time":"2026-01-02T15:04:07Z","Action":"run","Package":"x/a","Test":"TestTwo/sub"}
{"Time":"2026-01-02T15:04:08Z","Action":"output","Package":"x/a","Test":"TestTwo/sub","Output":"sub says\n"}
`

// shown plays a run with these events and a tick after them. It returns the text that was shown,
// and whether the run passed.
func shown(events string) (string, bool) {
	var out strings.Builder
	r := newRun(&out)
	play(r, events)
	passed := r.end(nil)
	return out.String(), passed
}

// play sends events to a run, and then a tick.
func play(r *run, events string) {
	lines, tick := make(chan string), make(chan time.Time)
	followed := make(chan struct{})
	go func() {
		follow(r, lines, tick)
		close(followed)
	}()
	for line := range strings.Lines(events) {
		lines <- line
	}
	tick <- time.Now()
	close(lines)
	<-followed
}

func TestRunningTestsAreNamed(t *testing.T) {
	out, _ := shown(begin)
	if !strings.Contains(out, "running: a TestOne (3 s), a TestTwo/sub (1 s)\n") || strings.Contains(out, "says") {
		t.Errorf("shown:\n%s", out)
	}
}

func TestFailedTestIsShownWithWhatItPrinted(t *testing.T) {
	out, ok := shown(begin + `{"Action":"fail","Package":"x/a","Test":"TestTwo/sub","Elapsed":2}
{"Action":"fail","Package":"x/a","Test":"TestTwo","Elapsed":2}
{"Action":"pass","Package":"x/a","Test":"TestOne","Elapsed":2}
{"Action":"output","Package":"x/a","Output":"exit status 1\n"}
{"Action":"fail","Package":"x/a","Elapsed":3}
{"Action":"pass","Package":"x/b","Elapsed":4.5}
`)
	for _, want := range []string{"FAIL     2.0 s  x/a TestTwo/sub\nsub says\n", "exit status 1\n", "ok       4.5 s  x/b\n", "FAIL  x/a\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("without %q:\n%s", want, out)
		}
	}
	if ok || strings.Contains(out, "one says") {
		t.Errorf("passed: %t, shown:\n%s", ok, out)
	}
}

func TestPackageThatIsNotBuiltIsShown(t *testing.T) {
	out, ok := shown(`# x/a
{"ImportPath":"x/a [x/a.test]","Action":"build-output","Output":"a.go:3: undefined: b\n"}
{"Action":"fail","Package":"x/a","Elapsed":0,"FailedBuild":"x/a [x/a.test]"}
`)
	if ok || !strings.Contains(out, "a.go:3: undefined: b\n") || !strings.Contains(out, "# x/a\n") {
		t.Errorf("passed: %t, shown:\n%s", ok, out)
	}
}

func TestAllPassed(t *testing.T) {
	out, ok := shown(`{"Action":"pass","Package":"x/a","Test":"TestOne","Elapsed":2}
{"Action":"pass","Package":"x/a","Elapsed":2}
`)
	if !ok || !strings.Contains(out, "ok    all, 1 tests\n") {
		t.Errorf("passed: %t, shown:\n%s", ok, out)
	}
}

func TestCommandThatFailsBesideItsTestsIsAFailure(t *testing.T) {
	var out strings.Builder
	r := newRun(&out)
	play(r, `{"Action":"pass","Package":"x/a","Test":"TestOne","Elapsed":2}
{"Action":"pass","Package":"x/a","Elapsed":2}
`)
	if r.end(errors.New("exit status 2")) || !strings.Contains(out.String(), "FAIL  go test: exit status 2\n") {
		t.Errorf("shown:\n%s", &out)
	}
}
