package top

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/diagnosis"
)

// stubHost is a host with fixed apps and metrics.
type stubHost struct {
	apps    []control.AppStatus
	metrics string
}

func (h stubHost) Status(context.Context) (control.Status, error) {
	return control.Status{Version: "1.2.3", Apps: h.apps}, nil
}

func (h stubHost) Metrics(_ context.Context, w io.Writer, asJSON bool) error {
	if !asJSON {
		return errors.New("not asked for JSON")
	}
	_, err := io.WriteString(w, h.metrics)
	return err
}

func app(name modgw.AppName) control.AppStatus {
	return control.AppStatus{AppStatus: modgw.AppStatus{
		App: name, State: modgw.AppServing, Generation: &modgw.GenerationStatus{Number: 2, InFlight: 3},
		Runner: modgw.RunnerStatus{Busy: 1, Capacity: 4, Queued: 2, Workers: []modgw.WorkerStatus{{Number: 1, PID: 11, State: "ready"}}},
	}}
}

func read(t *testing.T, host Host, at time.Time) Snapshot {
	t.Helper()
	s, err := Read(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	s.Time = at
	return s
}

func TestFiguresAreThoseBetweenTwoSnapshots(t *testing.T) {
	start := time.Now()
	first := read(t, stubHost{[]control.AppStatus{app("shop")}, `[
		{"name": "modgw_requests_total", "series": [{"labels": {"app": "shop", "code": "200"}, "value": 100}]},
		{"name": "modgw_worker_cpu_seconds_total", "series": [{"labels": {"app": "shop", "worker": "1"}, "value": 5}]},
		{"name": "modgw_request_duration_seconds", "series": [{"labels": {"app": "shop"}, "count": 100, "buckets": {"0.1": 100, "0.2": 100, "1": 100}}]}
	]`}, start)
	second := read(t, stubHost{[]control.AppStatus{app("new"), app("shop")}, `[
		{"name": "modgw_requests_total", "series": [
			{"labels": {"app": "shop", "code": "200"}, "value": 130},
			{"labels": {"app": "shop", "code": "503"}, "value": 10},
			{"labels": {"app": "gone", "code": "503"}, "value": 10}
		]},
		{"name": "modgw_worker_cpu_seconds_total", "series": [{"labels": {"app": "shop", "worker": "1"}, "value": 6}]},
		{"name": "modgw_worker_memory_bytes", "series": [
			{"labels": {"app": "shop", "worker": "1"}, "value": 1048576}, {"labels": {"app": "shop", "worker": "2"}, "value": 1048576}
		]},
		{"name": "modgw_request_duration_seconds", "series": [{"labels": {"app": "shop"}, "count": 140, "buckets": {"0.1": 100, "0.2": 140, "1": 140}}]}
	]`}, start.Add(2*time.Second))
	rows := Rows(first, second)
	if len(rows) != 2 || rows[0].App != "new" || rows[0].Rate != 0 || rows[0].Median != nil {
		t.Fatalf("%+v", rows)
	}
	r := rows[1]
	if r.Rate != 20 || r.Errors != 5 || r.Processor != 0.5 || r.Memory != 2<<20 || r.InFlight != 3 || r.Queued != 2 || r.Generation != 2 {
		t.Errorf("%+v", r)
	}
	if r.Median == nil || r.P95 == nil || *r.Median < 0.149 || *r.Median > 0.151 || *r.P95 < 0.194 || *r.P95 > 0.196 {
		t.Errorf("median %v, p95 %v", r.Median, r.P95)
	}
}

func TestDurationsBeyondTheLastBoundAreTheBound(t *testing.T) {
	before := []bucket{{1, 0}, {60, 0}}
	if got := quantile(0.95, before, []bucket{{1, 0}, {60, 0}}); got != nil {
		t.Errorf("%v of nothing", *got)
	}
	if got := quantile(0.5, nil, []bucket{{1, 4}, {60, 4}}); got == nil || *got != 0.5 {
		t.Errorf("%v", got)
	}
}

// rowsOf returns a model of three apps, the second of which is not well.
func rowsOf(t *testing.T) *Model {
	apps := []control.AppStatus{app("a"), app("b"), app("c")}
	apps[1].Diagnosis = &diagnosis.Diagnosis{Severity: diagnosis.Critical, Sentence: "the queue is full\x1b[2J", Hint: "raise threads"}
	apps[2].Runner.Queued = 50
	m := &Model{}
	m.Add(read(t, stubHost{apps, "[]"}, time.Now()))
	return m
}

func names(m *Model) (all []string) {
	for _, r := range m.Rows() {
		all = append(all, string(r.App))
	}
	return all
}

func text(m *Model, width, height int) string {
	var all []string
	for _, l := range m.View(width, height) {
		all = append(all, l.Text)
	}
	return strings.Join(all, "\n")
}

func TestKeysSelectSortAndShowOneApp(t *testing.T) {
	m := rowsOf(t)
	for _, k := range Keys([]byte("\x1b[B\r")) {
		m.Press(k)
	}
	if got := text(m, 200, 30); !strings.Contains(got, "critical: the queue is full") || !strings.Contains(got, "raise threads") ||
		!strings.Contains(got, "pid 11") || strings.Contains(got, "\x1b") {
		t.Errorf("one app:\n%s", got)
	}
	m.Press(Back)
	if got := text(m, 200, 30); strings.Count(got, "serving") != 3 {
		t.Errorf("all apps:\n%s", got)
	}
	m.Press(Unwell)
	if got := names(m); !slices.Equal(got, []string{"b", "a", "c"}) {
		t.Errorf("not well first: %v", got)
	}
	m.Press(Unwell)
	if !m.SortBy("queue") || m.SortBy("colour") {
		t.Error("cannot sort by queue, or can by colour")
	}
	if got := names(m); !slices.Equal(got, []string{"c", "a", "b"}) {
		t.Errorf("by queue: %v", got)
	}
	if m.selected != "b" {
		t.Errorf("selected is %q", m.selected)
	}
	if m.Press(Keys([]byte("q"))[0]) || m.Press(Keys([]byte{3})[0]) || !m.Press(Keys([]byte("?"))[0]) {
		t.Error("q and Ctrl-C end top, other keys do not")
	}
}

func TestTheScreenHasRoomForTheSelectedApp(t *testing.T) {
	m := rowsOf(t)
	for range 5 {
		m.Press(Down)
	}
	lines := m.View(20, 4)
	if len(lines) != 4 || lines[2].Style != Selected || !strings.HasPrefix(lines[2].Text, "c ") {
		t.Errorf("%+v", lines)
	}
	for _, l := range lines {
		if len([]rune(l.Text)) > 20 {
			t.Errorf("%q is too wide", l.Text)
		}
	}
	for height := range 4 {
		m.View(0, height) // must not fail
	}
}

func TestAppsStayWhenTheHostCannotBeAsked(t *testing.T) {
	m := rowsOf(t)
	m.Fail(errors.New("no host is running"))
	if got := text(m, 200, 30); !strings.Contains(got, "no host is running") || !strings.Contains(got, "serving") {
		t.Error(got)
	}
	m.Add(read(t, stubHost{nil, "[]"}, time.Now()))
	if got := text(m, 200, 30); strings.Contains(got, "serving") || m.selected != "" {
		t.Error(got)
	}
}

func TestWhatIsWrongWithTheHostComesFirst(t *testing.T) {
	m := rowsOf(t)
	if m.About() != "" {
		t.Error(m.About())
	}
	s := m.last
	s.Status.Diagnosis = &diagnosis.Diagnosis{Cause: "disk_full", Severity: diagnosis.Critical, Sentence: "disk\x1b full", Hint: "make room"}
	m.Add(s)
	lines := m.View(200, 5)
	if len(lines) != 5 || lines[1].Style != Bad || lines[1].Text != m.About() || !strings.Contains(m.About(), "critical  disk") ||
		!strings.Contains(m.About(), "full; make room") || strings.Contains(m.About(), "\x1b") {
		t.Errorf("%+v", lines)
	}
	for height := range 5 {
		m.View(20, height) // must not fail
	}
}
