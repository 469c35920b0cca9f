package scgi_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
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
	case info.Path == "/header":
		fmt.Fprintf(w, "%q %q %q", r.Header["X-Mine"], r.Header["Proxy"], r.Header["Authorization"])
	case info.Path == "/large":
		w.Write(bytes.Repeat([]byte("0123456789abcdef"), 1<<16))
	case info.Path == "/status":
		w.Header().Set("ETag", `"1"`)
		w.WriteHeader(http.StatusTeapot)
	case info.Path == "/moved":
		w.Header().Set("Location", "/there")
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
	case info.Path == "/slow":
		select {
		case <-r.Context().Done():
			io.WriteString(w, "the client seems to have gone")
		case <-time.After(100 * time.Millisecond):
			io.WriteString(w, "done")
		}
	case info.Path == "/refuse":
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	}
}

// Limitations of some web servers, regardless of the server behind them; see docs/fronts.md.
const (
	cannotCut       = "pass on that a response without a length is not complete"
	cannotCutLength = "pass on that a response with a length is not complete"
	cannotChunk     = "pass on a chunked body"
	cannotEarly     = "deliver an early response to an upload"
)

// askAll sends a web server in front of demo all requests whose results must be the same behind all
// web servers.
func askAll(t *testing.T, url string, cannot ...string) {
	t.Helper()
	can := func(what string) bool { return !slices.Contains(cannot, what) }
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
	want("GET", "/info/", nil, nil, 200, "GET /info/ /info/  127.0.0.1")
	want("DELETE", "/info", nil, nil, 200, "DELETE /info /info  127.0.0.1")
	want("POST", "/echo", nil, strings.NewReader(""), 200, "0 <nil>")
	want("POST", "/echo", nil, strings.NewReader("hello"), 200, "5 <nil>")
	want("POST", "/echo", nil, strings.NewReader(strings.Repeat("b", 1_200_000)), 200, "1200000 <nil>")
	if can(cannotChunk) {
		want("POST", "/echo", nil, io.MultiReader(strings.NewReader("chunked")), 200, "7 <nil>")
		want("POST", "/echo", nil, io.MultiReader(strings.NewReader(strings.Repeat("c", 300_000))), 200, "300000 <nil>")
	} else if got, _, _, err := ask("POST", "/echo", nil, io.MultiReader(strings.NewReader("chunked"))); got != 411 || err != nil {
		t.Errorf("POST in chunks: %d %v, want 411", got, err)
	}
	want("GET", "/header", http.Header{"X-Mine": {"1"}, "Proxy": {"http://evil/"}, "Authorization": {"Bearer x"}}, nil, 200, `["1"] [] ["Bearer x"]`)
	want("GET", "/large", nil, nil, 200, strings.Repeat("0123456789abcdef", 1<<16))
	want("GET", "/status", http.Header{"If-None-Match": {`"1"`}}, nil, 418, "")
	want("GET", "/hints", nil, nil, 200, "final")
	want("HEAD", "/large", nil, nil, 200, "")
	want("GET", "/slow", nil, nil, 200, "done")
	want("POST", "/slow", nil, strings.NewReader("hello"), 200, "done")
	if h := want("GET", "/moved", nil, nil, 302, ""); !strings.HasSuffix(h.Get("Location"), "/there") {
		t.Errorf("Location %q", h.Get("Location"))
	}
	if h := want("GET", "/overload", nil, nil, 503, ""); h.Get("Retry-After") != "5" {
		t.Errorf("Retry-After %q", h.Get("Retry-After"))
	}
	for _, path := range []string{"/panic", "/longheader"} {
		if got, _, data, err := ask("GET", path, nil, nil); got != 500 || !strings.Contains(data, "Internal Server Error") || err != nil {
			t.Errorf("GET %s: %d %q %v", path, got, data, err)
		}
	}
	client.Timeout = 2 * time.Second // nginx makes the client wait for the rest
	for path, what := range map[string]string{"/cut": cannotCut, "/cutlength": cannotCutLength} {
		if got, _, data, err := ask("GET", path, nil, nil); err == nil && can(what) {
			t.Errorf("GET %s: %d with %d bytes looks complete", path, got, len(data))
		}
	}
	client.Timeout = 30 * time.Second
	if can(cannotEarly) {
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

func TestBehindNginx(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		for name, settings := range map[string]string{"plain": "", "streamed": "NAME_request_buffering off; NAME_buffering off;"} {
			t.Run(name, func(t *testing.T) {
				conf := "location / { NAME_pass unix:" + p.serve(t, handle(demo)) + "; client_max_body_size 0;" + settings + nginxParams + "}"
				nginx := fronttest.StartNginx(t, strings.ReplaceAll(conf, "NAME", p.name))
				askAll(t, nginx.URL, cannotCut)
			})
		}
		t.Run("tcp", func(t *testing.T) {
			conf := "location / { NAME_pass " + p.serveTCP(t, handle(demo)) + "; client_max_body_size 0;" + nginxParams + "}"
			nginx := fronttest.StartNginx(t, strings.ReplaceAll(conf, "NAME", p.name))
			askAll(t, nginx.URL)
		})
	})
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("GET %s: %v", url, err)
	}
	return string(body)
}

// nginxParams are the variables that Debian's uwsgi_params and scgi_params files set.
const nginxParams = `
    NAME_param QUERY_STRING $query_string; NAME_param REQUEST_METHOD $request_method; NAME_param CONTENT_TYPE $content_type;
    NAME_param CONTENT_LENGTH $content_length; NAME_param REQUEST_URI $request_uri; NAME_param PATH_INFO $document_uri;
    NAME_param DOCUMENT_ROOT $document_root; NAME_param SERVER_PROTOCOL $server_protocol; NAME_param REQUEST_SCHEME $scheme;
    NAME_param HTTPS $https if_not_empty; NAME_param REMOTE_ADDR $remote_addr; NAME_param REMOTE_PORT $remote_port;
    NAME_param SERVER_PORT $server_port; NAME_param SERVER_NAME $server_name;
`

func TestBehindApache(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		cannot := []string{cannotChunk, cannotCut}
		if p.name == "scgi" {
			cannot = append(cannot, cannotCutLength)
		}
		conf := "ProxyTimeout 20\n<Location />\nCGIPassAuth On\n</Location>\nProxyPass / "
		t.Run("unix", func(t *testing.T) {
			apache := fronttest.StartApache(t, conf+fmt.Sprintf("\"unix:%s|%s://app/\"\n", p.serve(t, handle(demo)), p.name))
			askAll(t, apache.URL, cannot...)
		})
		t.Run("tcp", func(t *testing.T) {
			apache := fronttest.StartApache(t, conf+fmt.Sprintf("%s://%s/\n", p.name, p.serveTCP(t, handle(demo))))
			askAll(t, apache.URL, cannot...)
		})
		t.Run("mount", func(t *testing.T) {
			apache := fronttest.StartApache(t, fmt.Sprintf("ProxyPass /info/ \"unix:%s|%s://app/\"\n", p.serve(t, handle(demo)), p.name))
			for path, want := range map[string]string{"/info/": "GET /info/ /info/", "/info/b%20c": "GET /info/b c /info/b%20c"} {
				if answer := get(t, apache.URL+path); !strings.HasPrefix(answer, want+" ") {
					t.Errorf("GET %s: %q, want %q", path, answer, want)
				}
			}
		})
	})
}

func TestBehindLighttpd(t *testing.T) {
	p := protocols[1]
	lighttpd := fronttest.StartLighttpd(t, fmt.Sprintf(
		`scgi.server = ("/" => (("socket" => %q, "check-local" => "disable", "fix-root-scriptname" => "enable")))`, p.serve(t, handle(demo))))
	askAll(t, lighttpd.URL, cannotCut)
}

func TestClientThatGoesIsNoticedBehindNginx(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		entered, left := make(chan struct{}), make(chan struct{})
		socket := p.serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
			close(left)
		}))
		nginx := fronttest.StartNginx(t, strings.ReplaceAll("location / { NAME_pass unix:"+socket+";"+nginxParams+"}", "NAME", p.name))
		conn := dial(t, nginx.Addr)
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-entered
		conn.Close()
		<-left
	})
}
