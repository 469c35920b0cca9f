package relay

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// said returns a response as a program has sent it.
func said(head Head, body string, end error) *Response {
	p := NewPipe(0)
	_, _ = p.Write([]byte(body))
	p.End(end)
	if head.Header == nil {
		head.Header = http.Header{}
	}
	return &Response{Head: head, Pipe: p, Body: bufio.NewReader(p)}
}

func TestResponseIsAsLongAsItSays(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	for name, c := range map[string]struct {
		method string
		status int
		length int64
		body   string
		end    error

		want   Outcome
		sent   bool   // the head was
		header string // Content-Length
	}{
		"right":                     {"GET", 200, 5, "hello", io.EOF, Complete, true, "5"},
		"without a length":          {"GET", 200, -1, "hello", io.EOF, Complete, true, "5"},
		"long without a length":     {"GET", 200, -1, long, io.EOF, Complete, true, ""},
		"too short":                 {"GET", 200, 9, "hello", io.EOF, BadResponse, false, ""},
		"too long":                  {"GET", 200, 3, "hello", io.EOF, BadResponse, false, ""},
		"long and too short":        {"GET", 200, 300 << 10, long, io.EOF, BadResponse, true, "307200"},
		"long and too long":         {"GET", 200, 150 << 10, long, io.EOF, BadResponse, true, "153600"},
		"breaks off":                {"GET", 200, -1, long, io.ErrUnexpectedEOF, WorkerLost, true, ""},
		"breaks off at its start":   {"GET", 200, -1, "", io.ErrUnexpectedEOF, WorkerLost, false, ""},
		"HEAD":                      {"HEAD", 200, 5, "", io.EOF, Complete, true, "5"},
		"HEAD with a body":          {"HEAD", 200, -1, "hello", io.EOF, Complete, true, "5"},
		"HEAD without anything":     {"HEAD", 200, -1, "", io.EOF, Complete, true, ""},
		"204 that tells a length":   {"GET", 204, 5, "", io.EOF, Complete, true, ""},
		"304 of a longer one":       {"GET", 304, 5, "", io.EOF, Complete, true, "5"},
		"empty":                     {"GET", 200, -1, "", io.EOF, Complete, true, "0"},
		"cut by a replacement":      {"GET", 200, -1, long, ErrReplaced, Replaced, true, ""},
		"the last piece is a reset": {"GET", 200, 5, "hel", io.ErrUnexpectedEOF, WorkerLost, true, "5"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			r, w := asked(c.method, 1, &log)
			if err := r.Open(KeepNothing); err != nil {
				t.Fatal(err)
			}
			err := r.Send(said(Head{Status: c.status, Length: c.length}, c.body, c.end))
			if outcome := OutcomeOf(err); outcome != c.want || (r.state == answering) != c.sent {
				t.Errorf("outcome %d, want %d: %v; sent: %v", outcome, c.want, err, r.state == answering)
			}
			if got := w.Header().Get("Content-Length"); got != c.header {
				t.Errorf("Content-Length: %s, want %s", got, c.header)
			}
			if c.want == Complete && c.method == "GET" && c.status == 200 && w.Body.String() != c.body {
				t.Errorf("%d bytes were sent", w.Body.Len())
			}
			if c.length >= 0 && int64(w.Body.Len()) > c.length || c.method == "HEAD" && w.Body.Len() > 0 {
				t.Errorf("%d bytes were sent", w.Body.Len())
			}
		})
	}
}

// The request's time limit is for responses that are meant to end.
func TestEventStreamHasAllTheTime(t *testing.T) {
	for kind, want := range map[string]Outcome{"text/event-stream": Complete, "text/plain": Overdue} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			r, _ := asked("GET", 1, &log)
			p := NewPipe(time.Second)
			_, _ = p.Write([]byte("data: 1\n\n"))
			var program sync.WaitGroup
			program.Go(func() {
				time.Sleep(time.Hour)
				p.End(io.EOF)
			})
			defer program.Wait()
			err := r.Send(&Response{
				Head: Head{Status: 200, Length: -1, Header: http.Header{"Content-Type": {kind}}}, Pipe: p, Body: bufio.NewReader(p),
			})
			if got := OutcomeOf(err); got != want {
				t.Errorf("%s: outcome %d, want %d", kind, got, want)
			}
		})
	}
}

// To stop reading from a client that still sends would end its connection before it has the
// response.
func TestWorkerIsReleasedEarlyOnlyWhenTheClientHasSentAll(t *testing.T) {
	for name, c := range map[string]struct {
		received bool
		end      error
		want     bool
	}{
		"all was received": {true, io.EOF, true}, "more may come": {false, io.EOF, false}, "it broke": {true, io.ErrUnexpectedEOF, false},
	} {
		in, client := io.Pipe()
		r := uploaded(t, in, 10)
		r.W = httptest.NewRecorder()
		if err := r.Open(KeepNothing); err != nil {
			t.Fatal(err)
		}
		if c.received {
			go func() { _, _ = client.Write(make([]byte, 10)) }()
			r.Body.Stream(&Clock{})
			_, _ = io.Copy(io.Discard, r.Body)
		}
		response := said(Head{Status: 200, Length: -1}, "hello", c.end)
		released := false
		response.Release = func() { released = true }
		_ = r.Send(response)
		if released != c.want {
			t.Errorf("%s: released: %v", name, released)
		}
		client.Close()
	}
}
