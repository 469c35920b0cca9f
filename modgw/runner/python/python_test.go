package python

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
)

func TestMain(m *testing.M) {
	// as the host does; a worker inherits nothing from the test's parent
	if err := proc.Seal(); err != nil {
		panic(err)
	}
	heedSignals()
	var err error
	if codeDir, err = os.MkdirTemp("", "modgw-worker-code"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(codeDir)
		os.Exit(code)
	}))
}

// heedSignals keeps apps from inheriting that signals are ignored, as they are below nohup(1) and
// in a shell's background.
func heedSignals() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(s) {
			// an executed program has the default for signals that are handled here
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// codeDir is where workerCode unpacks.
var codeDir string

// app is a runner under test, behind a real HTTP server.
type app struct {
	*testing.T
	runner *Runner
	server *httptest.Server
	log    *watchtest.Log
	root   string
	spool  *spool.Spool

	mount     string            // the mount of the app; "" for "/"
	variables map[string]string // variables of the front
	info      func(*modgw.RequestInfo)

	stopped bool // the test has stopped the runner itself
}

// serve starts an app from its source and stops it when the test ends. Below the tests of forked
// workers and of gevent, which run others as theirs, it starts workers of that kind.
func serve(t *testing.T, source string, change ...func(*modgw.Descriptor)) *app {
	t.Helper()
	switch root, _, _ := strings.Cut(t.Name(), "/"); root {
	case "TestForkedWorkersFailLikeOthers":
		return withTemplate(t, source, change...)
	case "TestWorkersWithGeventFailLikeOthers":
		return serveGreen(t, source, change...)
	}
	a := prepare(t, source, change...)
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	return a
}

// prepare makes an app that is not started.
func prepare(t *testing.T, source string, change ...func(*modgw.Descriptor)) *app {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "hello.py"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	files, err := workerCode()
	if err != nil {
		t.Fatal(err)
	}
	files.State = fronttest.Dir(t) // short, for the sockets in it
	d := modgw.Descriptor{
		Name: "hello", Root: root, Mount: "/", Kind: modgw.KindWSGI,
		WSGI:     &modgw.WSGI{Entry: "hello:application", Workers: 1, Threads: 2},
		Timeouts: modgw.Timeouts{Startup: watchtest.Patience, Request: watchtest.Patience, Drain: 5 * time.Second, Stop: 5 * time.Second},
		Queue:    modgw.Queue{Max: 100, Timeout: watchtest.Patience},
		Spool:    modgw.Spool{Response: 64 << 20, Total: 512 << 20},
	}
	for _, f := range change {
		f(&d)
	}
	python := interpreter(t)
	if d.WSGI != nil && d.WSGI.Concurrency == modgw.Gevent {
		python = withGevent(t)
		if d.Env == nil {
			d.Env = map[string]string{"PYTHONPATH": absolute(t, "testdata/gevent")}
		}
	}
	log := &watchtest.Log{}
	kept := spool.New(spool.Config{Dir: t.TempDir(), Memory: 64 << 20, Disk: 1 << 30})
	runner, err := New(modgw.RunnerConfig{
		Descriptor:  d,
		Spool:       kept.Account(d.Spool.Total),
		Environment: &modgw.Environment{Interpreter: python},
		Generation:  1,
		Loop:        newLoop(t),
		Log:         slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, files)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() || os.Getenv("SHOWLOG") != "" {
			t.Log(log.String())
		}
	})
	return &app{T: t, runner: runner, log: log, root: root, spool: kept}
}

func (a *app) listen() {
	a.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := modgw.RequestInfoOf(r)
		info.ID = r.Header.Get("X-Request-Id")
		info.ScriptName, info.Variables = a.mount, a.variables
		info.PathInfo = strings.TrimPrefix(info.Path, a.mount)
		if a.info != nil {
			a.info(info)
		}
		a.serveOnLoop(w, r.WithContext(modgw.WithRequestInfo(r.Context(), info)))
	}))
	a.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	a.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), watchtest.Patience)
		defer cancel()
		if !a.stopped {
			a.runner.Stop(ctx)
		}
		a.server.CloseClientConnections()
		a.server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // an error while the body was read
}

func (a *app) get(path string) answer {
	a.Helper()
	return a.do("GET", path, nil)
}

func (a *app) do(method, path string, body io.Reader) answer {
	a.Helper()
	r, err := http.NewRequest(method, a.server.URL+path, body)
	if err != nil {
		a.Fatal(err)
	}
	return a.send(r)
}

func (a *app) send(r *http.Request) answer {
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	return readAnswer(response)
}

// readAnswer reads a response to its end. It copies a long body only once, because the race
// detector notes each byte of a copy.
func readAnswer(response *http.Response) answer {
	var body bytes.Buffer
	body.Grow(int(max(0, response.ContentLength)) + bytes.MinRead)
	_, err := body.ReadFrom(response.Body)
	return answer{response.StatusCode, response.Header, body.String(), err}
}

// tracked returns the workers that have a process.
func (a *app) tracked() (workers []*worker) {
	for _, program := range a.runner.Drivers() {
		workers = append(workers, program.(*worker))
	}
	return workers
}

// failsToStart starts the runner and returns why it failed.
func (a *app) failsToStart() *modgw.Fault {
	a.Helper()
	err := a.runner.Start(a.Context())
	fault, ok := errors.AsType[*modgw.Fault](err)
	if !ok {
		a.Fatalf("Start: %v", err)
	}
	if left := a.tracked(); len(left) > 0 {
		a.Errorf("%d workers are left", len(left))
	}
	return fault
}

// pid returns the PID of the worker with a number.
func (a *app) pid(number int) int {
	for _, w := range a.runner.Status().Workers {
		if w.Number == number && w.State == "ready" {
			return w.PID
		}
	}
	return 0
}

// path returns the path of a file in the app's root.
func (a *app) path(name string) string { return filepath.Join(a.root, name) }

// open continues an app that waits for the file to exist.
func (a *app) open(gate string) {
	a.Helper()
	if err := os.WriteFile(a.path(gate), nil, 0o644); err != nil {
		a.Fatal(err)
	}
}

// eventually waits for a condition.
func (a *app) eventually(what string, condition func() bool) {
	a.Helper()
	eventually(a.T, what, condition)
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	watchtest.Eventually(t, what, condition)
}

// interpreter returns the Python to test with.
func interpreter(t testing.TB) string {
	t.Helper()
	python, err := findInterpreter()
	if err != nil {
		t.Skip("no Python here: ", err)
	}
	return python
}

// findInterpreter makes an empty environment with $MODGW_TEST_PYTHON or python3. There, as in apps'
// environments, workers do not load packages of the machine that are meant to be loaded whenever
// Python starts.
var findInterpreter = sync.OnceValues(func() (string, error) {
	name := cmp.Or(os.Getenv("MODGW_TEST_PYTHON"), "python3")
	dir := filepath.Join(codeDir, "environment")
	err := exec.Command(name, "-I", "-m", "venv", "--without-pip", dir).Run()
	return filepath.Join(dir, "bin", "python"), err
})

// workerCode is the worker's code for all tests that do not change it, compiled as for a host that
// has started workers before.
var workerCode = sync.OnceValues(func() (Files, error) {
	files, err := Unpack(codeDir)
	if err != nil {
		return Files{}, err
	}
	python, err := findInterpreter()
	if err != nil {
		return files, nil // tests that need an interpreter are skipped
	}
	return files, errors.Join(os.Chmod(codeDir, 0o755), exec.Command(python, "-m", "compileall", "-q", files.Dir).Run())
})

func itoa(n int) string { return strconv.Itoa(n) }

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func alive(pid int) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(data), ") Z ")
}

const hello = `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Hello, World!"]
`

func TestHello(t *testing.T) {
	t.Parallel()
	a := serve(t, hello)
	got := a.get("/")
	if got.status != 200 || got.body != "Hello, World!" || got.err != nil {
		t.Fatalf("got %d %q, %v", got.status, got.body, got.err)
	}
	if got.header.Get("Content-Length") != "13" || got.header.Get("Content-Type") != "text/plain" {
		t.Errorf("headers %v", got.header)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
