package proc

import (
	"slices"
	"testing"

	"github.com/modgw/modgw/internal/cgroup"
)

// TestProcessThatHasEndedIsNotMovedByItsID is about an id that another process may have by then.
func TestProcessThatHasEndedIsNotMovedByItsID(t *testing.T) {
	t.Parallel()
	p, err := Start(Spec{Path: "/bin/sh", Args: []string{"-c", "exec sleep 600"}, Lifeline: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	shared, err := p.Share()
	if err != nil {
		t.Fatal(err)
	}
	scope, err := NewScope("", cgroup.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer scope.Kill()
	const mark = "the mark of the other host"
	shared.Mark = mark
	inherited, err := Inherit(Spec{Scope: scope}, shared)
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	<-p.Done()
	if _, err := inherited.Own(); err != nil {
		t.Error(err)
	}
	inherited.ReadOutput()
	<-inherited.Done()
	if slices.Contains(scope.others, mark) {
		t.Error("what has its id was moved")
	}
}
