// Package runnertest puts a runner under test behind the gateway and a real HTTP server.
//
// It is only for tests.
package runnertest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
)

// App is an app with its successive generations.
type App struct {
	*testing.T
	Gateway *modgw.Gateway // serves the app
	URL     string         // address of a server with the gateway
	Root    string         // folder of the app
	Spool   *spool.Spool   // keeps bodies for slow clients

	log *watchtest.Log
}

// Descriptor returns the descriptor of an app in an empty folder. The caller sets its kind.
func Descriptor(t *testing.T) modgw.Descriptor {
	return modgw.Descriptor{
		Name: "app", Root: t.TempDir(), Mount: "/",
		Timeouts: modgw.Timeouts{Startup: watchtest.Patience, Request: watchtest.Patience, Drain: 5 * time.Second, Stop: 5 * time.Second},
		Queue:    modgw.Queue{Max: 100, Timeout: watchtest.Patience},
		Spool:    modgw.Spool{Upload: 8 << 20, Response: 64 << 20, Total: 512 << 20},
	}
}

// Deploy creates an app with files, which are named by their paths, and deploys it. It stops the
// app when the test ends. The error is the error of the deploy.
func Deploy(t *testing.T, d modgw.Descriptor, newRunner modgw.NewRunner, files map[string]string) (*App, error) {
	t.Helper()
	a := &App{T: t, log: &watchtest.Log{}, Root: d.Root}
	for name, text := range files {
		a.Write(name, text)
	}
	a.Spool = spool.New(spool.Config{Dir: t.TempDir(), Memory: 16 << 20, Disk: 1 << 30})
	a.Gateway = modgw.New(modgw.Config{
		Spool:   a.Spool,
		Runners: map[modgw.Kind]modgw.NewRunner{d.Kind: newRunner},
		Log:     slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	server := httptest.NewServer(a.Gateway)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	a.URL = server.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), watchtest.Patience)
		defer cancel()
		a.Gateway.Close(ctx)
		server.CloseClientConnections()
		server.Close()
		http.DefaultClient.CloseIdleConnections()
		if t.Failed() {
			t.Log(a.Log())
		}
	})
	return a, a.Gateway.Deploy(t.Context(), d, "start")
}

// Log returns the log.
func (a *App) Log() string { return a.log.String() }

// Write writes a file of the app, which everyone may execute.
func (a *App) Write(name, text string) {
	a.Helper()
	path := filepath.Join(a.Root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
		a.Fatal(err)
	}
}

// Answer is a response that was read.
type Answer struct {
	Status int // HTTP status; 0 without a response
	Header http.Header
	Body   string // body as far as it arrived
	Err    error  // error of sending the request or reading the body
}

// Get requests a path without cleaning it.
func (a *App) Get(path string) Answer { return a.Do("GET", path, nil, nil) }

// Do sends a request.
func (a *App) Do(method, path string, body io.Reader, header http.Header) Answer {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), method, a.URL, body)
	if err != nil {
		a.Fatal(err)
	}
	r.URL.Opaque = path // the path is not cleaned
	maps.Copy(r.Header, header)
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		return Answer{Err: err}
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, response.Header, string(data), err}
}

// Want checks status and body of an answer.
func (a *App) Want(got Answer, status int, body string) {
	a.Helper()
	if got.Err != nil || got.Status != status || !strings.Contains(got.Body, body) {
		a.Errorf("got %d %.300q, %v; want %d with %q", got.Status, got.Body, got.Err, status, body)
	}
}

// Eventually waits for a condition.
func (a *App) Eventually(what string, condition func() bool) {
	a.Helper()
	watchtest.Eventually(a.T, what, condition)
}

// Status returns the status of the app's runner.
func (a *App) Status() modgw.RunnerStatus {
	a.Helper()
	status, err := a.Gateway.AppStatus("app")
	if err != nil {
		a.Fatal(err)
	}
	return status.Runner
}
