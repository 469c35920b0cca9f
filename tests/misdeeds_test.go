package tests

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// misdeeds are the paths at which each of the apps below misbehaves. No client may mistake the
// result for a complete response, except for the last path, where only the app's standard error is
// wrong.
var misdeeds = []string{"garbage", "endless", "crash", "close", "flood"}

const flood = `
def flood():
    for n in range(6000): # more than are logged in a second
        sys.stderr.write("\x1b[31mtime=now level=ERROR msg=forged app=good %d\x1b[0m\n" % n)
    sys.stderr.flush()
`

// badApps are an app of each kind that runs programs: its descriptor's block, and its one file.
var badApps = map[string]struct{ block, file, source string }{
	"wsgi": {"wsgi {\n entry = \"app.py\"\n workers = 1\n threads = 2\n }", "app.py", "import os, signal, sys" + flood + `
def application(environ, start_response):
    deed = environ["PATH_INFO"].rsplit("/", 1)[-1]
    if deed == "garbage":
        start_response("200 OK", [("X-A", "b"), ("Set-Cookie", "a\r\nX-Forged: yes")])
    elif deed == "endless":
        start_response("200 OK", [("X-A", "b" * 100)] * 100000)
    else:
        start_response("200 OK", [("Content-Type", "text/plain")])
    if deed == "crash":
        return crash()
    if deed == "close":
        os.closerange(0, 1000)
    if deed == "flood":
        flood()
    return [b"whole"]

def crash():
    yield b"half" * 50000
    os.kill(os.getpid(), signal.SIGKILL)
`},
	"asgi": {"asgi {\n entry = \"app.py\"\n workers = 1\n }", "app.py", "import os, signal, sys" + flood + `
async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    deed = scope["path"].rsplit("/", 1)[-1]
    headers = [(b"content-type", b"text/plain")]
    if deed == "garbage":
        headers = [(b"set-cookie", b"a\r\nX-Forged: yes")]
    if deed == "endless":
        headers = [(b"x-a", b"b" * 100)] * 100000
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if deed == "crash":
        await send({"type": "http.response.body", "body": b"half" * 50000, "more_body": True})
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "close":
        os.closerange(0, 1000)
    if deed == "flood":
        flood()
    await send({"type": "http.response.body", "body": b"whole"})
`},
	"http": {"http {\n command = [\"python3\", \"server.py\"]\n workers = 1\n }", "server.py", "import os, signal, socket, sys, threading" + flood + `
def serve(conn):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = conn.recv(65536)
        if not piece:
            return
        head += piece
    deed = head.split()[1].rsplit(b"/", 1)[-1].decode()
    if deed == "garbage":
        conn.sendall(b"\x00\xff 200 OK\r\nwhole")
    elif deed == "endless":
        conn.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            conn.sendall(b"X-A: b\r\n" * 1000)
    elif deed == "crash":
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"half" * 50000)
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == "close":
        os.closerange(0, 1000)
    else:
        if deed == "flood":
            flood()
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole")
    conn.close()

listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
`},
	"fastcgi": {"fastcgi {\n command = [\"python3\", \"server.py\"]\n workers = 1\n }", "server.py", "import os, signal, socket, struct, sys, threading" + flood + `
def record(kind, request, content):
    return struct.pack(">BBHHBx", 1, kind, request, len(content), 0) + content

def read(conn, n):
    data = b""
    while len(data) < n:
        piece = conn.recv(n - len(data))
        if not piece:
            raise SystemExit
        data += piece
    return data

def serve(conn):
    params = b""
    while True:
        version, kind, request, length, padding = struct.unpack(">BBHHBx", read(conn, 8))
        content = read(conn, length + padding)[:length]
        if kind == 9:
            conn.sendall(record(10, 0, b""))
        elif kind == 4:
            params += content
        elif kind == 5 and not content:
            break
    deed = next((d for d in ("garbage", "endless", "crash", "close", "flood") if b"/fastcgi/" + d.encode() in params), "")
    head = b"Content-Type: text/plain\r\n\r\n"
    if deed == "garbage":
        conn.sendall(b"\x09\xff" * 100)
    elif deed == "endless":
        while True:
            conn.sendall(record(6, request, b"X-A: b\r\n" * 1000))
    elif deed == "crash":
        conn.sendall(record(6, request, head + b"half" * 10000))
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == "close":
        os.closerange(0, 1000)
    else:
        if deed == "flood":
            flood()
        conn.sendall(record(6, request, head + b"whole") + record(6, request, b"") + record(3, request, bytes(8)))
    conn.close()

listener = socket.socket(fileno=os.dup(0))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
`},
	"cgi": {"cgi {\n script = \"script.py\"\n }", "script.py", "import os, signal, sys" + flood + `
deed = os.environ["PATH_INFO"].rsplit("/", 1)[-1]
if deed == "garbage":
    os.write(1, b"\x00\xff garbage\n\nwhole")
    sys.exit()
if deed == "endless":
    while True:
        os.write(1, b"X-A: b\n" * 1000)
if deed == "close":
    os.closerange(0, 1000)
    sys.exit()
if deed == "flood":
    flood()
os.write(1, b"Content-Type: text/plain\n\n")
if deed == "crash":
    os.write(1, b"half" * 10000)
    os.kill(os.getpid(), signal.SIGKILL)
os.write(1, b"whole")
`},
}

// One app of each kind misbehaves, all at the same time, while another app of the same host gets
// requests without a pause. That app answers every request correctly, and each of the others
// answers again afterwards.
func TestAppsThatMisbehaveHurtOnlyThemselves(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 here")
	}
	s := newSite(t)
	s.write("apps/good/modgw.hcl", "app \"good\" {\n mount = \"/good\"\n wsgi {\n entry = \"app.py\"\n workers = 1\n }\n }\n")
	s.write("apps/good/app.py", `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"good " + environ["QUERY_STRING"].encode()]
`)
	for kind, app := range badApps {
		if kind == "cgi" {
			app.source = "#!" + python + "\n" + app.source
		}
		s.write("apps/"+kind+"/"+app.file, app.source)
		s.write("apps/"+kind+"/modgw.hcl", fmt.Sprintf("app %q {\n mount = \"/%s\"\n %s\n timeouts {\n request = \"20s\"\n stop = \"1s\"\n }\n }\n", kind, kind, app.block))
		if err := os.Chmod(s.path("apps/"+kind+"/"+app.file), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	var asked atomic.Int64
	stop := make(chan struct{})
	var asking, misbehaving sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond): // the load, not the wait for anything
				}
				id := fmt.Sprint(asked.Add(1))
				if status, body, err := tryGet(s.url + "/good/?" + id); err != nil || status != 200 || body != "good "+id {
					t.Errorf("the good app: %d %q, %v", status, body, err)
				}
			}
		})
	}
	for kind := range badApps {
		misbehaving.Go(func() {
			for _, deed := range misdeeds {
				status, body, err := tryGet(s.url + "/" + kind + "/" + deed)
				switch {
				case deed == "flood" && (err != nil || status != 200 || body != "whole"):
					t.Errorf("%s, %s: %d %q, %v", kind, deed, status, body, err)
				case deed != "flood" && err == nil && status < 500:
					t.Errorf("%s, %s looks whole: %d %.50q", kind, deed, status, body)
				}
				s.eventually(kind+" answers after "+deed, func() bool {
					status, body, err := tryGet(s.url + "/" + kind + "/ok")
					return err == nil && status == 200 && body == "whole"
				})
			}
		})
	}
	misbehaving.Wait()
	close(stop)
	asking.Wait()
	if n := asked.Load(); n < 20 {
		t.Errorf("the good app was asked only %d times", n)
	}
	if n := s.status("good").Runner.Restarts; n != 0 {
		t.Errorf("the good app's workers were replaced %d times", n)
	}
	log := s.log.String()
	if strings.Contains(log, "\x1b[31m") {
		t.Error("an escape sequence of an app is in the log")
	}
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "time=now") {
			t.Fatalf("an app has forged a line of the log: %q", line)
		}
	}
}

// tryGet is like get, but returns errors.
func tryGet(url string) (int, string, error) {
	response, err := http.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}
