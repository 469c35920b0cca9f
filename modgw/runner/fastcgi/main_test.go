package fastcgi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/modgw"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// app is a runner under test, behind a real HTTP server and the gateway.
type app struct {
	*testing.T
	runner  *Runner
	gateway *modgw.Gateway
	server  *httptest.Server
	log     *logBuffer
	root    string
}

// descriptor is that of an app in an empty folder.
func descriptor(t *testing.T, f modgw.FastCGI) modgw.Descriptor {
	return modgw.Descriptor{
		Name: "app", Root: t.TempDir(), Mount: "/", Kind: modgw.KindFastCGI, FastCGI: &f,
		Timeouts: modgw.Timeouts{Startup: 30 * time.Second, Request: 30 * time.Second, Drain: 5 * time.Second, Stop: 5 * time.Second},
		Queue:    modgw.Queue{Max: 100, Timeout: 20 * time.Second},
	}
}

// serve deploys an app with files, named by their paths, and stops it when the test ends.
func serve(t *testing.T, d modgw.Descriptor, files map[string]string) *app {
	t.Helper()
	a, err := deploy(t, d, files)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func deploy(t *testing.T, d modgw.Descriptor, files map[string]string) (*app, error) {
	t.Helper()
	a := &app{T: t, log: &logBuffer{}, root: d.Root}
	for name, text := range files {
		a.write(name, text)
	}
	sockets := t.TempDir()
	a.gateway = modgw.New(modgw.Config{
		Runners: map[modgw.Kind]modgw.NewRunner{modgw.KindFastCGI: func(c modgw.RunnerConfig) (modgw.Runner, error) {
			r, err := New(c, sockets)
			a.runner = r
			return r, err
		}},
		Log: slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	a.server = httptest.NewServer(a.gateway)
	a.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		a.gateway.Close(ctx)
		a.server.CloseClientConnections()
		a.server.Close()
		http.DefaultClient.CloseIdleConnections()
		if left, err := os.ReadDir(sockets); err != nil || len(left) > 0 {
			t.Errorf("%d sockets are left, %v", len(left), err)
		}
		if t.Failed() {
			t.Log(a.log.String())
		}
	})
	return a, a.gateway.Deploy(t.Context(), d, "start")
}

func (a *app) write(name, text string) {
	a.Helper()
	path := filepath.Join(a.root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
		a.Fatal(err)
	}
}

// got is a response that was read.
type got struct {
	status int
	header http.Header
	body   string
	err    error
}

func (a *app) get(path string) got { return a.do("GET", path, nil, nil) }

func (a *app) do(method, path string, body io.Reader, header http.Header) got {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), method, a.server.URL, body)
	if err != nil {
		a.Fatal(err)
	}
	r.URL.Opaque = path // as it is, also when it is no clean path
	for name, values := range header {
		r.Header[name] = values
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		return got{err: err}
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return got{response.StatusCode, response.Header, string(data), err}
}

// want checks status and body of an answer.
func (a *app) want(got got, status int, body string) {
	a.Helper()
	if got.err != nil || got.status != status || !strings.Contains(got.body, body) {
		a.Errorf("got %d %.300q, %v; want %d with %q", got.status, got.body, got.err, status, body)
	}
}

func (a *app) eventually(what string, condition func() bool) {
	a.Helper()
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-limit:
			a.Fatalf("%s: it did not happen", what)
		}
	}
}

type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func writeFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o755) }

func symlink(to, path string) error { return os.Symlink(to, path) }
