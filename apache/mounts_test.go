package apache_test

import (
	"bufio"
	"crypto/tls"
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

// TestEveryKindOfMountIsReached asks apps at mounts of all kinds as a browser does: over TLS and HTTP/2, over HTTP/1, and
// with WebSockets, by every way that a configuration can take to the host.
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
					if got := web.get(t, target+"?q=1"); got != want+" q=1 https" {
						t.Errorf("%s: %q", target, got)
					}
					if name == "FastCGI" {
						continue
					}
					if got := web.upgrade(t, target+"?q=1"); got != want+" q=1 https" {
						t.Errorf("%s, WebSocket: %q", target, got)
					}
				}
			}
		})
	}
}

// place answers with the path that was asked for, its query and the scheme; after an upgrade too, in a line.
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
	fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n%s\n", text)
	stream.Flush()
}

// serveTCP runs the HTTP front on a port of the loopback interface, whose peers are trusted, until the test ends.
func serveTCP(t *testing.T, handler http.HandlerFunc) modgw.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	runFront(t, ln, fronthttp.New(fronthttp.Config{Handler: handler, TrustedProxies: loopback, DrainTimeout: time.Second}))
	return modgw.Listener{Kind: "http", Address: modgw.Address(ln.Addr().String())}
}

// browser is a client of an Apache with TLS.
type browser struct {
	server *fronttest.Server
	port   int
	client *http.Client
}

// startTLS starts Apache with TLS and HTTP/2 and the configuration for apps.
func startTLS(t *testing.T, apps []modgw.Descriptor, listeners []modgw.Listener, o apache.Options) *browser {
	t.Helper()
	key := selfSigned(t, fronttest.Dir(t))
	o.Port, o.TLS = fronttest.FreePort(t), &apache.TLS{Certificate: key, Key: key}
	conf, err := apache.Config(apps, listeners, o)
	if err != nil {
		t.Fatal(err)
	}
	server := fronttest.StartApache(t, fmt.Sprintf("SSLSessionCache none\nListen 127.0.0.1:%d\n%s", o.Port, conf))
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true},
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	return &browser{server, o.Port, client}
}

// get asks for a target over HTTP/2, and returns the body of a response with status 200, else the status.
func (b *browser) get(t *testing.T, target string) string {
	t.Helper()
	request, err := http.NewRequest("GET", fmt.Sprintf("https://127.0.0.1:%d%s", b.port, target), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.ProtoMajor != 2 {
		t.Errorf("%s: %s, %v", target, resp.Proto, err)
	}
	if resp.StatusCode != 200 {
		return resp.Status
	}
	return string(body)
}

// upgrade asks for a WebSocket over HTTP/1.1, and returns the first line after the upgrade, else the status.
func (b *browser) upgrade(t *testing.T, target string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.port), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: www.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", target)
	stream := bufio.NewReader(conn)
	resp, err := http.ReadResponse(stream, nil)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return resp.Status
	}
	line, err := stream.ReadString('\n')
	if err != nil {
		t.Errorf("%s: %v", target, err)
	}
	return strings.TrimSuffix(line, "\n")
}
