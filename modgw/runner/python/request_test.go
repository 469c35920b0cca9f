package python

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/relay"
)

const echo = gates + `
import hashlib, json
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/environ":
        return ok(start_response, json.dumps({k: v for k, v in environ.items() if isinstance(v, (str, bool, int))}))
    if path == "/early":
        return ok(start_response, "early")
    if path == "/one":
        return ok(start_response, environ["wsgi.input"].read(1).decode())
    data = b""
    digest = hashlib.sha256()
    size = 0
    try:
        while True:
            touch("reading")
            piece = environ["wsgi.input"].read(65536)
            if not piece:
                break
            size += len(piece)
            digest.update(piece)
    except Exception as e:
        open(os.path.join(ROOT, "error"), "w").write(type(e).__name__ + " " + str(isinstance(e, OSError)))
        raise
    return ok(start_response, "%d %s %s" % (size, digest.hexdigest(), environ.get("CONTENT_LENGTH")))
`

// environ calls the runner without a server and returns the environ that the app saw.
func (a *app) environ(r *http.Request, info *modgw.RequestInfo) map[string]any {
	a.Helper()
	w := httptest.NewRecorder()
	a.runner.ServeHTTP(w, r.WithContext(modgw.WithRequestInfo(r.Context(), info)))
	var environ map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &environ); err != nil {
		a.Fatalf("%d %q: %v", w.Code, w.Body, err)
	}
	return environ
}

func TestEnvironIsCompleteAndSafe(t *testing.T) {
	t.Parallel()
	a := serve(t, echo)
	r := httptest.NewRequest("POST", "http://blog.example.com:8080/x?a=%20b", strings.NewReader("a=1"))
	r.Header = http.Header{
		"Content-Type": {"text/plain"}, "Content-Length": {"3"}, "Accept": {"a", "b"}, "Cookie": {"x=1", "y=2"},
		"X-Latin": {"caf\xe9"}, "X_Under": {"1"}, "X-Forwarded_for": {"1"}, "Proxy": {"evil"}, "Bad Name": {"1"},
		"X-Controls": {"a\x01b"},
	}
	environ := a.environ(r, &modgw.RequestInfo{
		Front: "fcgi", Path: "/blog/environ", RawTarget: "/blog/%65nviron?a=%20b", Scheme: "https", ScriptName: "/blog",
		PathInfo: "/environ", RemoteAddr: "192.0.2.1", RemotePort: "4711", RemoteUser: "gr\xc3\xbcn", AuthType: "Basic",
		ID: "r-1", ServerSoftware: "Apache",
		Variables: map[string]string{
			"SSL_CLIENT_S_DN": "CN=x", "PATH_INFO": "/evil", "wsgi.input": "evil", "modgw.request_id": "evil",
			"HTTP_X": "evil", "REMOTE_USER": "evil",
		},
	})
	for name, want := range map[string]any{
		"REQUEST_METHOD": "POST", "SCRIPT_NAME": "/blog", "PATH_INFO": "/environ", "QUERY_STRING": "a=%20b",
		"CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "3", "SERVER_NAME": "blog.example.com", "SERVER_PORT": "8080",
		"SERVER_PROTOCOL": "HTTP/1.1", "SERVER_SOFTWARE": "Apache", "REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "4711",
		"REMOTE_USER": "grÃ¼n", "AUTH_TYPE": "Basic", "REQUEST_URI": "/blog/%65nviron?a=%20b",
		"RAW_URI": "/blog/%65nviron?a=%20b", "REQUEST_SCHEME": "https", "wsgi.url_scheme": "https",
		"HTTP_HOST": "blog.example.com:8080", "HTTP_ACCEPT": "a, b", "HTTP_COOKIE": "x=1; y=2", "HTTP_X_LATIN": "caf\u00e9",
		"HTTP_X_CONTROLS": "a\x01b", "modgw.app": "hello", "modgw.generation": 1.0, "modgw.request_id": "r-1",
		"modgw.mount": "/blog", "SSL_CLIENT_S_DN": "CN=x", "wsgi.multithread": true, "wsgi.run_once": false,
		"wsgi.input_terminated": true,
	} {
		if got := environ[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"HTTP_X_UNDER", "HTTP_X_FORWARDED_FOR", "HTTP_PROXY", "HTTP_X", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} {
		if got, ok := environ[name]; ok {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestEnvironOfAPlainRequest(t *testing.T) {
	t.Parallel()
	a := serve(t, echo)
	r := httptest.NewRequest("GET", "/environ", nil)
	r.Host = ""
	environ := a.environ(r, &modgw.RequestInfo{Path: "/environ", RawTarget: "/environ", Scheme: "http"})
	for name, want := range map[string]any{
		"PATH_INFO": "/environ", "SCRIPT_NAME": "", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_SOFTWARE": "modgw",
		"QUERY_STRING": "", "REMOTE_ADDR": "", "CONTENT_LENGTH": nil, "CONTENT_TYPE": nil, "REMOTE_USER": nil, "HTTP_HOST": nil,
	} {
		if got := environ[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestHugeHeadIsRefused(t *testing.T) {
	t.Parallel()
	a := serve(t, echo)
	r := httptest.NewRequest("GET", "/environ", nil)
	w := httptest.NewRecorder()
	a.runner.ServeHTTP(w, r.WithContext(modgw.WithRequestInfo(r.Context(), &modgw.RequestInfo{
		PathInfo: "/environ", Variables: map[string]string{"BIG": strings.Repeat("x", 1<<20)},
	})))
	if w.Code != 431 {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	faulttest.Want(t, a.log.String(), "MGW-APP-017")
	if got := a.get("/early"); got.status != 200 {
		t.Errorf("afterwards: %d", got.status)
	}
}

func TestBodiesOfAllSizesArriveWhole(t *testing.T) {
	t.Parallel()
	a := serve(t, echo)
	for _, size := range []int{0, 1, relay.AheadSize - 1, relay.AheadSize, relay.AheadSize + 1, 300_000, 3_000_000} {
		data := bytes.Repeat([]byte("0123456789abcdef!"), size/17+1)[:size]
		sum := sha256.Sum256(data)
		want := itoa(size) + " " + hex.EncodeToString(sum[:]) + " "
		if got := a.do("POST", "/", bytes.NewReader(data)); got.body != want+itoa(size) && !(size == 0 && strings.HasPrefix(got.body, want)) {
			t.Errorf("%d bytes: %d %q, %v", size, got.status, got.body, got.err)
		}
		// A reader of unknown length is sent in chunks.
		got := a.do("POST", "/", io.MultiReader(bytes.NewReader(data)))
		length := " None"
		if size < relay.AheadSize {
			length = " " + itoa(size) // all of it had arrived before the app was called
		}
		if size > 0 && got.body != strings.TrimSuffix(want, " ")+length {
			t.Errorf("%d bytes in chunks: %d %q, %v", size, got.status, got.body, got.err)
		}
	}
}

func TestBodyOverTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	a := serve(t, echo, func(d *modgw.Descriptor) { d.Limits.Body = 100_000 })
	data := make([]byte, 100_001)
	for name, body := range map[string]io.Reader{
		"with Content-Length": bytes.NewReader(data),
		"in chunks":           io.MultiReader(bytes.NewReader(data[:70_000]), gate{a, "reading"}, bytes.NewReader(data[70_000:])),
	} {
		if got := a.do("POST", "/", body); got.status != 413 {
			t.Errorf("%s: %d %q, %v", name, got.status, got.body, got.err)
		}
	}
	if got := a.do("POST", "/", bytes.NewReader(data[:100_000])); got.status != 200 {
		t.Errorf("at the limit: %d %q, %v", got.status, got.body, got.err)
	}
	if !exists(a.path("error")) {
		t.Error("the app did not learn that its body was cut")
	}
	faulttest.Want(t, a.log.String(), "MGW-APP-015")
}

// gate is an empty part of a body that ends when the file of that name exists in the app's root.
type gate struct {
	*app
	name string
}

func (g gate) Read([]byte) (int, error) {
	g.eventually(g.name, func() bool { return exists(g.path(g.name)) })
	return 0, io.EOF
}

// raw returns a connection on which the test has sent request.
func (a *app) raw(request string) *net.TCPConn {
	a.Helper()
	conn, err := net.Dial("tcp", a.server.Listener.Addr().String())
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		a.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

func TestSlowUploadHoldsNoWorker(t *testing.T) {
	t.Parallel()
	a := serve(t, echo, withWorkers(1, 1))
	conn := a.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234")
	if got := a.get("/early"); got.status != 200 {
		t.Errorf("beside it: %d %q, %v", got.status, got.body, got.err)
	}
	if exists(a.path("reading")) {
		t.Error("the app was asked before the body was there")
	}
	if _, err := io.WriteString(conn, "56789"); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 200" {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestShortBodyIsNeverComplete(t *testing.T) {
	t.Parallel()
	a := serve(t, echo)
	conn := a.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234")
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	a.eventually("refusal", func() bool {
		return a.log.Count("code=MGW-APP-016") == 1 && faulttest.Has(a.log.String(), "MGW-APP-016")
	})
	if exists(a.path("reading")) {
		t.Error("the app saw it")
	}
}

func TestClientGoneInUploadIsAnErrorForTheApp(t *testing.T) {
	t.Parallel()
	a := serve(t, echo)
	conn := a.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 200_000))
	a.eventually("app", func() bool { return exists(a.path("reading")) })
	conn.Close()
	a.eventually("error", func() bool { return exists(a.path("error")) })
	if got := a.get("/early"); got.status != 200 {
		t.Errorf("afterwards: %d %q, %v", got.status, got.body, got.err)
	}
}

func TestEarlyResponseToAClientThatStillSends(t *testing.T) {
	t.Parallel()
	a := serve(t, echo)
	for _, path := range []string{"/early", "/one"} {
		// The body never ends; only a host that does not wait for it answers.
		conn := a.raw("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 100_000))
		answer := make([]byte, 12)
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 200" {
			t.Errorf("%s: got %q, %v", path, answer, err)
		}
	}
	if got := a.do("POST", "/", strings.NewReader("next")); !strings.HasPrefix(got.body, "4 ") {
		t.Errorf("afterwards: %d %q, %v", got.status, got.body, got.err)
	}
}

func TestClientGoneIsToldToTheApp(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    if environ["PATH_INFO"] == "/next":
        return ok(start_response, "next")
    start_response("200 OK", [])
    def pieces():
        try:
            for i in range(100000):
                yield b"x" * 1000
                touch("begun")
                time.sleep(0.001)
        finally:
            touch("closed")
    return pieces()
`, withWorkers(1, 1))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", a.server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, response.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("read: %v", err)
	}
	response.Body.Close()
	a.eventually("close of the iterable", func() bool { return exists(a.path("closed")) })
	if got := a.get("/next"); got.body != "next" {
		t.Errorf("afterwards: %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("free connection", func() bool { return a.runner.Status().Busy == 0 })
}
