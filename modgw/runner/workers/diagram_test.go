package workers

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var transitionPattern = regexp.MustCompile(`(?m)^  (\w+) --> (\w+)`)

// TestDiagramOfAWorkerIsThatOfItsStates compares a diagram of docs/internals.md with the
// transitions that stateMachine allows.
func TestDiagramOfAWorkerIsThatOfItsStates(t *testing.T) {
	page, err := os.ReadFile("../../../docs/internals.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## The life of a worker\n")
	section, _, _ = strings.Cut(section, "\n## ")
	drawn := map[string]bool{}
	for _, line := range transitionPattern.FindAllStringSubmatch(section, -1) {
		drawn[line[1]+" --> "+line[2]] = true
	}
	names := map[State]string{
		BackingOff: "Backoff", Starting: "Starting", Ready: "Ready", Asleep: "Asleep",
		Retiring: "Retiring", Stopping: "Stopping", Ended: "Ended",
	}
	events := []func(*stateMachine) error{
		(*stateMachine).spawned, (*stateMachine).loaded, (*stateMachine).retired,
		(*stateMachine).stopped, (*stateMachine).exited, (*stateMachine).slept, (*stateMachine).woken,
	}
	allowed := map[string]bool{}
	for state, name := range names {
		for _, event := range events {
			m := stateMachine{state: state}
			if event(&m) == nil {
				allowed[name+" --> "+names[m.state]] = true
			}
		}
	}
	if got, want := slices.Sorted(maps.Keys(drawn)), slices.Sorted(maps.Keys(allowed)); !slices.Equal(got, want) {
		t.Errorf("the page has %q\nthe code has %q", got, want)
	}
}
