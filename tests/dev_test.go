package tests

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
)

// devApp is a WSGI app without a framework: it shows text in a page, and fails at /fail.
const devApp = `
TEXT = %q

def price(basket):
    secret_key = "hunter2"
    return basket["apple"]

def application(environ, start_response):
    if environ["PATH_INFO"] == "/fail":
        price({"pear": 5})
    start_response("200 OK", [
        ("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", "default-src 'self'")])
    return [b'<!doctype html><html><head><link rel="stylesheet" href="/static/site.css"></head>'
            b"<body><h1 id=text>" + TEXT.encode() + b"</h1></body></html>"]
`

var urlLine = regexp.MustCompile(`URL +(http://\S+)/\n`)

// develop writes the app and runs modgw-host dev for its folder until the test ends.
func develop(t *testing.T, flags ...string) *site {
	t.Helper()
	s := newProject(t)
	s.develop(flags...)
	return s
}

// newProject writes the app.
func newProject(t *testing.T) *site {
	s := &site{t: t, dir: t.TempDir(), log: &output{}}
	s.write("blog/app.py", fmt.Sprintf(devApp, "one"))
	s.write("blog/static/site.css", "h1 { color: rgb(1, 2, 3) }\n")
	s.write("blog/modgw.hcl", `
		app "blog" {
		  wsgi { entry = "app.py" }
		  alias "/static" { dir = "static" }
		  reload { settle = "20ms" }
		}
	`)
	return s
}

// develop runs modgw-host dev for the project until the test ends.
func (s *site) develop(flags ...string) {
	s.t.Helper()
	s.url = s.spawnUntil(urlLine, nil, append([]string{"dev", "blog", "--listen", "http=127.0.0.1:0", "--state", s.path("state")}, flags...)...)
}

// ask sends a request as a browser does, or as a program that accepts another type.
func (s *site) ask(path, accept string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequest("GET", s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	return s.send(r)
}

func (s *site) send(r *http.Request) (int, string) {
	s.t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestDevelopingSaveAndReload(t *testing.T) {
	t.Parallel()
	s := develop(t)
	for _, want := range []string{"blog", "Environment", "Workers", "1 process", "Watching", "inotify", "Press Ctrl-C to stop."} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the greeting does not say %q", want)
		}
	}
	if _, text := s.ask("/", "text/html"); !strings.Contains(text, "one") || !strings.Contains(text, "/-/modgw/events") {
		t.Errorf("no page that follows:\n%s", text)
	}

	for i := range 5 {
		s.write("blog/app.py", fmt.Sprintf(devApp, fmt.Sprint("version ", i)))
		for _, accept := range []string{"text/html", "*/*"} { // at once
			if status, text := s.ask("/", accept); status != 200 || !strings.Contains(text, fmt.Sprint("version ", i)) {
				t.Fatalf("save %d: %d\n%s", i, status, text)
			}
		}
	}
	s.eventually("the terminal names it", func() bool {
		return strings.Contains(s.log.String(), "↻ app.py changed → generation 6 ready in ")
	})

	s.write("blog/app.py", "x = 1\ndef application(:\n")
	var text string
	s.eventually("the page shows that the code does not load", func() bool {
		var status int
		status, text = s.ask("/", "text/html")
		return status == 500
	})
	for _, want := range []string{"SyntaxError", "app.py:2", "app.py changed", "still works (generation 6)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if _, text := s.ask("/", "*/*"); !strings.Contains(text, "app.py:2  SyntaxError") || strings.Contains(text, "<") {
		t.Errorf("as plain text:\n%s", text)
	}
	s.eventually("the terminal says why", func() bool {
		log := s.log.String()
		return strings.Contains(log, "✗ generation 7 not started, still serving generation 6") && strings.Contains(log, "SyntaxError: app.py:2")
	})

	s.write("blog/app.py", fmt.Sprintf(devApp, "fixed"))
	s.eventually("the page shows that it was fixed", func() bool {
		status, text := s.ask("/", "text/html")
		return status == 200 && strings.Contains(text, "fixed")
	})
}

func TestDevelopingShowsWhereTheAppFails(t *testing.T) {
	t.Parallel()
	s := develop(t)
	status, text := s.ask("/fail", "text/html")
	if status != 500 {
		t.Errorf("status %d, want 500", status)
	}
	for _, want := range []string{"KeyError", "app.py:6", "in price", "&#39;pear&#39;: 5", "secret_key", "••••••", "Copy as text"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if !strings.Contains(text, "<th>secret_key</th><td>••••••</td>") {
		t.Error("the page shows the value of a secret")
	}
}

// TestServingShowsNothingOfIt requests from a serving host everything that development mode shows.
func TestServingShowsNothingOfIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/blog/app.py", fmt.Sprintf(devApp, "one"))
	s.write("apps/blog/modgw.hcl", `app "blog" {
	  wsgi { entry = "app.py" }
	}`)
	s.start()
	shown := func(path string) string {
		t.Helper()
		all := ""
		for _, accept := range []string{"text/html", "application/json", "*/*"} {
			_, text := s.ask(path, accept)
			all += text
		}
		return all
	}
	for _, path := range []string{"/", "/fail", "/-/modgw/events", "/-/modgw/still?of=x&to=/fail"} {
		text := shown(path)
		for _, never := range []string{"Traceback", "KeyError", "app.py", "price", "pear", "hunter2", "data-modgw", "EventSource"} {
			if strings.Contains(text, never) {
				t.Errorf("%s shows %q:\n%s", path, never, text)
			}
		}
	}
	s.write("apps/blog/app.py", "def application(:\n")
	s.eventually("the change was refused", func() bool { return s.status("blog").Failure != nil })
	if text := shown("/"); !strings.Contains(text, "one") || strings.Contains(text, "SyntaxError") {
		t.Errorf("after a broken change:\n%s", text)
	}
}

func TestHostEndsWhileAPageFollows(t *testing.T) {
	t.Parallel()
	var stream io.Closer
	// after the host has ended, which it does while the page follows
	t.Cleanup(func() { stream.Close() })
	s := develop(t)
	response, err := http.Get(s.url + "/-/modgw/events")
	if err != nil {
		t.Fatal(err)
	}
	stream = response.Body
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("Content-Type %q", got)
	}
}

func TestHostEndsWhileARequestSitsAtABreakpoint(t *testing.T) {
	t.Parallel()
	typed, keyboard, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var asking sync.WaitGroup
	t.Cleanup(func() { asking.Wait(); typed.Close(); keyboard.Close() })
	s := newProject(t)
	s.write("blog/app.py", "def application(environ, start_response):\n    breakpoint()\n")
	s.stdin = typed
	s.develop("--debugger")
	asking.Go(func() {
		if response, err := http.Get(s.url); err == nil { // the host may end before it has answered
			response.Body.Close()
		}
	})
	s.eventually("the debugger asks", func() bool { return strings.Contains(s.log.String(), "(Pdb) ") })
}

func TestBreakpointTalksToTheTerminal(t *testing.T) {
	t.Parallel()
	s := newProject(t)
	s.write("blog/app.py", `
def application(environ, start_response):
    answer = 6 * 7
    breakpoint()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("answer %d" % answer).encode()]
`)
	typed, keyboard, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { typed.Close(); keyboard.Close() })
	s.stdin = typed
	s.develop("--debugger")
	answered := make(chan string)
	go func() {
		_, text := s.ask("/", "*/*")
		answered <- text
	}()
	for _, turn := range []struct{ wait, say string }{
		{"(Pdb) ", "p 'the answer is', answer\n"},
		{"('the answer is', 42)", "answer = 43\n"},
		{"(Pdb) ", "continue\n"},
	} {
		s.eventually("the terminal shows "+turn.wait, func() bool { return strings.Contains(s.log.String(), turn.wait) })
		if _, err := keyboard.WriteString(turn.say); err != nil {
			t.Fatal(err)
		}
	}
	if text := <-answered; text != "answer 43" {
		t.Errorf("got %q", text)
	}
}

func TestDevelopingNamesWhoHasThePort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := &site{t: t, dir: t.TempDir(), log: &output{}}
	s.write("app.py", fmt.Sprintf(devApp, "one"))
	text, ok := s.run("dev", "app.py", "--listen", "http="+taken.Addr().String(), "--state", s.path("state"))
	if ok || !faulttest.Has(text, "MGW-HST-001") || !strings.Contains(text, fmt.Sprintf("process %d listens there", os.Getpid())) {
		t.Errorf("ok=%v:\n%s", ok, text)
	}
}

func TestDevelopingAnAppOfAnotherHostAndMount(t *testing.T) {
	t.Parallel()
	s := newProject(t)
	s.write("blog/modgw.hcl", `
		app "blog" {
		  hosts = ["blog.example.com"]
		  mount = "/journal"
		  wsgi { entry = "app.py" }
		}
	`)
	s.develop()
	if !strings.HasSuffix(s.url, "/journal") {
		t.Errorf("the URL is %s", s.url)
	}
	if status, text := s.ask("/", "text/html"); status != 200 || !strings.Contains(text, `"/journal/-/modgw/events"`) {
		t.Errorf("%d\n%s", status, text)
	}
	if status, _ := s.ask("/-/modgw/still", "text/html"); status != http.StatusNotFound {
		t.Errorf("status %d of the page that the switch leads to", status) // "/", without a page
	}
}

func TestDevelopingBehindApache(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "apache2", "apache2")
	s := newProject(t)
	s.dir = fronttest.Dir(t) // which Apache's user may enter
	s.write("blog/app.py", fmt.Sprintf(devApp, "one"))
	s.url = s.spawnUntil(urlLine, nil, "dev", "blog", "--apache", "--port", fmt.Sprint(fronttest.FreePort(t)), "--state", s.path("state"))
	s.eventually("Apache passes pages on", func() bool {
		r, err := http.NewRequest("GET", s.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return false // it is still starting
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		return err == nil && response.StatusCode == 200 && strings.Contains(string(text), "/-/modgw/events")
	})
	events, err := http.Get(s.url + "/-/modgw/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	lines := bufio.NewScanner(events.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatalf("the stream has ended: %v", lines.Err())
		return ""
	}
	first := next()
	s.write("blog/app.py", "def application(:\n")
	if second := next(); second == first {
		t.Errorf("the stream says %s again", second)
	}
	if status, text := s.ask("/", "text/html"); status != 500 || !strings.Contains(text, "SyntaxError") {
		t.Errorf("%d\n%s", status, text)
	}
}

func TestDevelopingShowsWhereAnASGIAppFails(t *testing.T) {
	t.Parallel()
	s := &site{t: t, dir: t.TempDir(), log: &output{}}
	const source = `
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        %s
        await send({"type": "lifespan.startup.complete"})
        return
    {}["pear"]
`
	s.write("blog/app.py", fmt.Sprintf(source, "pass"))
	s.write("blog/modgw.hcl", "app \"blog\" {\n  asgi { entry = \"app.py\" }\n  reload { settle = \"20ms\" }\n}\n")
	s.develop()
	shows := func(kind string, wanted ...string) {
		t.Helper()
		for _, accept := range []string{"text/html", "application/json", "*/*"} {
			status, text := s.ask("/", accept)
			for _, want := range wanted {
				if status != 500 || !strings.Contains(text, want) {
					t.Errorf("%s, as %s: %d, without %q:\n%s", kind, accept, status, want, text)
				}
			}
		}
	}
	shows("handler", "KeyError", "app.py")
	s.write("blog/app.py", fmt.Sprintf(source, `raise OSError("no database")`))
	s.eventually("the startup fails", func() bool { _, text := s.ask("/", "*/*"); return strings.Contains(text, "no database") })
	shows("startup", "OSError", "no database", "app.py")
}
