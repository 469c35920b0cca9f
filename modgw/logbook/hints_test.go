package logbook

import (
	"testing"

	"github.com/modgw/modgw/modgw/control"
)

func TestWhyTheLastWorkerEndedIsInTheLog(t *testing.T) {
	b := New()
	if got, at := b.WorkerEnds("shop"); got != "" || at != nil {
		t.Errorf("%q of nothing", got)
	}
	for _, r := range []control.LogRecord{
		{App: "shop", Message: "worker ended", Attrs: []control.LogAttr{{Key: "reason", Value: "exited with code 1"}}},
		{App: "shop", Message: "worker not started", Attrs: []control.LogAttr{{Key: "worker", Value: "1"}, {Key: "error", Value: "settings.py:12"}}},
		{App: "shop", Message: "app output"},
		{App: "blog", Message: "worker ended", Attrs: []control.LogAttr{{Key: "reason", Value: "another"}}},
	} {
		b.add(r)
	}
	if got, at := b.WorkerEnds("shop"); got != "settings.py:12" || len(at) != 2 {
		t.Errorf("%q, %v", got, at)
	}
}

func TestWhatTheLogHasOfARequestThatFailed(t *testing.T) {
	b := New()
	add := func(level, text, request, file, line string) {
		b.add(control.LogRecord{App: "shop", Level: level, Message: "worker logged", Attrs: []control.LogAttr{
			{Key: "text", Value: text}, {Key: "request", Value: request}, {Key: "file", Value: file}, {Key: "line", Value: line},
		}})
	}
	add("ERROR", "cannot answer GET /: KeyError: 'tea'", "one", "/srv/shop.py", "5")
	add("WARN", "request interrupted: it took longer than 1s", "two", "/srv/slow.py", "7")
	b.add(control.LogRecord{App: "shop", Level: "ERROR", Message: "request failed", Attrs: []control.LogAttr{
		{Key: "request", Value: "three"}, {Key: "error", Value: "cannot connect"},
	}})
	for request, want := range map[string]string{
		"one": "cannot answer GET /: KeyError: 'tea' (shop.py line 5)", "three": "cannot connect", "four": "cannot connect",
	} {
		if what, interrupted := b.Failure("shop", request); what != want || interrupted != "slow.py line 7" {
			t.Errorf("of %s: %q, %q", request, what, interrupted)
		}
	}
	if what, interrupted := b.Failure("other", "one"); what != "" || interrupted != "" {
		t.Errorf("of another app: %q, %q", what, interrupted)
	}
}
