package apache_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
	fronthttp "github.com/modgw/modgw/modgw/front/http"
)

// TestEveryKindOfMountIsReached sends requests to apps at mounts of all kinds as a browser does:
// over TLS and HTTP/2, over HTTP/1, and with WebSockets, by every way in which a configuration can
// reach the host.
func TestEveryKindOfMountIsReached(t *testing.T) {
	var apps []modgw.Descriptor
	for i, mount := range []modgw.MountPath{"/", "/blog", "/blog/api", "/a.b", "/with space", "/café", "/ü b/ö", "/50%", "/a&b;c=d,e", "/~me", "/it's", `/q"q`, "/a:b@c", "/#"} {
		d := wsgi(fmt.Sprint("app", i), mount)
		d.Kind = modgw.KindASGI
		apps = append(apps, d)
	}
	for name, listeners := range map[string]func(t *testing.T) []modgw.Listener{
		"FastCGI":          func(t *testing.T) []modgw.Listener { return []modgw.Listener{serve(t, place)} },
		"FastCGI and HTTP": func(t *testing.T) []modgw.Listener { return []modgw.Listener{serve(t, place), serveHTTP(t, place)} },
		"HTTP":             func(t *testing.T) []modgw.Listener { return []modgw.Listener{serveHTTP(t, place)} },
		"HTTP over TCP":    func(t *testing.T) []modgw.Listener { return []modgw.Listener{serveTCP(t, place)} },
	} {
		t.Run(name, func(t *testing.T) {
			all := listeners(t)
			web := startTLS(t, apps, all, apache.Options{})
			for _, d := range apps {
				for _, path := range []string{"", "/", "/x", "/x y/é"} {
					if d.Mount == "/" && path == "" {
						continue
					}
					target := (&url.URL{Path: strings.TrimSuffix(string(d.Mount), "/") + path}).EscapedPath()
					want := strings.TrimSuffix(string(d.Mount), "/") + path
					if status, got := web.Get(t, "", target+"?q=1"); got != want+" q=1 https" {
						t.Errorf("%s: %d %q", target, status, got)
					}
					if name == "FastCGI" {
						continue
					}
					if status, got := web.Upgrade(t, "", target+"?q=1"); got != want+" q=1 https" {
						t.Errorf("%s, WebSocket: %d %q", target, status, got)
					}
					if status, got := web.Connect(t, "", target+"?q=1"); got != want+" q=1 https" {
						t.Errorf("%s, WebSocket over HTTP/2: %d %q", target, status, got)
					}
				}
			}
		})
	}
}

// TestPathsThatMatchReachTheirApp requests paths that a regular expression assigns to an app, and
// paths that share the app's mount.
func TestPathsThatMatchReachTheirApp(t *testing.T) {
	matching := func(name string, mount modgw.MountPath, match string) modgw.Descriptor {
		d := wsgi(name, mount)
		d.MountMatch = match
		return d
	}
	apps := []modgw.Descriptor{
		wsgi("root", "/"), wsgi("blog", "/blog"), matching("wiki", "/trac", "/[^/]+"),
		matching("pages", "/", `/.*\.md`), matching("quoted", "/q", `/"[\\"]`),
	}
	for name, listener := range map[string]modgw.Listener{"FastCGI": serve(t, echo), "HTTP": serveHTTP(t, echo)} {
		_, url := behind(t, apps, listener)
		for path, want := range map[string]string{
			"/trac/one/x%20y": "wiki /trac/one/x y", "/trac/one": "wiki /trac/one", "/trac": "root /trac",
			"/tracker/one": "root /tracker/one", "/a/b.md": "pages /a/b.md", "/a/b.md/more": "pages /a/b.md/more",
			"/a/bxmd": "root /a/bxmd", "/blog/b.md": "blog /blog/b.md", "/": "root /",
			"/q/%22%22/x": `quoted /q/""/x`, "/q/x": "root /q/x",
		} {
			_, body := get(t, url+path+"?q=1", "")
			if name == "HTTP" { // which has no name for the app
				_, want, _ = strings.Cut(want, " ")
				want = " " + want
			}
			if want += " " + path + "?q=1"; body != want {
				t.Errorf("%s: %s is %q, want %q", name, path, body, want)
			}
		}
	}
}

// place answers with the requested path, its query and the scheme; after an upgrade, in a line.
func place(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	text := fmt.Sprintf("%s %s %s", info.Path, r.URL.RawQuery, info.Scheme)
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		io.WriteString(w, text)
		return
	}
	conn, stream, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fronttest.SwitchToWebSocket(stream, r)
	fmt.Fprintf(stream, "%s\n", text)
	stream.Flush()
}

// serveTCP runs the HTTP front on a port of the loopback interface, whose peers are trusted, until
// the test ends.
func serveTCP(t *testing.T, handler http.HandlerFunc) modgw.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	runFront(t, ln, fronthttp.New(fronthttp.Config{Handler: handler, TrustedProxies: loopback, DrainTimeout: time.Second}))
	return modgw.Listener{Kind: "http", Address: modgw.Address(ln.Addr().String())}
}

// startTLS starts Apache with TLS and HTTP/2 and the configuration for apps.
func startTLS(t *testing.T, apps []modgw.Descriptor, listeners []modgw.Listener, o apache.Options) *fronttest.Browser {
	t.Helper()
	key := fronttest.SelfSigned(t)
	o.Port, o.TLS = fronttest.FreePort(t), &apache.TLS{Certificate: key, Key: key}
	conf, err := apache.Config(apps, listeners, o)
	if err != nil {
		t.Fatal(err)
	}
	fronttest.StartApache(t, fmt.Sprintf("SSLSessionCache none\nListen 127.0.0.1:%d\n%s", o.Port, conf))
	return fronttest.NewBrowser(t, o.Port)
}
