package proc

import (
	"testing"

	"github.com/modgw/modgw/internal/kernelaudit"
)

// TestDenialsAreNotNamedWhereANumberIsReused uses two scopes, one of which has started the process
// that created domain 1, and a table of the processes that have the IDs at the time of the denials.
func TestDenialsAreNotNamedWhereANumberIsReused(t *testing.T) {
	t.Parallel()
	const owner, child, again = 7, 8, 9
	landlock := func(pid, owner int) kernelaudit.Denial {
		return kernelaudit.Denial{PID: pid, Domain: 1, Owner: owner}
	}
	type running map[int]string // groups by the processes that run
	type step struct {
		denial kernelaudit.Denial
		runs   running
		want   string // name of the scope; "": none is certain
	}
	for name, steps := range map[string][]step{
		"the owner's number is another app's": {{landlock(child, owner), running{owner: "second", child: "first"}, "first"}},
		"the owner runs, and its child has ended": {
			{landlock(child, owner), running{owner: "first"}, "first"},
			{landlock(0, owner), running{owner: "second"}, "first"},
			{landlock(again, owner), running{owner: "second", again: "second"}, "first"},
		},
		"the owner has ended, and its number is another app's": {
			{landlock(0, owner), running{owner: "second"}, ""},
			{landlock(child, owner), running{owner: "second"}, ""},
			{landlock(child, owner), running{owner: "second", child: "first"}, "first"},
			{landlock(0, owner), running{owner: "second"}, "first"},
		},
		"both have ended":                  {{landlock(child, owner), nil, ""}},
		"the kernel names the owner alone": {{landlock(0, owner), nil, "first"}},
		"the owner itself has ended":       {{landlock(owner, owner), nil, "first"}},
		"both scopes have started one":     {{landlock(0, again), nil, ""}},
		"a system call has no domain": {
			{kernelaudit.Denial{PID: child}, running{child: "first"}, "first"},
			{kernelaudit.Denial{PID: child}, running{child: "second"}, "second"},
			{kernelaudit.Denial{PID: child}, running{child: ""}, ""},
		},
	} {
		all := newDenialReports()
		first, second := &denialReport{group: "first"}, &denialReport{group: "second"}
		all.groups["first"], all.groups["second"] = first, second
		all.noteStart(owner, first)
		all.noteStart(again, first)
		all.noteStart(again, second)
		for n, s := range steps {
			var got string
			if report := all.reportOf(s.denial, func(pid int) (string, bool) {
				group, runs := s.runs[pid]
				return group, runs
			}); report != nil {
				got = report.group
			}
			if got != s.want {
				t.Errorf("%s: denial %d is reported to %q, want %q", name, n, got, s.want)
			}
		}
	}
}

func TestDomainsWithDenialsAreForgotten(t *testing.T) {
	t.Parallel()
	all := newDenialReports()
	all.groups["first"] = &denialReport{group: "first"}
	for domain := range uint64(2 * maxDomains) {
		d := kernelaudit.Denial{PID: 7, Domain: domain + 1}
		if all.reportOf(d, func(int) (string, bool) { return "first", true }) == nil {
			t.Fatal("a denial is not reported")
		}
	}
	if len(all.domains) > maxDomains {
		t.Errorf("%d domains are remembered", len(all.domains))
	}
}
