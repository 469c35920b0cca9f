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
		CPU:    map[contest.Role]float64{contest.WorkerRole: 1e6 / perSecond},
		Memory: map[contest.Role]int64{contest.HostRole: 20 << 20, contest.WorkerRole: 15 << 20}, Body: 13,
	}
}

// django returns the row of a page that takes the worker cpu microseconds.
func django(name string, threads int, cpu float64) Row {
	row := hello(name, contest.Direct, 1e6/cpu)
	row.Work, row.Site, row.Threads = "page", contest.Django.Name, threads
	return row
}

// paced returns the row of hello at a fixed rate, at a cost of cpu microseconds.
func paced(name string, threads int, rate, cpu float64) Row {
	row := hello(name, contest.Direct, rate)
	row.Rate, row.Threads, row.Latency = rate, threads, Latency{P99: 500}
	row.CPU = map[contest.Role]float64{contest.HostRole: cpu}
	return row
}

func sample() *Report {
	slow := hello("gunicorn sync", contest.Direct, 1000)
	slow.Ratio = 3
	fast := hello("uWSGI", contest.Direct, 4000)
	fast.Ratio = 0.75
	return &Report{
		Rows: []Row{
			hello(contest.Ours, contest.Direct, 3000), slow, fast, hello("Granian", contest.Direct, 2900),
			{Situation: slow.Situation, Contestant: "hypercorn", Failed: "it has ended"},
			django(contest.Ours, 1, 400), django(contest.Ours, 8, 500),
			django(contest.Default, 8, 400), django("Granian", 1, 480),
			paced(contest.Ours, 8, 1000, 150), paced(contest.Ours, 1, 1000, 190),
			paced("Granian", 1, 1000, 100),
			paced(contest.Ours, 8, 5000, 90), paced("Granian", 1, 5000, 80),
		},
		Reloads: []Reload{
			{Event: Good, Workers: 4, Rate: 200, Contestant: contest.Ours, Answered: 400, Before: Latency{P50: 6000}, During: Latency{Max: 90000}, Slowest: []float64{40000, 10000, 90000}},
			{Event: Good, Workers: 4, Rate: 200, Contestant: "other", Answered: 300, Lost: 90, Wrong: 10},
			{Event: BadCode, Workers: 4, Contestant: contest.Ours, Answered: 399, Wrong: 1},
		},
		Growth: []Growth{
			{Of: "apps", N: 1, Start: 50, Memory: 20 << 20, Request: 70},
			{Of: "apps", N: 10_000, Start: 2900, Memory: 300 << 20, Request: 72},
			{Of: "files", N: 100_000, Saved: 250},
		},
		Metering: []Metering{
			{Situation: fast.Situation, With: []float64{20.2, 30.2, 20.2}, Without: []float64{20, 30, 10}},
			{Situation: Situation{Work: "hello", Site: contest.RawASGI.Name}, With: []float64{21}, Without: []float64{20}},
			{Situation: Situation{Work: "page", Site: contest.RawASGI.Name}, With: []float64{20}, Failed: "it has ended"},
		},
		Savings: []Saving{{Site: contest.OnePage.Name, Times: []float64{125, 900, 120}, Settle: 100}},
	}
}

func TestVerdictsSayWhatWasMetAndWhatWasNotMeasured(t *testing.T) {
	want := map[string]string{
		"hello WSGI directly ≥ 2.5 × uWSGI, CPU ≤ 20 µs":                                                 "missed",
		"hello WSGI directly ≥ 1 × Granian":                                                              "met",
		"hello ASGI directly ≥ 1.2 × uvicorn":                                                            "not measured",
		"Django page directly, default threads ≥ 1.15 × Granian":                                         "met",
		"Django page directly, default threads ≥ 1.3 × uWSGI":                                            "not measured",
		"Django page directly, 8 threads beside 1 worker's CPU ≤ 1.05 ×":                                 "missed",
		"hello WSGI directly, 1000 requests a second CPU ≤ 1.6 × Granian, p99 ≤ 1.1 ×":                   "met",
		"hello WSGI directly, 5000 requests a second CPU ≤ 1 × Granian, p99 ≤ 1.1 ×":                     "missed",
		"one hello app, host and worker ≤ 45 MiB":                                                        "met",
		"good code under load, 4 workers 0 lost, 0 other than 200, ≤ 20 ms added":                        "missed",
		"good code under load, 1 worker 0 lost, 0 other than 200, ≤ 20 ms added":                         "not measured",
		"broken code saved under load, 4 workers 0 lost, 0 other than 200, one error with file and line": "missed",
		"saved → new page, a page 100 ms of settling + ≤ 30 ms":                                          "met",
		"saved → new page, 100 000 files 100 ms of settling + ≤ 100 ms":                                  "missed",
		"10 000 descriptors, on demand ready in ≤ 3 s, ≤ 50 KiB each, routing as with one":               "met",
		"counting and timing requests, hello of bare WSGI < 2 % of the CPU time":                         "met",
		"counting and timing requests, hello of bare ASGI < 2 % of the CPU time":                         "missed",
		"counting and timing requests, page of bare ASGI < 2 % of the CPU time":                          "not measured",
		"idle host, 1 app ≤ 20 MiB, no wake-ups":                                                         "met",
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
		b := bar{what: "hello", of: func(Row) bool { return true }, least: 1.5, peers: []string{"uWSGI"}}
		return b.verdict([]Row{ours, peer})
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
