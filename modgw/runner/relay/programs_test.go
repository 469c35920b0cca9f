package relay_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/fcgi"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/runnertest"
	"github.com/modgw/modgw/modgw"
	fcgirunner "github.com/modgw/modgw/modgw/runner/fastcgi"

	cgirunner "github.com/modgw/modgw/modgw/runner/cgi"
	"github.com/modgw/modgw/modgw/runner/process"
	"github.com/modgw/modgw/modgw/runner/python"
)

// speaks is the variable with the protocol that the test binary uses when it is started as a
// program: "http", "fastcgi" or "cgi".
const speaks = "RELAY_TEST_PROGRAM"

// gate names the file that /gate waits for.
const gate = "RELAY_TEST_GATE"

func TestMain(m *testing.M) {
	if name := os.Getenv(speaks); name != "" {
		fmt.Fprintln(os.Stderr, serveProgram(name))
		return
	}
	if err := proc.Seal(); err != nil {
		panic(err)
	}
	var err error
	if workerDir, err = os.MkdirTemp("", "modgw-worker-code"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(workerDir)
		os.Exit(code)
	}))
}

func serveProgram(name string) error {
	handler := http.HandlerFunc(answer)
	switch name {
	case "cgi":
		return cgi.Serve(handler)
	case "fastcgi":
		return fcgi.Serve(nil, handler)
	}
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	return http.Serve(l, handler)
}

// answer is the program. pythonSource is the same in Python.
func answer(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimRight(strings.TrimPrefix(r.URL.Path, "/"), "\x1b")
	fmt.Fprintf(os.Stderr, "began %s\n", name)
	flush := func(text string) {
		_, _ = io.WriteString(w, text) // the host may have gone
		w.(http.Flusher).Flush()
	}
	switch name {
	case "hang":
		time.Sleep(time.Minute)
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		time.Sleep(time.Minute)
	case "die-once":
		if f, err := os.OpenFile(os.Getenv(gate)+".died", os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			time.Sleep(time.Minute)
		}
	case "die-late":
		flush("half")
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		time.Sleep(time.Minute)
	case "bad":
		if hijacker, ok := w.(http.Hijacker); ok {
			conn, _, err := hijacker.Hijack()
			if err == nil {
				fmt.Fprint(conn, "HTTP/1.1 2000 Bad\r\n\r\n")
				conn.Close()
			}
			return
		}
		w.WriteHeader(99)
	case "gate":
		for {
			if _, err := os.Stat(os.Getenv(gate)); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
	case "events":
		w.Header().Set("Content-Type", "text/event-stream")
		for range 6000 {
			flush(": ping\n\n")
			time.Sleep(10 * time.Millisecond)
		}
	case "upload":
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%d %v ", n, err)
	}
	fmt.Fprint(w, os.Getpid())
}

const pythonSource = `
import asyncio, os, signal, sys, time

def began(path):
    name = path.strip("/").rstrip("\x1b")
    print("began", name, file=sys.stderr, flush=True)
    return name

def die():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)

def act(name):
    if name == "hang":
        time.sleep(60)
    elif name == "die":
        die()
    elif name == "die-once":
        try:
            open(os.environ["RELAY_TEST_GATE"] + ".died", "x").close()
        except FileExistsError:
            return
        die()
    elif name == "gate":
        while not os.path.exists(os.environ["RELAY_TEST_GATE"]):
            time.sleep(0.001)

def wsgi(environ, start_response):
    name = began(environ["PATH_INFO"])
    act(name)
    if name == "bad":
        start_response("200 OK", [("X-Many", "x")] * 201)
        return [b"bad"]
    kind = "text/event-stream" if name == "events" else "text/plain"
    start_response("200 OK", [("Content-Type", kind)])
    return body(name, environ["wsgi.input"])

def body(name, stream):
    if name == "die-late":
        yield b"half"
        die()
    if name == "events":
        for _ in range(6000):
            yield b": ping\n\n"
            time.sleep(0.01)
    if name == "upload":
        yield b"%d None " % len(stream.read())
    yield b"%d" % os.getpid()

async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    name = began(scope["path"])
    act(name)
    kind = b"text/event-stream" if name == "events" else b"text/plain"
    text = b"%d" % os.getpid()
    if name == "upload":
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        text = b"%d None %s" % (size, text)
    many = [(b"x-many", b"x")] * 201 if name == "bad" else []
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)] + many})
    if name == "die-late":
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await asyncio.sleep(0.05) # it is written by the loop
        die()
    if name == "events":
        for _ in range(6000):
            await send({"type": "http.response.body", "body": b": ping\n\n", "more_body": True})
            await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": text})
`

// kinds are the ways to execute a request, each with one worker that handles one request at a time,
// if that can be configured.
var kinds = map[string]func(*testing.T, *modgw.Descriptor) modgw.NewRunner{
	"http": func(t *testing.T, d *modgw.Descriptor) modgw.NewRunner {
		d.Kind, d.HTTP = modgw.KindHTTP, &modgw.HTTP{Command: []string{executable(t)}}
		return func(c modgw.RunnerConfig) (modgw.Runner, error) { return process.New(c) }
	},
	"fastcgi": func(t *testing.T, d *modgw.Descriptor) modgw.NewRunner {
		d.Kind, d.FastCGI = modgw.KindFastCGI, &modgw.FastCGI{Command: []string{executable(t)}, Concurrency: 1}
		return func(c modgw.RunnerConfig) (modgw.Runner, error) { return fcgirunner.New(c) }
	},
	"cgi": func(t *testing.T, d *modgw.Descriptor) modgw.NewRunner {
		d.Kind, d.CGI = modgw.KindCGI, &modgw.CGI{Script: executable(t), Concurrency: 1}
		return func(c modgw.RunnerConfig) (modgw.Runner, error) { return cgirunner.New(c) }
	},
	"wsgi": func(t *testing.T, d *modgw.Descriptor) modgw.NewRunner {
		d.Kind, d.WSGI = modgw.KindWSGI, &modgw.WSGI{Entry: "app:wsgi", Workers: 1, Threads: 1}
		return pythonRunner(t)
	},
	"asgi": func(t *testing.T, d *modgw.Descriptor) modgw.NewRunner {
		d.Kind, d.ASGI = modgw.KindASGI, &modgw.ASGI{Entry: "app:asgi", Workers: 1, Concurrency: 1}
		return pythonRunner(t)
	},
}

func executable(t *testing.T) string {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

func pythonRunner(t *testing.T) modgw.NewRunner {
	interpreter, err := findPython()
	if err != nil {
		t.Skipf("there is no python3: %v", err)
	}
	files, err := workerCode()
	if err != nil {
		t.Fatal(err)
	}
	return func(c modgw.RunnerConfig) (modgw.Runner, error) {
		c.Environment = &modgw.Environment{Interpreter: interpreter}
		return python.New(c, files)
	}
}

var findPython = sync.OnceValues(func() (string, error) {
	interpreter, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	return strings.TrimSpace(string(interpreter)), err
})

// workerCode is the worker's code for all tests, compiled as for a host that has started workers
// before.
var workerCode = sync.OnceValues(func() (python.Files, error) {
	files, err := python.Unpack(workerDir)
	if err == nil {
		err = exec.Command("python3", "-m", "compileall", "-q", files.Dir).Run()
	}
	return files, err
})

// workerDir is where workerCode unpacks.
var workerDir string

// app is an app of one kind.
type app struct {
	*runnertest.App
	descriptor modgw.Descriptor
	gate       string
	mark       int // position in the log from which on the test reads
}

// deploy starts the program as an app of a kind.
func deploy(t *testing.T, kind string, change func(*modgw.Descriptor)) *app {
	t.Helper()
	d := runnertest.Descriptor(t)
	newRunner := kinds[kind](t, &d)
	a := &app{gate: t.TempDir() + "/gate"}
	// A program with the race detector would wait for a second at its end.
	d.Env = map[string]string{speaks: kind, gate: a.gate, "GORACE": "atexit_sleep_ms=0"}
	d.Timeouts.Stop = 200 * time.Millisecond
	change(&d)
	a.descriptor = d
	var err error
	if a.App, err = runnertest.Deploy(t, d, newRunner, map[string]string{"app.py": pythonSource}); err != nil {
		t.Fatal(err)
	}
	return a
}
