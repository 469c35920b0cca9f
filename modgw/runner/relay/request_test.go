package relay

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/queue"
)

// asked returns a request that was given to a worker tries times.
func asked(method string, tries int, log io.Writer) (*Request, *httptest.ResponseRecorder) {
	w := httptest.NewRecorder()
	c := &modgw.RunnerConfig{Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	c.Descriptor.Timeouts.Request = 7 * time.Second
	c.Descriptor.Queue = modgw.Queue{Max: 3, Timeout: time.Second}
	r := New(w, httptest.NewRequest(method, "/", nil), c)
	r.Info = &modgw.RequestInfo{ID: "42", Path: "/a\x1bb"}
	for range tries {
		r.Tried(nil)
	}
	return r, w
}

func TestRequestIsGivenToAnotherWorkerOnlyWhenThatDoesNoHarm(t *testing.T) {
	begun := func(r *Request) { r.Begin(http.Header{}) }
	spent := func(r *Request) { r.Body = &Body{spent: true} }
	for name, c := range map[string]struct {
		outcome Outcome
		method  string
		tries   int
		change  func(*Request)
		want    bool
	}{
		"lost, may be executed twice":          {WorkerLost, "GET", 1, nil, true},
		"lost, HEAD":                           {WorkerLost, "HEAD", 1, nil, true},
		"lost, OPTIONS":                        {WorkerLost, "OPTIONS", 1, nil, true},
		"lost, may be executed once":           {WorkerLost, "POST", 1, nil, false},
		"lost, PUT":                            {WorkerLost, "PUT", 1, nil, false},
		"lost twice":                           {WorkerLost, "GET", 2, nil, false},
		"lost, response begun":                 {WorkerLost, "GET", 1, begun, false},
		"lost, body gone":                      {WorkerLost, "GET", 1, spent, false},
		"not begun":                            {Unbegun, "POST", 1, nil, true},
		"not begun twice":                      {Unbegun, "POST", 2, nil, true},
		"not begun three times":                {Unbegun, "POST", 3, nil, false},
		"not begun, body gone":                 {Unbegun, "POST", 1, spent, false},
		"given back":                           {Requeued, "POST", 1, nil, true},
		"given back after three tries":         {Requeued, "POST", 3, nil, true},
		"given back, body gone":                {Requeued, "POST", 1, spent, false},
		"overdue":                              {Overdue, "GET", 1, nil, false},
		"client gone":                          {ClientGone, "GET", 1, nil, false},
		"bad response":                         {BadResponse, "GET", 1, nil, false},
		"refused by the host":                  {Refused, "GET", 1, nil, false},
		"complete":                             {Complete, "GET", 1, nil, false},
		"body incomplete":                      {BodyIncomplete, "GET", 1, nil, false},
		"no worker could be asked at all":      {NoWorker, "GET", 0, nil, false},
		"not begun, though the queue was full": {QueueFull, "GET", 1, nil, false},
	} {
		var log bytes.Buffer
		r, _ := asked(c.method, c.tries, &log)
		if c.change != nil {
			c.change(r)
		}
		if got := r.Again(c.outcome, io.EOF); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		level := "INFO"
		if c.outcome == Requeued {
			level = "DEBUG" // that happens all the time
		}
		want := "level=" + level + ` msg="request given to another worker" request=42 reason=EOF`
		if strings.Contains(log.String(), want) != c.want || !c.want && log.Len() > 0 {
			t.Errorf("%s: the log has %q", name, log.String())
		}
		if left := c.tries - 1; c.outcome == Requeued && r.tries != left {
			t.Errorf("%s: %d tries, want %d", name, r.tries, left)
		}
	}
}

func TestRequestIsAnsweredAndLoggedByItsOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		begun  bool
		status int // 0: none
		aborts bool
		log    string // begins like this, after level=
	}{
		"complete":     {nil, true, 0, false, ""},
		"overdue":      {ErrOverdue, false, 504, false, `ERROR msg="request failed" trace=4bf92f3577b34da6a3ce929d0e0e4736 request=42 method=GET path=/a\x1bb status=504 cut_off=false code=MGW-APP-009 error="cannot answer: the app took longer than 7s [MGW-APP-009]"`},
		"overdue late": {ErrOverdue, true, 0, true, `ERROR msg="request failed" trace=4bf92f3577b34da6a3ce929d0e0e4736 request=42 method=GET path=/a\x1bb status=504 cut_off=true code=MGW-APP-009`},
		"replaced":     {ErrReplaced, true, 0, false, `DEBUG msg="event stream ended" request=42`},
		"client gone":  {fmt.Errorf("%w: %w", ErrClientGone, io.EOF), true, 0, true, `DEBUG msg="request abandoned" request=42`},
		"full queue":   {queue.ErrFull, false, 503, false, `ERROR msg="request failed" trace=4bf92f3577b34da6a3ce929d0e0e4736 request=42 method=GET path=/a\x1bb status=503 cut_off=false code=MGW-APP-010`},
		"lost":         {io.ErrUnexpectedEOF, false, 502, false, `ERROR msg="request failed" trace=4bf92f3577b34da6a3ce929d0e0e4736 request=42 method=GET path=/a\x1bb status=502 cut_off=false code=MGW-APP-008 error="cannot answer: the worker ended: unexpected EOF [MGW-APP-008]"`},
		"too large":    {BodyTooLarge.Failure(nil, 5), false, 413, false, `INFO msg="request failed" trace=4bf92f3577b34da6a3ce929d0e0e4736 request=42 method=GET path=/a\x1bb status=413 cut_off=false code=MGW-APP-015`},
		"bad":          {Bad("its name is %q", "\x1b"), false, 502, false, `ERROR msg="request failed" trace=4bf92f3577b34da6a3ce929d0e0e4736 request=42 method=GET path=/a\x1bb status=502 cut_off=false code=MGW-APP-014`},
		"refused":      {&Failure{Status: 404, Fault: &modgw.Fault{Code: "MGW-CGI-007"}}, false, 404, false, `INFO msg="request failed" trace=4bf92f3577b34da6a3ce929d0e0e4736 request=42 method=GET path=/a\x1bb status=404`},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			r, w := asked("GET", 1, &log)
			w.Code = 0
			r.Info.FromFront = true
			r.R.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
			if c.begun {
				r.Begin(w.Header())
			}
			aborted := func() (aborted bool) {
				defer func() { aborted = recover() == http.ErrAbortHandler }()
				r.Conclude(c.err)
				return false
			}()
			if aborted != c.aborts || w.Code != c.status {
				t.Errorf("answered %d, aborted: %v", w.Code, aborted)
			}
			_, logged, _ := strings.Cut(log.String(), "level=")
			if !strings.HasPrefix(logged, c.log) || c.log == "" && logged != "" {
				t.Errorf("logged %s, want %s", logged, c.log)
			}
			if strings.Contains(logged, "\x1b") {
				t.Error("the log has a control character")
			}
		})
	}
}
