package host

import (
	"testing"
	"time"

	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/diagnosis"
)

func TestSamplesOfFiguresAreKeptApartAndFew(t *testing.T) {
	var f figures
	start := time.Now()
	for i := range 10 * keptSamples {
		at := start.Add(time.Duration(i) * sampleEvery / 4)
		all := f.add("shop", diagnosis.Sample{Time: at, Requests: uint64(i)})
		if len(all) > keptSamples+2 || all[len(all)-1].Requests != uint64(i) {
			t.Fatalf("%d samples, the last with %d requests", len(all), all[len(all)-1].Requests)
		}
	}
	kept := f.apps["shop"].kept
	if len(kept) != keptSamples {
		t.Errorf("%d are kept", len(kept))
	}
	for i := range kept[1:] {
		if kept[i+1].Time.Sub(kept[i].Time) < sampleEvery {
			t.Errorf("samples %d and %d are %s apart", i, i+1, kept[i+1].Time.Sub(kept[i].Time))
		}
	}
	f.remove("shop")
	if all := f.add("shop", diagnosis.Sample{Time: start}); len(all) != 1 {
		t.Errorf("%d samples of an app that was removed", len(all))
	}
}

func TestWhyTheLastWorkerEndedIsInTheLog(t *testing.T) {
	b := newLogbook()
	if got, at := b.workerEnds("shop"); got != "" || at != nil {
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
	if got, at := b.workerEnds("shop"); got != "settings.py:12" || len(at) != 2 {
		t.Errorf("%q, %v", got, at)
	}
}

func TestWhatTheLogHasOfARequestThatFailed(t *testing.T) {
	b := newLogbook()
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
		if what, interrupted := b.failure("shop", request); what != want || interrupted != "slow.py line 7" {
			t.Errorf("of %s: %q, %q", request, what, interrupted)
		}
	}
	if what, interrupted := b.failure("other", "one"); what != "" || interrupted != "" {
		t.Errorf("of another app: %q, %q", what, interrupted)
	}
}
