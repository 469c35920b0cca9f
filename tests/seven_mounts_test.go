package tests

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
)

// mount is one of the seven mounts: its path, the file that contains its answer, and the text in
// that file that is replaced.
type mount struct {
	path, file string
	old        string
}

var sevenMounts = []mount{
	{"/chat/", "chat/chat.py", "the first version"},
	{"/events/", "events/events.py", "the first version"},
	{"/shop/", "shop/main.go", "the first offer"},
	{"/php/", "php/index.php", "the first page"},
	{"/perl/", "perl/guest.pl", "the first script"},
	{"/node/", "node/server.js", "the first server"},
	{"/", "site/index.html", "The first of seven"},
}

// TestSevenMountsUnderOneApache runs programs of seven kinds from one folder of descriptors behind
// an Apache with the generated configuration, and edits each of them under load. It checks that no
// request is lost, and that WebSockets and event streams move to the new version.
func TestSevenMountsUnderOneApache(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "apache2", "apache2")
	fronttest.Require(t, "php-cgi", "php-cgi")
	fronttest.Require(t, "node", "nodejs")
	fronttest.Require(t, "perl", "perl")
	s := &site{t: t, dir: fronttest.Dir(t), log: &output{}}
	if err := os.CopyFS(s.path("seven"), os.DirFS("../examples/seven-mounts")); err != nil {
		t.Fatal(err)
	}
	// here it belongs to the module that the examples are in
	s.write("seven/shop/go.mod", "module example.com/shop\n\ngo 1.26.0\n")
	s.shareGoCache()
	// the time of downloads and of the compiler does not count as the host's start
	s.mustRun("env", "build", "-t", "seven", "--state", s.path("state"))
	s.write("host.hcl", sandboxed)
	s.url = s.spawnUntil(regexp.MustCompile(`apache ready url=(\S+)`), nil,
		"apache", "run", "-c", s.path("host.hcl"), "seven", "--port", fmt.Sprint(fronttest.FreePort(t)), "--state", s.path("state"))

	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer stop()
	books := make([]*account, len(sevenMounts))
	for i, m := range sevenMounts {
		books[i] = &account{url: s.url + m.path}
		asking.Go(func() { books[i].keep(ctx) })
	}
	for i, m := range sevenMounts {
		if _, body := s.get(m.path); !strings.Contains(body, m.old) {
			t.Fatalf("%s: %q", m.path, body)
		}
		s.eventually(m.path+" is asked", func() bool { return books[i].answers() > 2 })
	}
	chat, events := s.openChat("the first version"), s.openEvents("the first version")
	for i, m := range sevenMounts {
		s.edit("seven/"+m.file, m.old, strings.Replace(m.old, "first", "second", 1))
		s.eventually(m.path+" shows the new version", func() bool {
			_, body := s.get(m.path)
			return strings.Contains(body, strings.Replace(m.old, "first", "second", 1))
		})
		n := books[i].answers()
		s.eventually(m.path+" is asked afterwards", func() bool { return books[i].answers() > n+2 })
	}
	chat.replaced(t)
	events.replaced(t)
	chat, events = s.openChat("the second version"), s.openEvents("the second version")
	chat.close()
	events.close()

	stop()
	asking.Wait()
	for i, m := range sevenMounts {
		books[i].settle(t, m)
	}
}

// account sends requests to one mount again and again, and records the results.
type account struct {
	url  string
	host string // host is the host name of the requests. Empty means the host of url.

	mu     sync.Mutex
	sent   int
	faults []string
}

func (a *account) keep(ctx context.Context) {
	client := &http.Client{Timeout: watchtest.Patience, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		fault := ""
		request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, a.url, nil)
		if err != nil {
			panic(err)
		}
		request.Host = a.host
		response, err := client.Do(request)
		if err != nil {
			fault = err.Error()
		} else {
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.StatusCode != http.StatusOK {
				fault = fmt.Sprintf("%s, %v: %.300s", response.Status, err, body)
			}
		}
		a.mu.Lock()
		a.sent++
		if fault != "" {
			a.faults = append(a.faults, fault)
		}
		a.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond): // the load, not the wait for anything
		}
	}
}

func (a *account) answers() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent
}

func (a *account) settle(t *testing.T, m mount) {
	t.Helper()
	t.Logf("%s: %d requests, %d lost", m.path, a.sent, len(a.faults))
	for _, fault := range a.faults {
		t.Errorf("%s: %s", m.path, fault)
	}
}

// chat is an open WebSocket.
type chat struct{ *websocket.Conn }

// openChat joins the chat, which must greet with a version, and sends a message.
func (s *site) openChat(version string) chat {
	s.t.Helper()
	conn, response, err := websocket.Dial(s.t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/chat/ws", nil)
	if err != nil {
		s.t.Fatalf("%v: %v", response, err)
	}
	s.t.Cleanup(func() { conn.CloseNow() })
	for _, want := range []string{"welcome to " + version, "hello"} {
		if _, text, err := conn.Read(s.t.Context()); err != nil || string(text) != want {
			s.t.Fatalf("%q, %v; want %q", text, err, want)
		}
		if err := conn.Write(s.t.Context(), websocket.MessageText, []byte("hello")); err != nil {
			s.t.Fatal(err)
		}
	}
	return chat{conn}
}

// replaced waits for the end of the WebSocket. Its close status must mean that a new version has
// taken over.
func (c chat) replaced(t *testing.T) {
	t.Helper()
	for {
		if _, _, err := c.Read(t.Context()); err != nil {
			if websocket.CloseStatus(err) != websocket.StatusServiceRestart {
				t.Errorf("the WebSocket ended with %v", err)
			}
			return
		}
	}
}

func (c chat) close() { c.Close(websocket.StatusNormalClosure, "") }

// events is an open event stream.
type events struct{ *http.Response }

// openEvents opens the stream, whose first event must contain a version.
func (s *site) openEvents(version string) events {
	s.t.Helper()
	response, err := http.Get(s.url + "/events/stream")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { response.Body.Close() })
	stream := bufio.NewReader(response.Body)
	if line, err := stream.ReadString('\n'); err != nil || !strings.HasPrefix(line, "data: "+version) {
		s.t.Fatalf("%q, %v", line, err)
	}
	return events{response}
}

// replaced waits for the stream's end.
func (e events) replaced(*testing.T) { _, _ = io.Copy(io.Discard, e.Body) }

func (e events) close() { e.Body.Close() }
