package export_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/front"
	"github.com/modgw/modgw/modgw/front/fcgi"
	fronthttp "github.com/modgw/modgw/modgw/front/http"
	"github.com/modgw/modgw/modgw/front/scgi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// largeSize is more than all sockets between an app and a client hold.
const largeSize = 32 << 20

// teller is an app that answers with its view of the request, streams, and takes over connections.
type teller struct {
	modgw.RunnerConfig
	next chan struct{}
}

func (a teller) Start(context.Context) error { return nil }
func (a teller) Stop(context.Context)        {}
func (a teller) Status() modgw.RunnerStatus  { return modgw.RunnerStatus{} }

func (a teller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	switch {
	case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		conn, stream, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fronttest.SwitchToWebSocket(stream, r)
		fmt.Fprintf(stream, "%s %s %s %s\n", a.Descriptor.Name, info.RawTarget, info.Scheme, info.RemoteAddr)
		stream.Flush()
		io.Copy(conn, stream)
	case strings.HasSuffix(info.Path, "/events"):
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			<-a.next
		}
	case strings.HasSuffix(info.Path, "/large"):
		w.Header().Set("Content-Length", fmt.Sprint(largeSize))
		for range largeSize >> 20 {
			w.Write(make([]byte, 1<<20))
		}
		a.next <- struct{}{}
	case strings.HasSuffix(info.Path, "/now"):
		fmt.Fprint(w, time.Now().UnixNano())
	case strings.HasSuffix(info.Path, "/certificate"):
		v := info.Variables
		fmt.Fprintf(w, "%t %t %q %q %q %q", v["SSL_PROTOCOL"] != "", v["SSL_CIPHER"] != "", v["SSL_CLIENT_S_DN"], v["SSL_CLIENT_S_DN_CN"], v["SSL_CLIENT_I_DN"], v["SSL_CLIENT_M_SERIAL"])
	case strings.HasSuffix(info.Path, "/headers"):
		fmt.Fprintf(w, "%s %s %s", info.Scheme, info.RemoteAddr, r.Host)
		for name := range r.Header {
			if strings.Contains(name, "Forwarded") || strings.Contains(name, "Real") {
				fmt.Fprintf(w, " %s=%s", name, r.Header.Get(name))
			}
		}
	default:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprintf(w, "%s %s|%s %s %d", a.Descriptor.Name, info.ScriptName, info.PathInfo, info.RawTarget, len(body))
	}
}

// gateway returns a gateway whose apps are tellers.
func gateway(t *testing.T, apps []modgw.Descriptor, next chan struct{}) *modgw.Gateway {
	t.Helper()
	runner := func(c modgw.RunnerConfig) (modgw.Runner, error) { return teller{c, next}, nil }
	g := modgw.New(modgw.Config{Runners: map[modgw.Kind]modgw.NewRunner{modgw.KindWSGI: runner, modgw.KindASGI: runner}})
	t.Cleanup(func() { g.Close(context.Background()) })
	for _, d := range apps {
		if err := g.Deploy(t.Context(), d, "test"); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// serve runs a front of a kind for the gateway on a Unix socket that everyone may open, until the
// test ends. It trusts proxies.
func serve(t *testing.T, kind string, g *modgw.Gateway, proxies ...netip.Prefix) modgw.Listener {
	t.Helper()
	path := filepath.Join(fronttest.Dir(t), kind)
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	var server interface {
		Serve(context.Context, net.Listener) error
	}
	common := front.Config{Handler: g, TrustedProxies: proxies, DrainTimeout: time.Second}
	switch kind {
	case "fastcgi":
		server = fcgi.New(fcgi.Config{Config: common})
	case "http":
		server = fronthttp.New(fronthttp.Config{Handler: g, TrustedProxies: proxies, DrainTimeout: time.Second, TrustUnix: true})
	case "uwsgi":
		server = scgi.NewUWSGI(common)
	case "scgi":
		server = scgi.New(common)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return modgw.Listener{Kind: kind, Address: modgw.Address("unix:" + path)}
}

// behind starts the target's server with its generated configuration.
func behind(t *testing.T, server target, apps []modgw.Descriptor, listeners ...modgw.Listener) *fronttest.Server {
	t.Helper()
	options := export.Options{}
	if server.name == "nginx" {
		options = export.Options{Address: "127.0.0.1", Port: fronttest.FreePort(t)}
	}
	conf, err := server.write(apps, listeners, options)
	if err != nil {
		t.Fatal(err)
	}
	if server.name == "nginx" {
		return fronttest.StartNginxSites(t, options.Port, string(conf))
	}
	return fronttest.StartLighttpd(t, string(conf))
}

func app(name string, mount modgw.MountPath, hosts ...string) modgw.Descriptor {
	return modgw.Descriptor{Name: modgw.AppName(name), Mount: mount, Hosts: hosts, Kind: modgw.KindWSGI, Timeouts: modgw.Timeouts{Request: time.Minute}}
}

// matching returns an app that answers some paths below its mount.
func matching(name string, mount modgw.MountPath, match string) modgw.Descriptor {
	d := app(name, mount)
	d.MountMatch = match
	return d
}

// ask sends a request for a target exactly as it is written.
func ask(t *testing.T, url, host, target string, header http.Header, body io.Reader) (int, string) {
	t.Helper()
	method := "GET"
	if body != nil {
		method = "POST"
	}
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = target
	if header != nil {
		r.Header = header
	}
	if host != "" {
		r.Host = host
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// eachWay runs a test for each server and each kind of listener that it can use.
func eachWay(t *testing.T, test func(t *testing.T, server target, kind string)) {
	for _, server := range targets {
		for _, kind := range []string{"fastcgi", "http", "uwsgi", "scgi"} {
			t.Run(server.name+" "+kind, func(t *testing.T) { test(t, server, kind) })
		}
	}
}

func TestRequestsReachTheAppThatTheGatewayWouldChoose(t *testing.T) {
	root := fronttest.Dir(t)
	files := filepath.Join(root, "my files")
	if err := os.Mkdir(files, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"my files/site.css": "css", "secret": "secret", "my files/index.html": "index", "my files/.env": "secret",
		"my files/site.css~": "secret", "my files/code.php": "secret",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(root, "secret"), filepath.Join(files, "link")); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // a link that another user made
		if err := os.Lchown(filepath.Join(files, "link"), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	blog := app("blog", "/blog")
	blog.Aliases = []modgw.Alias{{Path: "/static", Dir: files, Files: modgw.Files{Index: []string{"index.html"}, Cache: "max-age=60"}}}
	apps := []modgw.Descriptor{
		app("root", "/"), blog, app("api", "/blog/api.v1"), app("deep", "/blog/static/app"),
		app("main", "/", "example.com"), app("shop", "/shop", "example.com", "www.example.com"),
		matching("wiki", "/trac", "/[^/]+"), matching("pages", "/", `/.*\.md`), matching("quoted", "/q", `/"[\\"]`),
		app("tenants", "/", "*.example.com"), app("eu", "/", "*.eu.example.com"), app("only", "/only", "only.org"),
	}
	eachWay(t, func(t *testing.T, server target, kind string) {
		s := behind(t, server, apps, serve(t, kind, gateway(t, apps, nil)))
		for _, c := range []struct{ host, target, want string }{
			{"", "/", "root |/ / 0"},
			{"", "/x/y?a=b", "root |/x/y /x/y?a=b 0"},
			{"", "/blog", "blog /blog| /blog 0"},
			{"", "/blog/", "blog /blog|/ /blog/ 0"},
			{"", "/blog/a%20b", "blog /blog|/a b /blog/a%20b 0"},
			{"", "/blog/%C3%A9", "blog /blog|/é /blog/%C3%A9 0"},
			{"", "/blogx", "root |/blogx /blogx 0"},
			{"", "/blog/api.v1/1", "api /blog/api.v1|/1 /blog/api.v1/1 0"},
			{"", "/blog/apixv1", "blog /blog|/apixv1 /blog/apixv1 0"},
			{"", "/blog/static/site.css", "css"},
			{"", "/blog/static/", "index"},
			{"", "/blog/static/app/x", "deep /blog/static/app|/x /blog/static/app/x 0"},
			{"", "/blog/static", "blog /blog|/static /blog/static 0"},
			{"", "/blog/static/../../x", "root |/x /x 0"},
			{"", "/trac/one/x%20y", "wiki /trac/one|/x y /trac/one/x%20y 0"},
			{"", "/trac/one", "wiki /trac/one| /trac/one 0"},
			{"", "/trac", "root |/trac /trac 0"},
			{"", "/tracker/one", "root |/tracker/one /tracker/one 0"},
			{"", "/a/b.md", "pages /a/b.md| /a/b.md 0"},
			{"", "/a/b.md/more", "pages /a/b.md|/more /a/b.md/more 0"},
			{"", "/a/b.mdx", "root |/a/b.mdx /a/b.mdx 0"},
			{"", "/q/%22%22", `quoted /q/""| /q/%22%22 0`},
			{"", "/blog/b.md", "blog /blog|/b.md /blog/b.md 0"},
			{"example.com", "/", "main |/ / 0"},
			{"EXAMPLE.com:8000", "/shop/1", "shop /shop|/1 /shop/1 0"},
			{"example.com", "/blog", "main |/blog /blog 0"},
			{"www.example.com", "/blog", "tenants |/blog /blog 0"},
			{"a.b.example.com", "/x", "tenants |/x /x 0"},
			{"a.eu.example.com", "/x", "eu |/x /x 0"},
			{"only.org", "/only", "only /only| /only 0"},
			{"only.org", "/else", "root |/else /else 0"},
			{"other.org", "/", "root |/ / 0"},
		} {
			status, body := ask(t, s.URL, c.host, c.target, nil, nil)
			// A server that does not change the path passes it on as the client wrote it.
			if c.target == "/blog/static/../../x" {
				body = strings.Replace(body, " /blog/static/../../x ", " /x ", 1)
			}
			if status != 200 || body != c.want {
				t.Errorf("%s%s: %d %q, want %q", c.host, c.target, status, body, c.want)
			}
		}
		for _, target := range []string{
			"/blog/static/none", "/blog/static/link", "/blog/static/.env", "/blog/static/%2Eenv", "/blog/static/site.css~", "/blog/static/code.php",
		} {
			if status, body := ask(t, s.URL, "", target, nil, nil); status != 404 && status != 403 {
				t.Errorf("%s: %d %q", target, status, body)
			}
		}
	})
}

func TestBodiesAreTakenUpToTheLimit(t *testing.T) {
	small := app("small", "/small")
	small.Limits.Body = 64 << 10
	apps := []modgw.Descriptor{app("root", "/"), small}
	eachWay(t, func(t *testing.T, server target, kind string) {
		s := behind(t, server, apps, serve(t, kind, gateway(t, apps, nil)))
		for _, c := range []struct {
			target string
			size   int
			want   int
		}{{"/", 1_200_000, 200}, {"/small", 64 << 10, 200}, {"/small", 64<<10 + 2048, 413}} {
			text := strings.Repeat("x", c.size)
			status, body := ask(t, s.URL, "", c.target, nil, strings.NewReader(text))
			if status != c.want || status == 200 && !strings.HasSuffix(body, fmt.Sprintf(" %d", c.size)) {
				t.Errorf("%d bytes to %s: %d %q", c.size, c.target, status, body)
			}
			if c.want != 200 {
				continue
			}
			status, body = ask(t, s.URL, "", c.target, nil, io.MultiReader(strings.NewReader(text)))
			if status != 200 || !strings.HasSuffix(body, fmt.Sprintf(" %d", c.size)) {
				t.Errorf("%d bytes in chunks to %s: %d %q", c.size, c.target, status, body)
			}
		}
	})
}

func TestOneURLCarriesStreamsAndWebSockets(t *testing.T) {
	chat := app("chat", "/chat")
	chat.Kind = modgw.KindASGI
	apps := []modgw.Descriptor{app("root", "/"), chat}
	eachWay(t, func(t *testing.T, server target, kind string) {
		next := make(chan struct{})
		g := gateway(t, apps, next)
		listeners := []modgw.Listener{serve(t, kind, g)}
		if kind != "http" {
			listeners = append(listeners, serve(t, "http", g))
		}
		s := behind(t, server, apps, listeners...)
		response, err := http.Get(s.URL + "/chat/events")
		if err != nil {
			t.Fatal(err)
		}
		defer http.DefaultClient.CloseIdleConnections()
		defer response.Body.Close()
		for i := range 3 { // each arrives before the app continues
			want := fmt.Sprintf("data: %d\n\n", i)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != want {
				t.Fatalf("%q, %v", got, err)
			}
			next <- struct{}{}
		}
		for _, target := range []string{"/chat", "/chat/events?a=b%20c", "/chat/a%20b"} {
			conn, err := net.Dial("tcp", s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(watchtest.Patience)); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: www.example.com\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 203.0.113.9\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", target)
			stream := bufio.NewReader(conn)
			resp, err := http.ReadResponse(stream, nil)
			if err != nil || resp.StatusCode != 101 {
				t.Errorf("%s: %v, %v", target, resp, err)
				continue
			}
			if line, err := stream.ReadString('\n'); line != "chat "+target+" http 127.0.0.1\n" {
				t.Errorf("%s: %q, %v", target, line, err)
			}
			fmt.Fprint(conn, "hello\n")
			if line, err := stream.ReadString('\n'); line != "hello\n" {
				t.Errorf("%s: %q, %v", target, line, err)
			}
		}
	})
}
