package manual_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw/runner/workers"
)

var transitionPattern = regexp.MustCompile(`(?m)^  (\w+) --> (\w+)`)

// TestDiagramOfAWorkerIsThatOfItsStates compares a diagram of docs/internals.md with the
// transitions that workers.Life allows.
func TestDiagramOfAWorkerIsThatOfItsStates(t *testing.T) {
	page, err := os.ReadFile("docs/internals.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## The life of a worker\n")
	section, _, _ = strings.Cut(section, "\n## ")
	drawn := map[string]bool{}
	for _, line := range transitionPattern.FindAllStringSubmatch(section, -1) {
		drawn[line[1]+" --> "+line[2]] = true
	}
	names := map[workers.State]string{
		workers.Waiting: "Waiting", workers.Starting: "Starting", workers.Ready: "Ready",
		workers.Retiring: "Retiring", workers.Stopping: "Stopping", workers.Ended: "Ended",
	}
	events := []func(*workers.Life) error{
		(*workers.Life).Spawned, (*workers.Life).Loaded, (*workers.Life).Retired,
		(*workers.Life).Stopped, (*workers.Life).Exited,
	}
	allowed := map[string]bool{}
	for state, name := range names {
		for _, event := range events {
			life := workers.Life{State: state}
			if event(&life) == nil {
				allowed[name+" --> "+names[life.State]] = true
			}
		}
	}
	if got, want := slices.Sorted(maps.Keys(drawn)), slices.Sorted(maps.Keys(allowed)); !slices.Equal(got, want) {
		t.Errorf("the page has %q\nthe code has %q", got, want)
	}
}
