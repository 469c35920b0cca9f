package export_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

// loopback are proxies on this machine.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// startTLS starts the target's server with its generated configuration, TLS and HTTP/2.
func startTLS(t *testing.T, server target, apps []modgw.Descriptor, o export.Options, listeners ...modgw.Listener) *fronttest.Browser {
	t.Helper()
	key := fronttest.SelfSigned(t)
	o.Address, o.Port, o.TLS = "127.0.0.1", fronttest.FreePort(t), &export.TLS{Certificate: key, Key: key}
	start(t, server, apps, o, listeners...)
	return fronttest.NewBrowser(t, o.Port)
}

// start starts the target's server with its generated configuration.
func start(t *testing.T, server target, apps []modgw.Descriptor, o export.Options, listeners ...modgw.Listener) *fronttest.Server {
	t.Helper()
	conf, err := server.write(apps, listeners, o)
	if err != nil {
		t.Fatal(err)
	}
	if server.name == "nginx" {
		return fronttest.StartNginxSites(t, o.Port, string(conf))
	}
	if _, err := os.Stat("/usr/lib/lighttpd/mod_openssl.so"); o.TLS != nil && err != nil && os.Getenv("CI") == "" {
		t.Skip("lighttpd has no TLS: apt install lighttpd-mod-openssl")
	}
	return fronttest.StartLighttpd(t, string(conf))
}

// TestEveryKindOfMountIsReached sends requests to apps at mounts of all kinds as a browser does:
// over TLS and HTTP/2, and with WebSockets over both versions, by every way in which a
// configuration can reach the host.
func TestEveryKindOfMountIsReached(t *testing.T) {
	var apps []modgw.Descriptor
	for i, mount := range []modgw.MountPath{"/", "/blog", "/blog/api", "/a.b", "/with space", "/café", "/ü b/ö", "/50%", "/a&b;c=d,e", "/~me", "/it's", "/a:b@c", "/#", "/(a|b)", "/[x]"} {
		d := app(fmt.Sprint("app", i), mount)
		d.Kind = modgw.KindASGI
		apps = append(apps, d)
	}
	eachWay(t, func(t *testing.T, server target, kind string) {
		g := gateway(t, apps, nil)
		listeners := []modgw.Listener{serve(t, kind, g)}
		if kind != "http" {
			listeners = append(listeners, serve(t, "http", g))
		}
		web := startTLS(t, server, apps, export.Options{}, listeners...)
		for _, d := range apps {
			for _, path := range []string{"", "/", "/x", "/x y/é"} {
				if d.Mount == "/" && path == "" {
					continue
				}
				mount := strings.TrimSuffix(string(d.Mount), "/")
				target := (&url.URL{Path: mount + path}).EscapedPath()
				status, got := web.Get(t, "", target+"?q=1")
				if want := fmt.Sprintf("%s %s|%s ", d.Name, mount, path); status != 200 || !strings.HasPrefix(got, want) {
					t.Errorf("%s: %d %q, want %q", target, status, got, want)
				}
				want := fmt.Sprintf("%s ", d.Name)
				if status, got := web.Upgrade(t, "", target+"?q=1"); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " https 127.0.0.1") {
					t.Errorf("%s, WebSocket: %d %q", target, status, got)
				}
				status, got = web.Connect(t, "", target+"?q=1")
				if offers := server.name == "lighttpd"; offers != (status != 0) || offers && (!strings.HasPrefix(got, want) || !strings.HasSuffix(got, " https 127.0.0.1")) {
					t.Errorf("%s, WebSocket over HTTP/2: %d %q", target, status, got)
				}
			}
		}
	})
}

func TestUnknownHostsAreRefusedUnlessAnAppHasThem(t *testing.T) {
	named := []modgw.Descriptor{app("blog", "/", "blog.example.com"), app("part", "/part", "part.example.com"), app("all", "/", "*.example.com")}
	eachWay(t, func(t *testing.T, server target, kind string) {
		for name, c := range map[string]struct {
			apps []modgw.Descriptor
			want map[string]string
		}{
			"only apps with hosts": {named, map[string]string{
				"blog.example.com": "200 blog", "x.example.com": "200 all", "part.example.com": "200 all",
				"evil.example": "404", "127.0.0.1": "404", "example.com": "404",
			}},
			"an app without": {append(named, app("any", "/")), map[string]string{
				"blog.example.com": "200 blog", "x.example.com": "200 all", "evil.example": "200 any", "127.0.0.1": "200 any",
			}},
			"an app without at a mount": {append(named, app("any", "/any")), map[string]string{
				"blog.example.com": "200 blog", "evil.example": "404", "127.0.0.1": "404",
			}},
		} {
			listener := serve(t, kind, gateway(t, c.apps, nil))
			o := export.Options{Address: "127.0.0.1", Port: fronttest.FreePort(t)}
			start(t, server, c.apps, o, listener)
			web := startTLS(t, server, c.apps, export.Options{}, listener)
			for host, want := range c.want {
				status, body := ask(t, fmt.Sprintf("http://127.0.0.1:%d", o.Port), host, "/x", nil, nil)
				if got := fmt.Sprintf("%d %s", status, body); !strings.HasPrefix(got, want+" ") {
					t.Errorf("%s, host %q: %s, want %s", name, host, got, want)
				}
				status, body = web.Get(t, host, "/x")
				if got := fmt.Sprintf("%d %s", status, body); !strings.HasPrefix(got, want+" ") {
					t.Errorf("%s, host %q over TLS: %s, want %s", name, host, got, want)
				}
			}
		}
	})
}

func TestAPortWithoutTLSServesOrRedirects(t *testing.T) {
	apps := []modgw.Descriptor{app("blog", "/", "blog.example.com", "*.example.com")}
	for _, server := range targets {
		for _, redirect := range []bool{false, true} {
			t.Run(fmt.Sprint(server.name, redirect), func(t *testing.T) {
				key := fronttest.SelfSigned(t)
				o := export.Options{
					Address: "127.0.0.1", Port: fronttest.FreePort(t), TLS: &export.TLS{Certificate: key, Key: key},
					HTTPPort: fronttest.FreePort(t), RedirectHTTPS: redirect,
				}
				start(t, server, apps, o, serve(t, "fastcgi", gateway(t, apps, nil)))
				for _, host := range []string{"blog.example.com", "a.b.example.com:1", "elsewhere.org"} {
					name, _, _ := strings.Cut(host, ":")
					want, location := 200, ""
					switch {
					case host == "elsewhere.org":
						want = 404
					case redirect:
						want, location = 308, fmt.Sprintf("https://%s:%d/a/%%C3%%A9?x=%%20y", name, o.Port)
					}
					request, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d/a/%%C3%%A9?x=%%20y", o.HTTPPort), nil)
					if err != nil {
						t.Fatal(err)
					}
					request.Host = host
					transport := &http.Transport{DisableKeepAlives: true}
					resp, err := transport.RoundTrip(request)
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
					if resp.StatusCode != want || resp.Header.Get("Location") != location {
						t.Errorf("%s: %s to %q, want %d %q", host, resp.Status, resp.Header.Get("Location"), want, location)
					}
				}
				if status, body := fronttest.NewBrowser(t, o.Port).Get(t, "blog.example.com", "/"); status != 200 {
					t.Errorf("over TLS: %d %q", status, body)
				}
			})
		}
	}
}

func TestServersListenOnIPv6Too(t *testing.T) {
	if ln, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("this machine has no IPv6")
	} else {
		ln.Close()
	}
	apps := []modgw.Descriptor{app("root", "/")}
	for _, server := range targets {
		port := fronttest.FreePort(t)
		conf, err := server.write(apps, []modgw.Listener{serve(t, "fastcgi", gateway(t, apps, nil))}, export.Options{Port: port})
		if err != nil {
			t.Fatal(err)
		}
		// Tests listen on loopback alone.
		text := strings.NewReplacer("[::]:", "[::1]:", fmt.Sprintf(`":%d"`, port), fmt.Sprintf(`"127.0.0.1:%d"`, port),
			fmt.Sprintf("listen %d", port), fmt.Sprintf("listen 127.0.0.1:%d", port)).Replace(string(conf))
		if server.name == "nginx" {
			fronttest.StartNginxSites(t, port, text)
		} else {
			fronttest.StartLighttpd(t, text)
		}
		for _, address := range []string{"127.0.0.1", "[::1]"} {
			if status, body := ask(t, fmt.Sprintf("http://%s:%d", address, port), "", "/x", nil, nil); status != 200 || !strings.HasPrefix(body, "root ") {
				t.Errorf("%s at %s: %d %q", server.name, address, status, body)
			}
		}
	}
}
