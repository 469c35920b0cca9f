package relay_test

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/runnertest"
	"github.com/modgw/modgw/modgw"
)

// path returns a path with an escaped character that logs must not show unescaped.
func path(name string) string { return "/" + name + "%1b" }

// record holds the attributes of a log record that a test compares.
type record struct{ level, message, status, code, cutOff string }

var recordLine = regexp.MustCompile(`level=(\S+) msg="([^"]*)"`)

// record returns the first record with a message.
func (a *app) record(message string) (r record, found bool) {
	for line := range strings.Lines(a.Log()[a.mark:]) {
		m := recordLine.FindStringSubmatch(line)
		if m == nil || m[2] != message {
			continue
		}
		field := func(name string) string {
			_, rest, _ := strings.Cut(line, " "+name+"=")
			value, _, _ := strings.Cut(rest, " ")
			return strings.TrimSpace(value)
		}
		if p := field("path"); p != "" && !strings.HasSuffix(p, `\x1b`) {
			a.Errorf("the path is shown as %s", p)
		}
		return record{m[1], m[2], field("status"), field("code"), field("cut_off")}, true
	}
	return r, false
}

// wantRecord waits for a record, which must be like this.
func (a *app) wantRecord(want record) {
	a.Helper()
	var got record
	a.Eventually("record", func() bool {
		var found bool
		got, found = a.record(want.message)
		return found
	})
	if got != want {
		a.Errorf("logged %+v, want %+v", got, want)
	}
}

func (a *app) began(name string) {
	a.Helper()
	a.Eventually("beginning", func() bool { return strings.Contains(a.Log()[a.mark:], "began "+name) })
}

// pid returns the PID of the process that answers, once there is one.
func (a *app) pid() (pid string) {
	a.Helper()
	a.Eventually("a worker", func() bool {
		got := a.Get("/pid")
		pid = got.Body
		return got.Status == http.StatusOK
	})
	return pid
}

// The outcome of a request is the same for all ways to execute it, except for the kinds listed in
// without.
func TestEveryRunnerEndsARequestInTheSameWay(t *testing.T) {
	const (
		failed = "request failed"
		again  = "request given to another worker"
	)
	cases := map[string]struct {
		ask     func(*app) runnertest.Answer
		status  int // 0: the response breaks off
		record  record
		without string // kinds for which it does not happen
		killed  bool   // the worker was killed; otherwise it continues
	}{
		"too large a body": {
			ask:    func(a *app) runnertest.Answer { return a.post("upload", strings.Repeat("x", 200<<10)) },
			status: 413, record: record{"INFO", failed, "413", "MGW-APP-015", "false"},
		},
		"incomplete body": {
			ask: func(a *app) runnertest.Answer {
				c := a.Connect()
				c.Send("POST " + path("upload") + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort")
				c.EndInput()
				return c.Answer()
			},
			status: 400, record: record{"INFO", failed, "400", "MGW-APP-016", "false"},
		},
		"bad response of a program": {
			ask:    func(a *app) runnertest.Answer { return a.Get(path("bad")) },
			status: 502, record: record{"ERROR", failed, "502", "MGW-APP-014", "false"}, without: "wsgi asgi",
		},
		"bad response of a Python app": {
			ask:    func(a *app) runnertest.Answer { return a.Get(path("bad")) },
			status: 500, record: record{"ERROR", failed, "500", "MGW-APP-014", "false"}, without: "http fastcgi cgi",
		},
		"worker lost with a request that may be executed once": {
			ask:    func(a *app) runnertest.Answer { return a.post("die", "") },
			status: 502, record: record{"ERROR", failed, "502", "MGW-APP-008", "false"}, killed: true,
		},
		"worker lost with a request that may be executed twice": {
			ask:    func(a *app) runnertest.Answer { return a.Get(path("die-once")) },
			status: 200, record: record{"INFO", again, "", "", ""}, killed: true,
			without: "cgi", // there is no other worker
		},
		"worker lost in the middle of a response": {
			ask:    func(a *app) runnertest.Answer { return a.Get(path("die-late")) },
			status: 0, record: record{"ERROR", failed, "502", "MGW-APP-008", "true"}, killed: true,
		},
		"full queue": {
			ask:    (*app).fillQueue,
			status: 503, record: record{"ERROR", failed, "503", "MGW-APP-010", "false"},
			without: "http", // only the program knows how many requests it can handle
		},
	}
	eachKind(t, func(d *modgw.Descriptor) { d.Limits.Body, d.Queue.Max = 100<<10, 1 }, func(t *testing.T, kind string, a *app) {
		for name, c := range cases {
			if strings.Contains(c.without, kind) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				a := a.marked(t)
				before := a.pid()
				got := c.ask(a)
				if c.status == 0 && got.Err == nil || c.status != 0 && (got.Err != nil || got.Status != c.status) {
					t.Errorf("got %d %.200q, %v; want %d", got.Status, got.Body, got.Err, c.status)
				}
				a.wantRecord(c.record)
				if after := a.pid(); kind != "cgi" && (after != before) != c.killed {
					t.Errorf("process %s answered before, process %s after", before, after)
				}
			})
		}
	})
}

// eachKind deploys an app of each kind.
func eachKind(t *testing.T, change func(*modgw.Descriptor), test func(*testing.T, string, *app)) {
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, kind, deploy(t, kind, change))
		})
	}
}

// marked returns the app for a part of a test, which looks only at later log records.
func (a *app) marked(t *testing.T) *app {
	part, inner := *a, *a.App
	inner.T, part.App, part.mark = t, &inner, len(a.Log())
	return &part
}

func (a *app) post(name, body string) runnertest.Answer {
	return a.Do("POST", path(name), strings.NewReader(body), nil)
}

// fillQueue sends a request while one request is executed and another one waits.
func (a *app) fillQueue() runnertest.Answer {
	answers := make(chan runnertest.Answer, 2)
	ask := func() { answers <- a.post("gate", "") }
	go ask()
	a.began("gate")
	go ask()
	a.Eventually("a request that waits", func() bool { return a.Status().Queued == 1 })
	got := a.post("pid", "")
	if err := os.WriteFile(a.gate, nil, 0o600); err != nil {
		a.Fatal(err)
	}
	for range 2 {
		a.Want(<-answers, 200, "")
	}
	return got
}

func TestNoRunnerLetsAHungWorkerLive(t *testing.T) {
	hasty := func(d *modgw.Descriptor) { d.Timeouts.Request = 2 * time.Second }
	eachKind(t, hasty, func(t *testing.T, kind string, a *app) {
		t.Run("that its client waits for", func(t *testing.T) {
			a := a.marked(t)
			before := a.pid()
			a.Want(a.Get(path("hang")), 504, "")
			a.wantRecord(record{"ERROR", "request failed", "504", "MGW-APP-009", "false"})
			a.wantReplaced(kind, before)
		})
		t.Run("whose client has gone", func(t *testing.T) {
			a := a.marked(t)
			before := a.pid()
			c := a.Connect()
			c.Send("GET " + path("hang") + " HTTP/1.1\r\nHost: x\r\n\r\n")
			a.began("hang")
			c.Close()
			a.wantRecord(record{"DEBUG", "request abandoned", "", "", ""})
			a.wantReplaced(kind, before)
			if r, found := a.record("request failed"); found {
				t.Errorf("logged %+v", r)
			}
		})
	})
}

// wantReplaced waits until the worker that hung is replaced. A program that serves HTTP has any
// number of threads, so one hanging request does not replace it.
func (a *app) wantReplaced(kind, before string) {
	a.Helper()
	if kind == "http" {
		if after := a.pid(); after != before {
			a.Errorf("process %s was replaced by process %s", before, after)
		}
		return
	}
	a.Eventually("another process", func() bool { return a.pid() != before })
}

func TestEveryRunnerEndsEventStreamsOfAReplacedGeneration(t *testing.T) {
	briefly := func(d *modgw.Descriptor) { d.Timeouts.WebSocketDrain = 10 * time.Millisecond }
	eachKind(t, briefly, func(t *testing.T, _ string, a *app) {
		response, err := http.Get(a.URL + path("events"))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if _, err := io.ReadFull(response.Body, make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
		if err := a.Gateway.Deploy(t.Context(), a.descriptor, "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Errorf("it did not end well: %v", err)
		}
		a.wantRecord(record{"DEBUG", "event stream ended", "", "", ""})
	})
}

// The time in which the client was waited for is not the program's.
func TestNoRunnerCountsTheTimeOfASlowUpload(t *testing.T) {
	const limit, half = 2 * time.Second, 100 << 10
	streaming := func(d *modgw.Descriptor) { d.Timeouts.Request, d.Spool.Upload = limit, 0 }
	eachKind(t, streaming, func(t *testing.T, _ string, a *app) {
		c := a.Connect()
		c.Send("POST " + path("upload") + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 204800\r\n\r\n")
		c.Send(strings.Repeat("x", half))
		a.began("upload")
		time.Sleep(limit * 3 / 2) // this delay is the subject of the test
		c.Send(strings.Repeat("x", half))
		a.Want(c.Answer(), 200, "204800 ")
	})
}
