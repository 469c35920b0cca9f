package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// event is an event of "go doc test2json".
type event struct {
	Time        time.Time
	Action      string
	Package     string
	ImportPath  string // import path of the package that was built
	Test        string // "": the event is about the package
	Output      string
	Elapsed     float64 // seconds
	FailedBuild string
}

// test identifies a test or, with an empty name, the output of a package outside of its tests.
type test struct{ pkg, name string }

// run is a run of tests.
type run struct {
	out     io.Writer
	begun   map[test]time.Time // tests that run
	printed map[test][]string  // by tests that have not ended, and by packages
	builds  map[string][]string
	failed  []string  // failed packages; after tests have run again, those that failed again
	passed  int       // tests
	last    time.Time // time of an event

	failures []failure
	grave    bool // something that failed, or else was printed, must not pass at a second try
	repeated bool
	unsteady []failure
}

func newRun(out io.Writer) *run {
	return &run{out: out, begun: map[test]time.Time{}, printed: map[test][]string{}, builds: map[string][]string{}}
}

func (r *run) take(e event) {
	r.last = e.Time
	of := test{e.Package, e.Test}
	switch e.Action {
	case "run":
		r.begun[of] = e.Time
	case "pause": // it continues when the tests before it have ended
		delete(r.begun, of)
	case "cont":
		r.begun[of] = e.Time
	case "output":
		r.printed[of] = append(r.printed[of], e.Output)
		// The race detector prints it into the output of any test that runs.
		r.grave = r.grave || strings.Contains(e.Output, "DATA RACE")
	case "build-output":
		r.builds[e.ImportPath] = append(r.builds[e.ImportPath], e.Output)
	case "pass", "fail", "skip":
		r.ended(of, e)
	}
}

// ended shows a package that has ended, and a test that has failed.
func (r *run) ended(of test, e event) {
	delete(r.begun, of)
	failed := e.Action == "fail"
	switch {
	case of.name == "" && failed:
		r.failed = append(r.failed, of.pkg)
		r.grave = r.grave || isGrave(strings.Join(r.printed[of], ""))
		fmt.Fprint(r.out, strings.Join(r.builds[e.FailedBuild], ""), strings.Join(r.printed[of], ""))
	case of.name == "" && e.Action == "pass":
		fmt.Fprintf(r.out, "ok    %6.1f s  %s\n", e.Elapsed, of.pkg)
	case failed:
		fmt.Fprintf(r.out, "FAIL  %6.1f s  %s %s\n%s", e.Elapsed, of.pkg, of.name, strings.Join(r.printed[of], ""))
		r.failedAs(of, r.printed[of])
	case e.Action == "pass":
		r.passed++
	}
	delete(r.printed, of)
}

// showRunning names the running tests that have no running subtests.
func (r *run) showRunning() {
	var names []string
	for _, t := range slices.SortedFunc(maps.Keys(r.begun), func(a, b test) int { return r.begun[a].Compare(r.begun[b]) }) {
		if !r.hasRunning(t) {
			seconds := r.last.Sub(r.begun[t]).Seconds()
			names = append(names, fmt.Sprintf("%s %s (%.0f s)", t.pkg[strings.LastIndex(t.pkg, "/")+1:], t.name, seconds))
		}
	}
	if len(names) > 0 {
		fmt.Fprintf(r.out, "...   running: %s\n", strings.Join(names, ", "))
	}
}

// hasRunning reports whether a subtest of a test runs.
func (r *run) hasRunning(parent test) bool {
	for t := range r.begun {
		if t.pkg == parent.pkg && strings.HasPrefix(t.name, parent.name+"/") {
			return true
		}
	}
	return false
}

// end shows the outcome of the run and reports whether it passed. err is the error of go test.
func (r *run) end(err error) bool {
	r.showUnsteady()
	switch {
	case len(r.failed) > 0:
		fmt.Fprintf(r.out, "FAIL  %s\n", strings.Join(r.failed, " "))
		return false
	case err != nil && !r.repeated:
		fmt.Fprintf(r.out, "FAIL  go test: %v\n", err)
		return false
	case len(r.unsteady) > 0:
		fmt.Fprintf(r.out, "ok    all, %d tests, but %d are UNSTEADY: %s\n", r.passed+len(r.unsteady), len(r.unsteady), r.unsteadyNames())
		return true
	}
	fmt.Fprintf(r.out, "ok    all, %d tests\n", r.passed)
	return true
}

func (r *run) unsteadyNames() string {
	var names []string
	for _, f := range r.unsteady {
		names = append(names, f.name)
	}
	return strings.Join(names, " ")
}
