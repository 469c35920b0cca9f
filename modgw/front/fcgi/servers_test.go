package fcgi

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// demo is a small app that gets the same requests from all web servers.
func demo(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	switch {
	case strings.HasPrefix(info.Path, "/info"):
		fmt.Fprintf(w, "%s %s %s %s %s", r.Method, info.Path, info.RawTarget, r.URL.RawQuery, info.RemoteAddr)
	case info.Path == "/echo":
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d %v", len(body), err)
	case info.Path == "/cookies":
		fmt.Fprint(w, r.Header.Get("Cookie"))
	case info.Path == "/header":
		fmt.Fprintf(w, "%q %q", r.Header["X-Mine"], r.Header["Proxy"])
	case info.Path == "/large":
		w.Write(bytes.Repeat([]byte("0123456789abcdef"), 1<<16))
	case info.Path == "/status":
		w.Header().Set("ETag", `"1"`)
		w.WriteHeader(http.StatusTeapot)
	case info.Path == "/moved":
		w.Header().Set("Location", "/there")
		if status, err := strconv.Atoi(r.URL.RawQuery); err == nil {
			w.WriteHeader(status)
		}
	case info.Path == "/overload":
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
	case info.Path == "/cutlength":
		w.Header().Set("Content-Length", "200000")
		fallthrough
	case info.Path == "/cut":
		io.WriteString(w, strings.Repeat("x", 100000))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case info.Path == "/cutsoon":
		w.Header().Set("Content-Length", "200")
		io.WriteString(w, strings.Repeat("x", 100))
		w.(http.Flusher).Flush()
		io.WriteString(w, strings.Repeat("y", 99))
		panic(http.ErrAbortHandler)
	case info.Path == "/failsoon":
		io.WriteString(w, "first")
		panic(http.ErrAbortHandler)
	case info.Path == "/short":
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "one short")
	case info.Path == "/panic":
		panic("oops")
	case info.Path == "/longheader":
		w.Header().Set("X-Long", strings.Repeat("v", 8100))
	case info.Path == "/hints":
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "final")
	case info.Path == "/refuse":
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	}
}

// Limitations of some web servers, regardless of the server behind them; see docs/fronts.md.
const (
	cannotCut   = "pass on that a response without a length is not complete"
	cannotChunk = "pass on a long chunked body"
	cannotEarly = "go on using a connection after an early response"
)

// askAll sends a web server in front of demo all requests whose results must be the same behind all
// web servers.
func askAll(t *testing.T, url string, cannot ...string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: watchtest.Patience}
	defer client.CloseIdleConnections()
	ask := func(method, path string, header http.Header, body io.Reader) (int, http.Header, string, error) {
		t.Helper()
		r, err := http.NewRequest(method, url+path, body)
		if err != nil {
			t.Fatal(err)
		}
		if header != nil {
			r.Header = header
		}
		resp, err := client.Do(r)
		if err != nil {
			return 0, nil, "", err
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		return resp.StatusCode, resp.Header, string(data), err
	}
	want := func(method, path string, header http.Header, body io.Reader, status int, text string) http.Header {
		t.Helper()
		got, h, data, err := ask(method, path, header, body)
		if got != status || data != text || err != nil {
			t.Errorf("%s %s: %d %.200q %v, want %d %.200q", method, path, got, data, err, status, text)
		}
		return h
	}
	want("GET", "/info/b%20c?x=1&y=%20", nil, nil, 200, "GET /info/b c /info/b%20c?x=1&y=%20 x=1&y=%20 127.0.0.1")
	want("GET", "/info/%C3%A9?", nil, nil, 200, "GET /info/é /info/%C3%A9?  127.0.0.1")
	want("DELETE", "/info", nil, nil, 200, "DELETE /info /info  127.0.0.1")
	want("POST", "/echo", nil, strings.NewReader(""), 200, "0 <nil>")
	want("POST", "/echo", nil, strings.NewReader("hello"), 200, "5 <nil>")
	want("POST", "/echo", nil, strings.NewReader(strings.Repeat("b", 1_200_000)), 200, "1200000 <nil>")
	want("POST", "/echo", nil, io.MultiReader(strings.NewReader("chunked")), 200, "7 <nil>")
	if !slices.Contains(cannot, cannotChunk) {
		want("POST", "/echo", nil, io.MultiReader(strings.NewReader(strings.Repeat("c", 300_000))), 200, "300000 <nil>")
	}
	want("GET", "/header", http.Header{"X-Mine": {"1"}, "Proxy": {"http://evil/"}}, nil, 200, `["1"] []`)
	want("GET", "/large", nil, nil, 200, strings.Repeat("0123456789abcdef", 1<<16))
	want("GET", "/status", http.Header{"If-None-Match": {`"1"`}}, nil, 418, "")
	want("GET", "/hints", nil, nil, 200, "final")
	want("HEAD", "/large", nil, nil, 200, "")
	for _, status := range []int{200, 201, 202, 300, 301, 303, 307, 308, 404} {
		h := want("GET", fmt.Sprint("/moved?", status), nil, nil, status, "")
		if !strings.HasSuffix(h.Get("Location"), "/there") {
			t.Errorf("status %d: Location %q", status, h.Get("Location"))
		}
	}
	if h := want("GET", "/moved", nil, nil, 302, ""); !strings.HasSuffix(h.Get("Location"), "/there") {
		t.Errorf("Location %q", h.Get("Location"))
	}
	if h := want("GET", "/overload", nil, nil, 503, ""); h.Get("Retry-After") != "5" {
		t.Errorf("Retry-After %q", h.Get("Retry-After"))
	}
	for path, status := range map[string]int{
		"/panic": 500, "/longheader": 500, "/failsoon": 500, "/short": 500,
	} {
		if got, _, data, err := ask("GET", path, nil, nil); got != status || !strings.Contains(data, "Internal Server Error") || err != nil {
			t.Errorf("GET %s: %d %q %v", path, got, data, err)
		}
	}
	for range 3 {
		client.Timeout = 2 * time.Second // nginx makes the client wait for the rest
		sent := strings.Repeat("x", 100) + strings.Repeat("y", 99)
		got, _, data, err := ask("GET", "/cutsoon", nil, nil)
		if err == nil || got != 200 || data != sent {
			t.Errorf("GET /cutsoon: %d with %d bytes and then %v", got, len(data), err)
		}
		client.Timeout = 30 * time.Second
	}
	for _, path := range []string{"/cut", "/cutlength"} {
		if path == "/cut" && slices.Contains(cannot, cannotCut) {
			continue
		}
		client.Timeout = 2 * time.Second // nginx makes the client wait for the rest
		if got, _, data, err := ask("GET", path, nil, nil); err == nil {
			t.Errorf("GET %s: %d with %d bytes looks complete", path, got, len(data))
		}
		client.Timeout = 30 * time.Second
	}
	if !slices.Contains(cannot, cannotEarly) {
		if got, _, data, err := ask("POST", "/refuse", nil, strings.NewReader(strings.Repeat("b", 3<<20))); got != 413 {
			t.Errorf("POST /refuse: %d %q %v", got, data, err)
		}
	}
	// a server may be closing one of them after the previous requests
	client.CloseIdleConnections()
	var together sync.WaitGroup
	for i := range 20 {
		together.Go(func() {
			text := strings.Repeat("x", i*1000)
			if got, _, data, err := ask("POST", "/echo", nil, strings.NewReader(text)); got != 200 || data != fmt.Sprintf("%d <nil>", len(text)) {
				t.Errorf("request %d of many: %d %q %v", i, got, data, err)
			}
		})
	}
	together.Wait()
}

func TestBehindApache(t *testing.T) {
	for name, parameters := range map[string]string{"plain": "", "reuse": "enablereuse=on flushpackets=on"} {
		t.Run(name, func(t *testing.T) {
			apache := behindApache(t, handle(demo), parameters, "KeepAliveTimeout 1\nProxyTimeout 20\n")
			askAll(t, apache.URL)
			r, _ := http.NewRequest("GET", apache.URL+"/cookies", nil)
			r.Header["Cookie"] = []string{"a=1", "b=2"}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, _ := io.ReadAll(resp.Body); string(body) != "a=1; b=2" {
				t.Errorf("cookies: %q", body)
			}
			http.DefaultClient.CloseIdleConnections()
		})
	}
}

func TestBehindNginx(t *testing.T) {
	for name, conf := range map[string]string{
		"plain":    "location / { fastcgi_pass unix:%s; client_max_body_size 0;" + fronttest.FastCGIParams + "}",
		"keep":     "location / { fastcgi_pass unix:%s; fastcgi_keep_conn on; client_max_body_size 0;" + fronttest.FastCGIParams + "}",
		"streamed": "location / { fastcgi_pass unix:%s; fastcgi_request_buffering off; fastcgi_buffering off; client_max_body_size 0;" + fronttest.FastCGIParams + "}",
	} {
		t.Run(name, func(t *testing.T) {
			nginx := fronttest.StartNginx(t, fmt.Sprintf(conf, serve(t, handle(demo))))
			askAll(t, nginx.URL, cannotCut)
		})
	}
}

func TestBehindLighttpd(t *testing.T) {
	lighttpd := fronttest.StartLighttpd(t, fmt.Sprintf(
		`fastcgi.server = ("/" => (("socket" => %q, "check-local" => "disable", "fix-root-scriptname" => "enable")))`, serve(t, handle(demo))))
	askAll(t, lighttpd.URL, cannotCut)
}

func TestBehindMultiplexingHAProxy(t *testing.T) {
	haproxy := fronttest.StartHAProxy(t, fmt.Sprintf(`
fcgi-app app
  docroot /srv
  path-info ^(/)(.*)$
  option keep-conn
  option get-values
  option mpxs-conns
backend app
  http-reuse always
  use-fcgi-app app
  server s unix@%s proto fcgi
`, serve(t, handle(demo))))
	askAll(t, haproxy.URL, cannotChunk, cannotEarly)
}

func TestBehindCgiFcgi(t *testing.T) {
	program := fronttest.Require(t, "cgi-fcgi", "libfcgi-bin")
	cmd := exec.Command(program, "-bind", "-connect", serve(t, handle(demo)))
	cmd.Env = append(os.Environ(), "REQUEST_METHOD=POST", "SCRIPT_NAME=/echo", "REQUEST_URI=/echo", "CONTENT_LENGTH=5")
	cmd.Stdin = strings.NewReader("hello")
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), "Status: 200 OK\r\n") || !strings.HasSuffix(string(out), "\r\n\r\n5 <nil>") {
		t.Errorf("%q, %v", out, err)
	}
}
