package python

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/modgw"
)

// cases runs each piece of code as the body of an app's callable, chosen by the path.
func cases(bodies map[string]string) string {
	var source strings.Builder
	source.WriteString(gates)
	source.WriteString("def application(environ, start_response):\n    name = environ['PATH_INFO'][1:]\n")
	for name, body := range bodies {
		fmt.Fprintf(&source, "    if name == %q:\n", name)
		for line := range strings.Lines(strings.TrimSpace(body)) {
			source.WriteString("        " + line)
		}
		source.WriteString("\n")
	}
	source.WriteString("    return ok(start_response, 'up')\n")
	return source.String()
}

func TestF17WrongResponses(t *testing.T) {
	t.Parallel()
	responses := map[string]struct {
		code   string
		status int    // 0: cut off after the head
		body   string // when status is the app's
		says   string // in the log
	}{
		"newline in value":  {`start_response("200 OK", [("X-A", "a\r\nX-B: b")]); return []`, 500, "", "X-A"},
		"nul in value":      {`start_response("200 OK", [("X-A", "a\0b")]); return []`, 500, "", "X-A"},
		"bad name":          {`start_response("200 OK", [("X A", "a")]); return []`, 500, "", "X A"},
		"beyond latin-1":    {`start_response("200 OK", [("X-A", "\u20ac")]); return []`, 500, "", "X-A"},
		"latin-1":           {`start_response("200 OK", [("X-A", "caf\xe9")]); return [b"x"]`, 200, "x", ""},
		"connection":        {`start_response("200 OK", [("Connection", "close")]); return [b"x"]`, 200, "x", ""},
		"transfer-encoding": {`start_response("200 OK", [("transfer-encoding", "chunked")]); return [b"x"]`, 200, "x", ""},
		"bad status":        {`start_response("twohundred", []); return [b"x"]`, 500, "", "twohundred"},
		"status 199":        {`start_response("199 Odd", []); return [b"x"]`, 500, "", "199"},
		"status 600":        {`start_response("600 Odd", []); return [b"x"]`, 500, "", "600"},
		"status 599":        {`start_response("599 Odd", []); return [b"x"]`, 599, "x", ""},
		"two lengths":       {`start_response("200 OK", [("Content-Length", "1"), ("Content-Length", "2")]); return [b"x"]`, 500, "", "Content-Length"},
		"bad length":        {`start_response("200 OK", [("Content-Length", "+1")]); return [b"x"]`, 500, "", "Content-Length"},
		"same length twice": {`start_response("200 OK", [("Content-Length", "1"), ("Content-Length", "1")]); return [b"x"]`, 200, "x", ""},
		"too long":          {`start_response("200 OK", [("Content-Length", "3")]); return [b"four"]`, 500, "", "longer than its Content-Length"},
		"too long, pieces":  {`start_response("200 OK", [("Content-Length", "3")]); return iter([b"ab", b"cd", b"ef"])`, 0, "", "longer than its Content-Length"},
		"too short":         {`start_response("200 OK", [("Content-Length", "9")]); return [b"four"]`, 0, "", ""},
		"too short, pieces": {`start_response("200 OK", [("Content-Length", "9")]); return iter([b"ab", b"cd"])`, 0, "", ""},
		"no start_response": {`return [b"x"]`, 500, "", "start_response"},
		"twice":             {"start_response('200 OK', [])\nstart_response('200 OK', [])\nreturn [b'x']", 500, "", "start_response"},
		"raises":            {`raise ValueError("spoiled")`, 500, "", "spoiled"},
		"raises in body":    {"start_response('200 OK', [])\ndef body():\n    yield b'x'\n    raise ValueError('spoiled later')\nreturn body()", 0, "", "spoiled later"},
		"returns None":      {"start_response('200 OK', [])\nreturn None", 500, "", "None"},
		"yields str":        {"start_response('200 OK', [])\nreturn ['x']", 500, "", "str"},
		"yields nothing":    {"start_response('200 OK', [])\nreturn iter([b'', b'', b''])", 200, "", ""},
		"empty pieces":      {"start_response('200 OK', [])\nreturn iter([b'', b'a', b'', b'b', b''])", 200, "ab", ""},
		"write":             {"start_response('200 OK', [])(b'written ')\nreturn [b'returned']", 200, "written returned", ""},
		"close raises":      {"start_response('200 OK', [])\nclass It:\n    def __iter__(self): return iter([b'fine'])\n    def close(self): raise ValueError('in close')\nreturn It()", 200, "fine", "in close"},
		"many headers":      {`start_response("200 OK", [("X-A", "a")] * 201); return [b"x"]`, 500, "", "201 headers"},
		"long headers":      {`start_response("200 OK", [("X-A", "a" * 70000)]); return [b"x"]`, 500, "", "MGW-APP-014"},
	}
	bodies := map[string]string{}
	for name, r := range responses {
		bodies[name] = r.code
	}
	a := serve(t, cases(bodies))
	pid := a.pid(1)
	for name, want := range responses {
		t.Run(name, func(t *testing.T) {
			before := len(a.log.String())
			got := a.get("/" + strings.ReplaceAll(name, " ", "%20"))
			switch {
			case want.status == 0 && got.err == nil:
				t.Errorf("looks complete: %d %q", got.status, got.body)
			case want.status != 0 && (got.status != want.status || got.err != nil):
				t.Errorf("got %d %q, %v", got.status, got.body, got.err)
			case want.body != "" && got.body != want.body:
				t.Errorf("got %q", got.body)
			}
			eventually(t, "log of "+want.says, func() bool { return strings.Contains(a.log.String()[before:], want.says) })
		})
	}
	if a.pid(1) != pid {
		t.Error("an app's mistakes have cost the worker")
	}
}

func TestBodilessResponses(t *testing.T) {
	t.Parallel()
	a := serve(t, cases(map[string]string{
		"204":  `start_response("204 No Content", [("Content-Length", "1")]); return [b"x"]`,
		"304":  `start_response("304 Not Modified", [("ETag", '"x"')]); return [b"x"]`,
		"head": `start_response("200 OK", [("Content-Length", "5")]); return [b"12345"]`,
		"sent": `start_response("200 OK", []); return iter([b"123", b"45"])`,
	}))
	for _, c := range []struct {
		method, path string
		status       int
		length       string
	}{
		{"GET", "/204", 204, ""},
		{"GET", "/304", 304, ""},
		{"HEAD", "/head", 200, "5"},
		{"HEAD", "/sent", 200, ""},
	} {
		got := a.do(c.method, c.path, nil)
		if got.status != c.status || got.body != "" || got.err != nil || got.header.Get("Content-Length") != c.length {
			t.Errorf("%s %s: %d %q %v, %v", c.method, c.path, got.status, got.body, got.header, got.err)
		}
	}
	if got := a.get("/"); got.body != "up" {
		t.Errorf("afterwards: %q", got.body)
	}
}

func TestHeadersAreTheAppsOwn(t *testing.T) {
	t.Parallel()
	a := serve(t, cases(map[string]string{
		"plain": `start_response("200 OK", []); return [b"<html>"]`,
		"hops": `start_response("200 OK", [("Connection", "close, X-Own"), ("Keep-Alive", "x"), ("TE", "x"), ("Upgrade", "x"),
    ("Proxy-Authenticate", "x"), ("Transfer-Encoding", "chunked"), ("x-own", "1"), ("X-Kept", "2")]); return [b"x"]`,
		"cookies": `start_response("200 OK", [("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("ETag", '"e"')]); return [b"x"]`,
	}))
	if got := a.get("/plain"); got.header.Values("Content-Type") != nil || got.header.Get("Content-Length") != "6" {
		t.Errorf("invented: %v", got.header)
	}
	hops := a.get("/hops")
	for name := range hops.header {
		if name != "Content-Length" && name != "Date" && name != "X-Kept" {
			t.Errorf("%s concerns the connection and is passed on", name)
		}
	}
	if hops.body != "x" || hops.header.Get("X-Kept") != "2" {
		t.Errorf("got %q %v", hops.body, hops.header)
	}
	got := a.get("/cookies").header
	if c := got.Values("Set-Cookie"); len(c) != 2 || c[0] != "a=1" || c[1] != "b=2" || got.Get("ETag") != `"e"` {
		t.Errorf("headers %v", got)
	}
}

func TestPiecesGoOutAsTheyCome(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    for i in range(3):
        yield b"event %d\n" % i
        wait("go-%d" % i)
`)
	response, err := http.Get(a.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for i := range 3 {
		line, err := lines.ReadString('\n')
		if line != fmt.Sprintf("event %d\n", i) {
			t.Fatalf("got %q, %v", line, err)
		}
		a.open(fmt.Sprintf("go-%d", i)) // only now does the app continue
	}
}

func TestLargeResponses(t *testing.T) {
	t.Parallel()
	a := serve(t, cases(map[string]string{
		"whole":  `start_response("200 OK", []); return [b"0123456789" * 300000]`,
		"pieces": `start_response("200 OK", []); return (b"0123456789" * 1000 for _ in range(300))`,
		"small":  `start_response("200 OK", []); return (b"0123456789" for _ in range(10000))`,
	}))
	for path, size := range map[string]int{"/whole": 3_000_000, "/pieces": 3_000_000, "/small": 100_000} {
		if got := a.get(path); got.body != strings.Repeat("0123456789", size/10) || got.err != nil {
			t.Errorf("%s: %d, %d bytes, %v", path, got.status, len(got.body), got.err)
		}
	}
}

func TestClientThatDoesNotReadHoldsTheAppBack(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    if environ["PATH_INFO"] == "/count":
        return ok(start_response, str(application.sent))
    start_response("200 OK", [])
    def body():
        for i in range(2000):
            application.sent = i
            yield b"x" * 100000
    return body()
application.sent = 0
`, withWorkers(1, 2))
	conn := a.raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	// It has stopped when two consecutive checks give the same result.
	var last string
	a.eventually("a stop", func() bool {
		now := a.get("/count").body
		same := now == last && now != "0"
		last = now
		return same
	})
	if n := atoi(t, last); n > 1000 {
		t.Errorf("the app could send %d pieces of 2000", n)
	}
	conn.Close()
	a.eventually("free connection", func() bool { return a.runner.Status().Busy == 0 })
}

const fileApp = `
def application(environ, start_response):
    path = environ["PATH_INFO"][1:]
    f = open(os.path.join(ROOT, "data"), "rb")
    if path == "offset":
        f.seek(10)
    headers = [("Content-Length", "2000000")] if path == "short" else []
    start_response("200 OK", headers)
    return environ["wsgi.file_wrapper"](f)
`

func TestFilesAreSentFromWhereTheyStand(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+fileApp)
	data := strings.Repeat("0123456789", 100_000)
	if err := os.WriteFile(a.path("data"), []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/": data, "/offset": data[10:]} {
		if got := a.get(path); got.body != want || got.err != nil {
			t.Errorf("%s: %d, %d bytes, %v", path, got.status, len(got.body), got.err)
		}
		if got := a.do("HEAD", path, nil); got.body != "" || got.status != 200 {
			t.Errorf("HEAD %s: %d %q", path, got.status, got.body)
		}
	}
}

func TestF18TruncatedFileIsCutOff(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+fileApp)
	if err := os.WriteFile(a.path("data"), make([]byte, 1_000_000), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := a.get("/short"); got.err == nil && got.status == 200 {
		t.Errorf("looks complete: %d bytes", len(got.body))
	}
}

func TestS8NoCrossTalk(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    secret = environ["HTTP_X_SECRET"]
    body = environ["wsgi.input"].read().decode()
    start_response("200 OK", [("X-Secret", secret)])
    if len(secret) % 2:
        return [(secret + body).encode()]
    return iter([secret.encode(), body.encode()])
`, withWorkers(2, 3), func(d *modgw.Descriptor) { d.Queue.Max = 1000 })
	var clients sync.WaitGroup
	for c := range 16 {
		clients.Go(func() {
			for i := range 32 {
				secret := fmt.Sprintf("s-%d-%d-%s", c, i, strings.Repeat("k", i))
				body := strings.Repeat(fmt.Sprint(c), i*200)
				r, err := http.NewRequest("POST", a.server.URL, strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("X-Secret", secret)
				got := a.send(r)
				if got.body != secret+body || got.header.Get("X-Secret") != secret {
					t.Errorf("client %d, request %d: %d, another one's answer: %.80q, %v", c, i, got.status, got.body, got.err)
					return
				}
			}
		})
	}
	clients.Wait()
}

func TestS9LateAnswerReachesNobody(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    if environ["PATH_INFO"] == "/late":
        touch("begun")
        wait("go")
        return ok(start_response, "late answer")
    return ok(start_response, "own answer")
`, withWorkers(1, 2))
	conn := a.raw("GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
	a.eventually("request", func() bool { return exists(a.path("begun")) })
	conn.Close()
	a.eventually("its end for the host", func() bool { return a.log.Count("request abandoned") == 1 })
	if busy := a.runner.Status().Busy; busy != 1 {
		t.Errorf("%d connections are busy: the one of the late answer must be", busy)
	}
	for i := range 20 {
		if i == 10 {
			a.open("go")
		}
		if got := a.get("/"); got.body != "own answer" {
			t.Errorf("got %q, %v", got.body, got.err)
		}
	}
	a.eventually("free connection", func() bool { return a.runner.Status().Busy == 0 })
}

func TestSlowRequestsHoldNoOthersUp(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        touch("slow-" + environ["QUERY_STRING"])
        wait("go")
    return ok(start_response, "done")
`, withWorkers(1, 4))
	results := make(chan answer, 3)
	for i := range 3 {
		go func() { results <- a.get(fmt.Sprintf("/slow?%d", i)) }()
		a.eventually("slow request", func() bool { return exists(a.path(fmt.Sprintf("slow-%d", i))) })
	}
	// The gate opens only after all of these, so that one behind a slow request would never be
	// answered.
	var fast sync.WaitGroup
	for range 8 {
		fast.Go(func() {
			for range 25 {
				if got := a.get("/fast"); got.status != 200 {
					t.Errorf("got %d %q, %v", got.status, got.body, got.err)
				}
			}
		})
	}
	fast.Wait()
	a.open("go")
	for range 3 {
		if got := <-results; got.body != "done" {
			t.Errorf("slow: %d %q, %v", got.status, got.body, got.err)
		}
	}
}

func TestDevelopmentShowsTheTraceback(t *testing.T) {
	t.Parallel()
	a := prepare(t, cases(map[string]string{"bad": `raise ValueError("spoiled")`}))
	a.runner.app.Dev = true
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	r, err := http.NewRequest("GET", a.server.URL+"/bad", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Request-Id", "r-7")
	for range 3 {
		if got := a.send(r); got.status != 500 || !strings.Contains(got.body, "Traceback") || !strings.Contains(got.body, "r-7") {
			t.Errorf("got %d %q", got.status, got.body)
		}
	}
}
