package apache_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/front"
	"github.com/modgw/modgw/modgw/front/fcgi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers with the host's view of a request.
func echo(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	text := fmt.Sprintf("%s %s %s", info.App, info.Path, info.RawTarget)
	if auth := r.Header.Get("Authorization"); auth != "" {
		text += " auth=" + auth
	}
	if len(body) > 0 {
		text += " body=" + string(body)
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	w.Header().Set("X-Start", r.Header.Get("X-Request-Start"))
	io.WriteString(w, text)
}

// serve runs the FastCGI front on a Unix socket that everyone may use, until the test ends.
func serve(t *testing.T, handler http.HandlerFunc) modgw.Listener {
	t.Helper()
	ln, address := listen(t)
	serveOn(t, ln, handler)
	return modgw.Listener{Kind: "fastcgi", Address: address}
}

// listen opens a Unix socket that everyone may use.
func listen(t *testing.T) (net.Listener, modgw.Address) {
	t.Helper()
	path := filepath.Join(fronttest.Dir(t), "sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	return ln, modgw.Address("unix:" + path)
}

func serveOn(t *testing.T, ln net.Listener, handler http.HandlerFunc) {
	t.Helper()
	runFront(t, ln, fcgi.New(fcgi.Config{Config: front.Config{Handler: handler, DrainTimeout: time.Second}}))
}

// runFront runs a front until the test ends.
func runFront(t *testing.T, ln net.Listener, server interface {
	Serve(context.Context, net.Listener) error
}) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// behind starts Apache with the configuration for apps.
func behind(t *testing.T, apps []modgw.Descriptor, listeners ...modgw.Listener) (server *fronttest.Server, url string) {
	t.Helper()
	port := fronttest.FreePort(t)
	conf, err := apache.Config(apps, listeners, apache.Options{Port: port})
	if err != nil {
		t.Fatal(err)
	}
	server = fronttest.StartApache(t, fmt.Sprintf("Listen 127.0.0.1:%d\n%s", port, conf))
	return server, fmt.Sprintf("http://127.0.0.1:%d", port)
}

func wsgi(name string, mount modgw.MountPath, hosts ...string) modgw.Descriptor {
	return modgw.Descriptor{Name: modgw.AppName(name), Mount: mount, Hosts: hosts, Kind: modgw.KindWSGI,
		Timeouts: modgw.Timeouts{Request: time.Minute}}
}

// ask sends a request to a host name through Apache.
func ask(t *testing.T, request *http.Request) (*http.Response, string) {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func get(t *testing.T, url, host string) (*http.Response, string) {
	t.Helper()
	request := httptest.NewRequest("GET", url, nil)
	request.RequestURI = ""
	if host != "" {
		request.Host = host
	}
	return ask(t, request)
}

func TestRequestsReachTheAppThatTheGatewayWouldChoose(t *testing.T) {
	listener := serve(t, echo)
	_, url := behind(t, []modgw.Descriptor{
		wsgi("root", "/"),
		wsgi("blog", "/blog"),
		wsgi("api", "/blog/api"),
		wsgi("main", "/", "example.com"),
		wsgi("shop", "/shop", "example.com", "www.example.com"),
		wsgi("tenants", "/", "*.example.com"),
		wsgi("eu", "/", "*.eu.example.com"),
		wsgi("Blog", "/UPPER"),
	}, listener)
	for _, tt := range []struct{ host, target, want string }{
		{"", "/", "root / /"},
		{"", "/x/y", "root /x/y /x/y"},
		{"", "/blog", "blog /blog /blog"},
		{"", "/blog/", "blog /blog/ /blog/"},
		{"", "/blog/a%20b?c=d", "blog /blog/a b /blog/a%20b?c=d"},
		{"", "/blogx", "root /blogx /blogx"},
		{"", "/blog.old", "root /blog.old /blog.old"},
		{"", "/blog/api", "api /blog/api /blog/api"},
		{"", "/blog/api/1", "api /blog/api/1 /blog/api/1"},
		{"", "/blog/apix", "blog /blog/apix /blog/apix"},
		{"", "/blog/a%2Fb", "blog /blog/a%2Fb /blog/a%2Fb"},
		{"", "/blog/%C3%A9%3B", "blog /blog/é; /blog/%C3%A9%3B"},
		{"", "/UPPER/x", "Blog /UPPER/x /UPPER/x"},
		{"", "/upper/x", "root /upper/x /upper/x"},
		{"other.org", "/blog/x", "blog /blog/x /blog/x"},
		{"example.com", "/", "main / /"},
		{"EXAMPLE.com:8000", "/shop/1", "shop /shop/1 /shop/1"},
		{"example.com", "/blog", "main /blog /blog"},
		{"www.example.com", "/shop", "shop /shop /shop"},
		{"www.example.com", "/blog", "tenants /blog /blog"},
		{"a.b.example.com", "/x", "tenants /x /x"},
		{"a.eu.example.com", "/x", "eu /x /x"},
	} {
		resp, body := get(t, url+tt.target, tt.host)
		if resp.StatusCode != 200 || body != tt.want {
			t.Errorf("%s%s: %s %q, want %q", tt.host, tt.target, resp.Status, body, tt.want)
		}
	}
}

func TestWhatAnAppExpectsComesThrough(t *testing.T) {
	listener := serve(t, echo)
	_, url := behind(t, []modgw.Descriptor{wsgi("blog", "/blog")}, listener)
	request, err := http.NewRequest("POST", url+"/blog/", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("me", "secret")
	before := time.Now().UnixMicro()
	resp, body := ask(t, request)
	if want := "blog /blog/ /blog/ auth=Basic bWU6c2VjcmV0 body=hello"; body != want {
		t.Errorf("got %q, want %q", body, want)
	}
	if resp.ContentLength != int64(len(body)) {
		t.Errorf("Content-Length %d", resp.ContentLength)
	}
	var start int64
	if _, err := fmt.Sscanf(resp.Header.Get("X-Start"), "t=%d", &start); err != nil || start < before {
		t.Errorf("X-Request-Start %q: %v", resp.Header.Get("X-Start"), err)
	}
	head, err := http.NewRequest("HEAD", url+"/blog/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, _ := ask(t, head); resp.ContentLength != int64(len("blog /blog/ /blog/")) {
		t.Errorf("HEAD: Content-Length %d", resp.ContentLength)
	}
	if resp, _ := get(t, url+"/elsewhere", ""); resp.StatusCode != 404 {
		t.Errorf("outside of all mounts: %s", resp.Status)
	}
}

func TestApacheServesTheFilesOfAliasesAndNothingMore(t *testing.T) {
	listener := serve(t, echo)
	root := fronttest.Dir(t)
	dir := filepath.Join(root, `my [files]* "q"`)
	for name, content := range map[string]string{"site.css": "css", "sub/a.txt": "text", "run.py": "#!/bin/sh\necho ran",
		"sub/index.html": "index", ".env": "secret", "sub/.git/config": "secret", "site.css~": "secret", "lib/code.php": "secret",
		"favicon.ico": "icon", ".well-known/security.txt": "contact"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "secret"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	blog := wsgi("blog", "/blog")
	blog.Aliases = []modgw.Alias{
		{Path: "/favicon.ico", File: filepath.Join(dir, "favicon.ico")},
		{Path: "/static", Dir: dir, Files: modgw.Files{Index: []string{"index.html"}, Cache: "max-age=60"}},
	}
	_, url := behind(t, []modgw.Descriptor{wsgi("root", "/"), blog}, listener)
	for target, want := range map[string]string{
		"/blog/static/site.css":                 "200 css",
		"/blog/static/sub/a.txt":                "200 text",
		"/blog/static/run.py":                   "200 #!/bin/sh\necho ran",
		"/blog/static/none":                     "404",
		"/blog/static/sub/":                     "200 index",
		"/blog/static/.env":                     "404",
		"/blog/static/%2eenv":                   "404",
		"/blog/static/sub/.git/config":          "404",
		"/blog/static/site.css~":                "404",
		"/blog/static/lib/code.php":             "404",
		"/blog/static/.well-known/security.txt": "200 contact",
		// The host has this file.
		"/blog/favicon.ico":        "200 blog /blog/favicon.ico /blog/favicon.ico",
		"/blog/static/":            "404",
		"/blog/static":             "200 blog /blog/static /blog/static",
		"/blog/staticx":            "200 blog /blog/staticx /blog/staticx",
		"/static/site.css":         "200 root /static/site.css /static/site.css",
		"/blog/static/../../x":     "200 root /x /blog/static/../../x",
		"/blog/static/%2e%2e/page": "200 blog /blog/page /blog/static/%2e%2e/page",
	} {
		resp, body := rawGet(t, url, target)
		got := fmt.Sprintf("%d %s", resp.StatusCode, body)
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
		if header := resp.Header; want == "200 css" && (header.Get("Cache-Control") != "max-age=60" ||
			header.Get("X-Content-Type-Options") != "nosniff" || header.Get("ETag") == "") {
			t.Errorf("%s has the headers %v", target, header)
		}
	}
}

// rawGet sends a target unchanged, including dots.
func rawGet(t *testing.T, url, target string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.URL.Opaque = target
	return ask(t, request)
}

func TestStreamsAreFlushed(t *testing.T) {
	next := make(chan struct{})
	listener := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			<-next
		}
	})
	_, url := behind(t, []modgw.Descriptor{wsgi("blog", "/")}, listener)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: watchtest.Patience}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for i := range 3 { // each arrives before the app continues
		want := fmt.Sprintf("data: %d\n\n", i)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v", got, err)
		}
		next <- struct{}{}
	}
}

func TestAResponseThatBreaksOffIsSeenByItsClient(t *testing.T) {
	listener := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	_, url := behind(t, []modgw.Descriptor{wsgi("blog", "/")}, listener)
	client := &http.Client{Transport: &http.Transport{}, Timeout: watchtest.Patience}
	defer client.CloseIdleConnections()
	begin := time.Now()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	t.Logf("after %s: %q, %v", time.Since(begin), body, err)
	if err == nil {
		t.Error("the client takes half a response for a whole one")
	}
}

func TestAHostThatComesBackIsUsedAtOnce(t *testing.T) {
	path := filepath.Join(fronttest.Dir(t), "f.sock")
	listener := modgw.Listener{Kind: "fastcgi", Address: modgw.Address("unix:" + path)}
	_, url := behind(t, []modgw.Descriptor{wsgi("blog", "/")}, listener)
	if resp, _ := get(t, url, ""); resp.StatusCode != 503 {
		t.Fatalf("without a host: %s", resp.Status)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	serveOn(t, ln, echo)
	if resp, _ := get(t, url, ""); resp.StatusCode != 200 {
		t.Errorf("with a host: %s", resp.Status)
	}
}

func TestTheHostIsReachedOverTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, ln, echo)
	port := ln.Addr().(*net.TCPAddr).Port
	_, url := behind(t, []modgw.Descriptor{wsgi("root", "/"), wsgi("blog", "/blog"), wsgi("blo", "/blo")},
		modgw.Listener{Kind: "fastcgi", Address: modgw.Address(fmt.Sprintf("0.0.0.0:%d", port))})
	for target, app := range map[string]string{"/x": "root", "/blog/x": "blog", "/blo/x": "blo"} {
		if _, body := get(t, url+target, ""); body != app+" "+target+" "+target {
			t.Errorf("%s: %q", target, body)
		}
	}
}

// loopback are proxies on this machine.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
