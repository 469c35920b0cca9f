package tests

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
)

const accessLogHost = `
	apps  = ["apps/*/modgw.hcl"]
	state = "state"
	listen "http" { address = "127.0.0.1:0" }
	listen "fastcgi" {
	  address = "unix:%s/fcgi.sock"
	  mode    = "0666"
	}
	access_log {
	  file   = "access.log"
	  format = "json"
	}
`

type accessLine struct {
	Method, Target, App, ID, Front, Remote string
	Status, Generation, PID                int
	Bytes                                  int64
	Broken                                 bool
	Took, Queued, Worked                   float64
}

// sendRaw sends text to the host's own port, and returns the answer up to its end.
func (s *site) sendRaw(text string) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	// The host may answer before it has read all.
	_, _ = conn.Write([]byte(text))
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

// accessLines returns the lines of the log when there are n lines.
func (s *site) accessLines(n int) (lines []accessLine) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%d lines are in the access log", n), func() bool {
		text, err := os.ReadFile(s.path("access.log"))
		if err != nil {
			return false
		}
		lines = nil
		for line := range strings.Lines(string(text)) {
			var l accessLine
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				return false // it is not whole yet
			}
			lines = append(lines, l)
		}
		return len(lines) >= n
	})
	return lines
}

// TestAccessLogHasALineForEachRequest sends requests to apps of several kinds and to the host
// itself, directly and through Apache.
func TestAccessLogHasALineForEachRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("modgw.hcl", fmt.Sprintf(accessLogHost, s.dir))
	s.write("apps/blog/app.py", `
def application(environ, start_response):
    if environ["PATH_INFO"] == "/broken":
        start_response("200 OK", [("Content-Length", "100")])
        return [b"too short"]
    if environ["PATH_INFO"] == "/error":
        raise ValueError("on purpose")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"x" * 1000]
`)
	s.write("apps/blog/modgw.hcl", "app \"blog\" {\n  wsgi { entry = \"./app.py\" }\n  alias \"/static\" { dir = \"static\" }\n}\n")
	s.write("apps/blog/static/a.txt", "a file")
	s.write("apps/chat/app.py", `
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"made"})
`)
	s.write("apps/chat/modgw.hcl", "app \"chat\" {\n  mount = \"/chat\"\n  asgi { entry = \"./app.py\" }\n}\n")
	s.start()
	apache := fronttest.StartApache(t, s.apacheSite())
	want := []accessLine{
		{Target: "/?q=1", App: "blog", Status: 200, Bytes: 1000, Generation: 1, Front: "http"},
		{Target: "/static/a.txt", App: "blog", Status: 200, Bytes: 6, Generation: 1, Front: "http"},
		{Target: "/error", App: "blog", Status: 500, Generation: 1, Front: "http"},
		{Target: "/chat/", App: "chat", Status: 201, Bytes: 4, Generation: 1, Front: "http"},
		{Target: "/broken", App: "blog", Status: 200, Bytes: 9, Generation: 1, Front: "http", Broken: true},
		{Target: "/chat/%2F", App: "chat", Status: 201, Bytes: 4, Generation: 1, Front: "fcgi"},
	}
	for i, w := range want {
		url := s.url
		if w.Front == "fcgi" {
			url = apache.URL
		}
		response, err := http.Get(url + w.Target)
		if err == nil {
			response.Body.Close()
		}
		got := s.accessLines(i + 1)[i]
		if got.ID == "" || got.Took <= 0 || got.Queued+got.Worked-got.Took > 1e-5 || got.Remote != "127.0.0.1" {
			t.Errorf("%s: %+v", w.Target, got)
		}
		if got.Status == 500 {
			got.Bytes = 0 // of a page of the host's
		}
		got.ID, got.Took, got.Queued, got.Worked, got.Remote, got.Method = "", 0, 0, 0, "", ""
		if got != w {
			t.Errorf("the line is %+v, not %+v", got, w)
		}
	}
	for i, refused := range []struct {
		request string
		want    accessLine
	}{
		{"nonsense\r\n\r\n", accessLine{Status: 400, Front: "http", Remote: "127.0.0.1"}},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 100<<10), accessLine{Status: 431, Front: "http", Remote: "127.0.0.1"}},
		{"GET /%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
			accessLine{Method: "GET", Target: "/%00", Status: 400, Front: "http", Remote: "127.0.0.1"}},
	} {
		answer := s.sendRaw(refused.request)
		got := s.accessLines(len(want) + i + 1)[len(want)+i]
		got.ID = ""
		if got != refused.want {
			t.Errorf("%.30q, which is answered %.40q: the line is %+v", refused.request, answer, got)
		}
	}
	if err := os.Rename(s.path("access.log"), s.path("access.log.1")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.pid, syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	s.eventually("the file is there again", func() bool {
		s.get("/")
		_, err := os.Stat(s.path("access.log"))
		return err == nil
	})
	s.accessLines(1)
}

func TestAccessLogThatCannotBeWrittenIsNoStart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("modgw.hcl", strings.Replace(fmt.Sprintf(accessLogHost, s.dir), "access.log", "nowhere/access.log", 1))
	out, ok := s.run("serve", "-c", "modgw.hcl")
	if ok {
		t.Error("the host has started")
	}
	faulttest.Want(t, out, "MGW-HST-026")
	if err := os.Mkdir(s.path("nowhere"), 0o755); err != nil { // the fix
		t.Fatal(err)
	}
	s.start()
}

// TestAccessLogTellsWaitingFromWork has a request wait for the only thread of an app, on the loop
// and on a goroutine.
func TestAccessLogTellsWaitingFromWork(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	line := `"{\"target\":\"{target}\",\"queued\":{queued},\"worked\":{worked},\"pid\":{pid}}"`
	s.write("modgw.hcl", strings.Replace(fmt.Sprintf(accessLogHost, s.dir), `"json"`, line, 1))
	s.write("apps/blog/app.py", `
import os, time
def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        open("begun", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)
    environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [b"done"]
`)
	s.write("apps/blog/modgw.hcl", "app \"blog\" {\n  wsgi {\n    entry = \"./app.py\"\n    workers = 1\n    threads = 1\n  }\n"+
		"  reload { mode = \"off\" }\n}\n")
	s.start()
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() { s.get("/slow") })
	s.eventually("the slow request has begun", func() bool { _, err := os.Stat(s.path("apps/blog/begun")); return err == nil })
	// the larger one is served on a goroutine
	for i, body := range []string{"", strings.Repeat("x", 1<<20)} {
		asking.Go(func() {
			response, err := http.Post(fmt.Sprintf("%s/wait%d", s.url, i), "text/plain", strings.NewReader(body))
			if err == nil {
				response.Body.Close()
			}
		})
	}
	s.eventually("both wait", func() bool { return s.status("blog").Runner.Queued == 2 })
	waiting := time.Now()
	for range 5 {
		s.status("blog")
	}
	atLeast := time.Since(waiting).Seconds()
	s.write("apps/blog/go", "")
	asking.Wait()
	pid := s.status("blog").Runner.Workers[0].PID
	for _, line := range s.accessLines(3) {
		if line.PID != pid {
			t.Errorf("process %d of the worker is named %d in %+v", pid, line.PID, line)
		}
		long := line.Worked
		if strings.HasPrefix(line.Target, "/wait") {
			long = line.Queued
		}
		if long < atLeast || line.Worked <= 0 {
			t.Errorf("all were there for %f s at once: %+v", atLeast, line)
		}
	}
}
