package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/bench/contest"
)

func hello(name string, front contest.Front, perSecond float64) Row {
	return Row{
		Situation:  Situation{Work: "hello", Site: contest.RawWSGI.Name, Front: front, Workers: 1, Threads: 8, Connections: 16},
		Contestant: name, PerSecond: perSecond, Rounds: []float64{perSecond},
		CPU: map[contest.Role]float64{contest.WorkerRole: 1e6 / perSecond}, Body: 13,
	}
}

func sample() *Report {
	slow := hello("gunicorn sync", contest.Direct, 1000)
	slow.Ratio = 3
	fast := hello("uWSGI", contest.Direct, 4000)
	fast.Ratio = 0.75
	return &Report{
		Rows: []Row{hello(contest.Ours, contest.Direct, 3000), slow, fast, {Situation: slow.Situation, Contestant: "hypercorn", Failed: "it has ended"}},
		Reloads: []Reload{
			{Event: Good, Workers: 4, Rate: 200, Contestant: contest.Ours, Answered: 400, Before: Latency{P50: 6000}, During: Latency{Max: 90000}, Slowest: []float64{40000, 10000, 90000}},
			{Event: Good, Workers: 4, Rate: 200, Contestant: "other", Answered: 300, Lost: 90, Wrong: 10},
			{Event: BadCode, Workers: 4, Contestant: contest.Ours, Answered: 399, Wrong: 1},
		},
		Growth: []Growth{
			{Of: "apps", N: 1, Start: 50, Memory: 20 << 20, Request: 70},
			{Of: "apps", N: 1000, Start: 900, Memory: 80 << 20, Request: 72},
		},
		Savings: []Saving{{Site: contest.OnePage.Name, Times: []float64{130, 900, 120}, Settle: 100}},
	}
}

func TestVerdictsSayWhatWasMetAndWhatWasNotMeasured(t *testing.T) {
	want := map[string]string{
		"hello WSGI directly, 1 worker ≥ 4 × gunicorn":                                                   "missed",
		"hello WSGI directly, 1 worker ≥ 1.5 × uWSGI":                                                    "missed",
		"hello ASGI directly, 1 worker ≥ 0.8 × uvicorn":                                                  "not measured",
		"good code under load, 4 workers 0 lost, 0 other than 200, ≤ 50 ms added":                        "met",
		"good code under load, 1 worker 0 lost, 0 other than 200, ≤ 50 ms added":                         "not measured",
		"broken code saved under load, 4 workers 0 lost, 0 other than 200, one error with file and line": "missed",
		"saved → new page, a page 100 ms of settling + ≤ 150 ms":                                         "met",
		"1 000 descriptors, on demand ready in ≤ 2 s, ≤ 100 KiB each, routing as with one":               "met",
		"idle host, 1 app ≤ 30 MiB, no wake-ups":                                                         "met",
	}
	for _, v := range sample().Verdicts() {
		name := v.What + " " + v.Bar
		got := "missed"
		switch {
		case v.Measured == "":
			got = "not measured"
		case v.Met:
			got = "met"
		}
		if expected, known := want[name]; known && got != expected {
			t.Errorf("%s is %s (%s), want %s", name, got, v.Measured, expected)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("there is no verdict on %s", name)
	}
}

func TestSummaryIsWrittenBetweenItsMarksAndNothingElseIsChanged(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("# Before\n"+beginMeasured+"old\n"+endMeasured+"after\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := sample().WriteSummary(page); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if !strings.HasPrefix(got, "# Before\n"+beginMeasured) || !strings.HasSuffix(got, endMeasured+"after\n") || strings.Contains(got, "old") {
		t.Errorf("%s", got)
	}
	if !strings.Contains(got, "| uWSGI | 1 | 1.3 × modgw |") {
		t.Errorf("it does not say that uWSGI is ahead:\n%s", got)
	}
	if err := sample().WriteSummary(filepath.Join(t.TempDir(), "none.md")); err != nil {
		t.Error(err)
	}
}

func TestPlotsAreWrittenOfWhatWasMeasured(t *testing.T) {
	dir := t.TempDir()
	if err := sample().WritePlots(dir); err != nil {
		t.Fatal(err)
	}
	for name, wanted := range map[string]bool{"throughput": true, "cpu": true, "apps": true, "reload": true, "files": false, "latency": false} {
		if _, err := os.Stat(filepath.Join(dir, name+".svg")); (err == nil) != wanted {
			t.Errorf("%s.svg: %v", name, err)
		}
	}
}

func TestVerdictIsNarrowWhereAnotherRunMayFindTheOther(t *testing.T) {
	verdict := func(theirs ...float64) Verdict {
		ours, peer := hello(contest.Ours, contest.Direct, 1500), hello("uWSGI", contest.Direct, Median(theirs))
		ours.Rounds, peer.Rounds = []float64{1500, 1480, 1520}, theirs
		r := &Report{Rows: []Row{ours, peer}}
		return r.rate("hello", func(Row) bool { return true }, 1.5, "uWSGI")
	}
	if v := verdict(990, 1000, 1010); !v.Met || !v.Narrowly {
		t.Errorf("%+v", v)
	}
	if v := verdict(790, 800, 810); !v.Met || v.Narrowly || !strings.Contains(v.Measured, "1.88 × (1.85 to 1.90; 1500 with 8 × 16 against") {
		t.Errorf("%+v", v)
	}
	if v := verdict(1400, 1410, 1420); v.Met || v.Narrowly {
		t.Errorf("%+v", v)
	}
}

func TestShortRequestsAreComparedWithThemselvesBesideLongOnes(t *testing.T) {
	alone := Row{Situation: Situation{Work: "short", Threads: 8, Connections: 12}, Contestant: contest.Ours, PerSecond: 5000, Latency: Latency{P50: 2000, P99: 4000}}
	beside := alone
	beside.Slow, beside.PerSecond, beside.Latency = 4, 2500, Latency{P50: 4000, P99: 6000}
	var out strings.Builder
	(&Report{Rows: []Row{alone, beside}}).writeFairness(&out)
	if !strings.Contains(out.String(), "| modgw | 5000 | 2.00 | 4.00 | 2500 | 4.00 | 6.00 |") {
		t.Error(out.String())
	}
}
