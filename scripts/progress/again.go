package main

import (
	"fmt"
	"io"
	"strings"
)

const (
	// maxRepeated is the largest number of failed tests that run again. If more tests fail, the
	// machine's load is not the cause.
	maxRepeated = 5

	// maxLines is the number of output lines of an unsteady test that are repeated at the end.
	maxLines = 200
)

// failure is a test that failed, together with the output of the test and its subtests. Parents of
// failed subtests are not listed.
type failure struct {
	test
	printed []string
}

// signs are texts in the output of a failed test or package that must not be hidden by a successful
// second try.
var signs = []string{"DATA RACE", "race detected", "panic:"}

// isGrave reports whether a text has one of the signs.
func isGrave(text string) bool {
	for _, sign := range signs {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// failedAs notes a test that failed, by the name of the whole test that it is a part of.
func (r *run) failedAs(of test, printed []string) {
	of.name, _, _ = strings.Cut(of.name, "/")
	for _, text := range printed {
		r.grave = r.grave || isGrave(text)
	}
	for i, f := range r.failures {
		if f.test == of {
			r.failures[i].printed = append(f.printed, printed...)
			return
		}
	}
	r.failures = append(r.failures, failure{of, printed})
}

// mayRepeat reports whether the only failures are a few tests that may have failed because of the
// machine's load.
func (r *run) mayRepeat() bool {
	if len(r.failures) == 0 || len(r.failures) > maxRepeated || r.grave {
		return false
	}
	for _, pkg := range r.failed {
		if !r.failedIn(pkg) { // it was not built, or has failed after its tests
			return false
		}
	}
	return true
}

// failedIn reports whether a test of a package failed.
func (r *run) failedIn(pkg string) bool {
	for _, f := range r.failures {
		if f.pkg == pkg {
			return true
		}
	}
	return false
}

// repeat runs each failed test once more, and records which of them pass. again runs a test, with a
// separate run.
func (r *run) repeat(again func(of test, second *run) error) {
	var still []string
	for _, f := range r.failures {
		fmt.Fprintf(r.out, "again %s %s, alone\n", f.pkg, f.name)
		second := newRun(r.out)
		if err := again(f.test, second); err != nil || second.passed == 0 || len(second.failed) > 0 {
			still = append(still, f.pkg+" "+f.name)
			continue
		}
		r.unsteady = append(r.unsteady, f)
	}
	r.repeated, r.failed = true, still
}

// showUnsteady shows the tests that passed when they ran alone, and why they failed before.
func (r *run) showUnsteady() {
	for _, f := range r.unsteady {
		fmt.Fprintf(r.out, "UNSTEADY  %s %s failed at first and passed alone; at first it printed:\n", f.pkg, f.name)
		showSome(r.out, strings.SplitAfter(strings.Join(f.printed, ""), "\n"))
	}
}

// showSome shows the first lines of a text, and the number of the remaining ones.
func showSome(out io.Writer, lines []string) {
	more := len(lines) - maxLines
	for _, line := range lines[:min(len(lines), maxLines)] {
		fmt.Fprint(out, line)
	}
	if more > 0 {
		fmt.Fprintf(out, "and %d lines more, which stand above\n", more)
	}
}
