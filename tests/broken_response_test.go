package tests

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
)

// brokenApps fail after a part of their response: each kind of app in the same ways.
var brokenApps = map[string]string{
	"apps/wsgi/modgw.hcl": `app "wsgi" {
  mount = "/wsgi"
  wsgi {
    entry   = "app.py"
    workers = 1
  }
}`,
	"apps/wsgi/app.py": `
import time

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/slow":
        time.sleep(0.5)
    length = [("Content-Length", "6")] if path == "/short" else []
    start_response("200 OK", [("Content-Type", "text/plain")] + length)
    yield b"first"
    if path == "/raise":
        raise RuntimeError("it has failed")
`,
	"apps/asgi/modgw.hcl": `app "asgi" {
  mount = "/asgi"
  asgi {
    entry   = "app.py"
    workers = 1
  }
}`,
	"apps/asgi/app.py": `
import asyncio, os

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"][len(scope["root_path"]):]
    if path == "/slow":
        await asyncio.sleep(0.5)
    if path == "/wait":
        await receive()
        kind = (await receive())["type"]
        with open(os.path.join(os.path.dirname(__file__), "told"), "w") as f:
            f.write(kind)
        return
    length = [(b"content-length", b"6")] if path == "/short" else []
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": b"first", "more_body": path != "/slow"})
    if path == "/raise":
        raise RuntimeError("it has failed")
    if path == "/short":
        await send({"type": "http.response.body", "body": b""})
`,
	"apps/program/modgw.hcl": `app "program" {
  mount       = "/program"
  http {
    command     = ["python3", "server.py"]
    strip_mount = true
    workers     = 1
  }
}`,
	"apps/program/server.py": `
import http.server, os, socketserver, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/slow":
            time.sleep(0.5)
        self.send_response(200)
        if self.path == "/raise":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\nfirst\r\n")
        else:
            self.send_header("Content-Length", "5" if self.path == "/slow" else "6")
            self.end_headers()
            self.wfile.write(b"first")
        self.close_connection = True

    def log_message(self, *args):
        pass

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`,
	"apps/files/modgw.hcl": `app "files" {
  mount = "/files"
  static { dir = "." }
}`,
	"apps/files/page.html": "a page",
}

func brokenSite(t *testing.T) *site {
	fronttest.Require(t, "python3", "python3")
	s := newSite(t)
	for name, text := range brokenApps {
		s.write(name, text)
	}
	s.start()
	return s
}

// F3: if an app fails, a client gets the head and the data sent before the failure and can tell
// that the response is incomplete, or it gets a complete error page. It always gets one of them.
func TestF3WhatAnAppSentBeforeItFailedArrives(t *testing.T) {
	t.Parallel()
	s := brokenSite(t)
	apache := fronttest.StartApache(t, s.apacheSite())
	once := fronttest.StartApache(t, fmt.Sprintf("ProxyPass / \"unix:%s|fcgi://once/\"\n", s.path("fcgi.sock")))
	for name, url := range map[string]string{
		"directly": s.url, "behind Apache": apache.URL, "behind Apache without reuse": once.URL,
	} {
		for _, app := range []string{"wsgi", "asgi", "program"} {
			for _, way := range []string{"raise", "short"} {
				for range 10 {
					client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: watchtest.Patience}
					resp, err := client.Get(url + "/" + app + "/" + way)
					if err != nil {
						t.Errorf("%s, %s %s: there is no answer: %v", name, app, way, err)
						continue
					}
					body, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					broken := resp.StatusCode == 200 && string(body) == "first" && err != nil
					whole := resp.StatusCode == 500 && len(body) > 0 && err == nil
					if !broken && !whole {
						t.Errorf("%s, %s %s: %d %q, then %v", name, app, way, resp.StatusCode, body, err)
					}
				}
			}
		}
	}
}

// A client that shuts down its sending side gets its answer, and an app that waits for the client
// to leave is informed.
func TestClientThatEndsItsSendingSideIsAnswered(t *testing.T) {
	t.Parallel()
	s := brokenSite(t)
	ask := func(path string) net.Conn {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(watchtest.Patience))
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path)
		c.(*net.TCPConn).CloseWrite()
		return c
	}
	for _, app := range []string{"wsgi", "asgi", "program"} {
		c := ask("/" + app + "/slow")
		answer, err := io.ReadAll(c)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") || !bytes.Contains(answer, []byte("first")) {
			t.Errorf("%s: %q, %v", app, answer, err)
		}
		c.Close()
	}
	ask("/asgi/wait").Close()
	s.eventually("the app is told", func() bool {
		text, err := os.ReadFile(s.path("apps/asgi/told"))
		return err == nil && string(text) == "http.disconnect"
	})
}

// Behind a proxy that keeps its connections, bodies that no app reads cost no other client's
// request.
func TestUnreadBodiesOfOneClientCostNoOtherBehindNginx(t *testing.T) {
	t.Parallel()
	s := brokenSite(t)
	upstream := strings.TrimPrefix(s.url, "http://")
	nginx := fronttest.StartNginx(t, fmt.Sprintf(`
		location / {
			proxy_pass http://%s;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_request_buffering off;
			proxy_next_upstream off;
			client_max_body_size 0;
		}`, upstream))
	client := &http.Client{Timeout: watchtest.Patience}
	defer client.CloseIdleConnections()
	var done atomic.Bool
	var clients sync.WaitGroup
	for i, size := range []int{10, 100_000, 1 << 20} {
		clients.Go(func() {
			for !done.Load() {
				for _, path := range []string{"/missing", "/files/page.html", "/files/none"} {
					var body io.Reader = bytes.NewReader(make([]byte, size))
					if i == 1 {
						body = io.MultiReader(body) // in chunks
					}
					resp, err := client.Post(nginx.URL+path, "text/plain", body)
					if err != nil {
						continue // the server may see the end of its own connection
					}
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}
		})
	}
	for i := range 300 {
		if status, body := get(t, nginx.URL+"/files/page.html"); status != 200 || body != "a page" {
			t.Fatalf("request %d of another client: %d %q", i, status, body)
		}
	}
	done.Store(true)
	clients.Wait()
	if strings.Contains(s.log.String(), "panic serving") {
		t.Error("the front has panicked")
	}
}
