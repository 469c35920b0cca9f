package tests

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/internal/certtest"
)

// resumingApp is an ASGI app whose WebSockets echo messages with a version, and whose event streams
// continue counting from Last-Event-ID and contain the version as well.
const resumingApp = `
import asyncio
VERSION = %q

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": VERSION + " " + message["text"]})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    n = int(dict(scope["headers"]).get(b"last-event-id", b"0"))
    while True:
        n += 1
        await send({"type": "http.response.body", "body": b"id: %%d\ndata: %%s\n\n" %% (n, VERSION.encode()), "more_body": True})
        await asyncio.sleep(0.05)
`

// TestClientsStayOverAReloadBehindEveryFront has a WebSocket and an event stream behind each web
// server, to the host itself, and to it with TLS. They stay over reloads, and get everything once
// and in order.
func TestClientsStayOverAReloadBehindEveryFront(t *testing.T) {
	t.Parallel()
	ca := certtest.New(t)
	s := newSite(t)
	ca.Issue(t, s.dir, "a.example")
	sockets := fmt.Sprintf(`
		apps = ["apps/*/modgw.hcl"]
		listen "fastcgi" {
		  address = "unix:%[1]s/fcgi.sock"
		  mode    = "0666"
		}
		listen "http" {
		  address = "unix:%[1]s/http.sock"
		  mode    = "0666"
		}
	`, s.dir)
	s.write("fronts.hcl", sockets)
	s.write("modgw.hcl", sockets+`
		state = "state"
		listen "http" {
		  address = "127.0.0.1:0"
		  tls {
		    certificate = "a.example.pem"
		    key         = "a.example.key"
		  }
		}
		listen "http" { address = "127.0.0.1:0" }
		defaults {
		  reload { settle = "50ms" }
		}
	`)
	s.write("apps/chat/modgw.hcl", "app \"chat\" {\n  mount = \"/chat\"\n  asgi {\n    entry   = \"app.py\"\n    workers = 1\n    resume  = true\n  }\n}\n")
	s.write("apps/chat/app.py", fmt.Sprintf(resumingApp, "one"))
	s.start()
	plain := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(plain.CloseIdleConnections)
	clients := []*staying{
		s.stay("direct", s.url, plain),
		s.stay("TLS", "https://a.example", browser(t, httpsLine.FindStringSubmatch(s.log.String())[1], ca.Client(""))),
	}
	for name, server := range s.webServers("fronts.hcl", fmt.Sprintf("backend app\n  server s unix@%s\n", s.path("http.sock"))) {
		clients = append(clients, s.stay(name, server.URL, plain))
	}
	for _, version := range []string{"one", "two", "three"} {
		if version != "one" {
			s.write("apps/chat/app.py", fmt.Sprintf(resumingApp, version))
		}
		for _, c := range clients {
			c.seesVersion(t, version)
		}
	}
}

// staying is a client with a WebSocket and an event stream.
type staying struct {
	name   string
	conn   *websocket.Conn
	stream *bufio.Reader
	said   int // messages that it has sent
	events int // events that it has got
}

// stay connects a client to the app by a URL.
func (s *site) stay(name, url string, client *http.Client) *staying {
	s.t.Helper()
	conn, response, err := websocket.Dial(s.t.Context(), url+"/chat/", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		s.t.Fatalf("%s: %+v, %v", name, response, err)
	}
	s.t.Cleanup(func() { conn.CloseNow() })
	conn.SetReadLimit(-1)
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/chat/", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err = client.Do(request)
	if err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	s.t.Cleanup(func() { response.Body.Close() })
	return &staying{name: name, conn: conn, stream: bufio.NewReader(response.Body)}
}

// seesVersion waits until a version of the app answers both.
func (c *staying) seesVersion(t *testing.T, version string) {
	t.Helper()
	for got := ""; got != version; {
		c.said++
		text := fmt.Sprint(c.said, " ")
		if c.said%16 == 1 {
			text += strings.Repeat("x", 200_000)
		}
		if err := c.conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatalf("%s: message %d: %v", c.name, c.said, err)
		}
		_, answer, err := c.conn.Read(t.Context())
		if err != nil {
			t.Fatalf("%s: answer %d: %v", c.name, c.said, err)
		}
		var rest string
		if got, rest, _ = strings.Cut(string(answer), " "); rest != text {
			t.Fatalf("%s: answer %d is %.20q of %d bytes", c.name, c.said, answer, len(answer))
		}
		if got != version {
			time.Sleep(10 * time.Millisecond) // the load, not the wait for anything
		}
	}
	for got := ""; got != version; {
		c.events++
		for _, field := range []string{"id: ", "data: ", ""} {
			line, err := c.stream.ReadString('\n')
			value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), field)
			if err != nil || !ok || field == "id: " && value != fmt.Sprint(c.events) {
				t.Fatalf("%s: event %d: %q, %v", c.name, c.events, line, err)
			}
			if field == "data: " {
				got = value
			}
		}
	}
}
