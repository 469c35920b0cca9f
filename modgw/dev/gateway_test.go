package dev

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

// fakeGateway answers every request for one app with a handler.
type fakeGateway struct {
	http.HandlerFunc
}

func (fakeGateway) Find(r *http.Request) (modgw.AppName, modgw.MountPath) {
	if r.Host == "elsewhere.example.com" {
		return "", ""
	}
	return "blog", "/"
}

func (fakeGateway) AppStatus(modgw.AppName) (modgw.AppStatus, error) {
	return modgw.AppStatus{Root: "/srv/blog", Hosts: []string{"blog.example.com", "*.wild.example.com"}, Generation: &modgw.GenerationStatus{
		Number: 2, Cause: "views.py changed",
		Environment: modgw.EnvironmentStatus{Version: "CPython 3.13.0", Packages: []modgw.Package{{Name: "flask", Version: "3.1.0"}}},
	}}, nil
}

// bench is a handler of this package behind a real server.
type bench struct {
	t       *testing.T
	handler *Handler
	url     string
}

func newBench(t *testing.T, app http.HandlerFunc) *bench {
	h := New(Config{Gateway: fakeGateway{app}, Hold: 30 * time.Second})
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		h.Close()
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return &bench{t, h, server.URL}
}

// document answers with a small HTML document.
func document(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><html><body>"+text+"</body></html>\n")
	}
}

// get sends a request as a browser does, with further headers as names and values.
func (b *bench) get(path string, headers ...string) (*http.Response, string) {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil, append([]string{"Accept", "text/html,*/*"}, headers...)...)
}

func (b *bench) do(method, path string, body io.Reader, headers ...string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response, string(text)
}

// events reads the messages of the event stream, one at a time.
func (b *bench) events() (next func() string) {
	b.t.Helper()
	response, err := http.Get(b.url + eventsPath)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { response.Body.Close() })
	lines := bufio.NewReader(response.Body)
	return func() string {
		for {
			line, err := lines.ReadString('\n')
			if errors.Is(err, io.EOF) {
				return "end"
			}
			if err != nil {
				b.t.Fatal(err)
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				return data
			}
		}
	}
}

func ready(generation int, cause string) modgw.Event {
	return modgw.Event{App: "blog", Generation: generation, Cause: cause, Serving: generation}
}

// syntaxError returns the event of a generation that was not started because a module does not
// compile.
func syntaxError(generation, serving int) modgw.Event {
	return modgw.Event{App: "blog", Generation: generation, Cause: "views.py changed", Serving: serving, Fault: &modgw.Fault{
		Code:    "MGW-APP-001",
		Summary: `cannot import "blog.wsgi"`,
		Output:  "  File \"/srv/blog/views.py\", line 2\nSyntaxError: '(' was never closed",
		Exceptions: []modgw.Exception{{Type: "SyntaxError", Message: "'(' was never closed", Frames: []modgw.Frame{
			{File: "/env/lib/site-packages/flask/app.py", Line: 7, Function: "load", First: 7, Source: []string{"import views"}},
			{File: "/srv/blog/views.py", Line: 2, Column: 6, Own: true, First: 1, Source: []string{"import os", "print(", "x = 1"}},
		}}},
	}}
}
