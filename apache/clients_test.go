package apache_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/front"
	"github.com/modgw/modgw/modgw/front/fcgi"
	fronthttp "github.com/modgw/modgw/modgw/front/http"
)

// claims are headers in which a client, or a proxy on its behalf, states the client's identity.
var claims = map[string]string{
	"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Real-Ip": "203.0.113.9", "X-Client-Ip": "203.0.113.9",
	"Forwarded": "for=203.0.113.9;proto=https", "X-Forwarded-Ssl": "on", "X-Forwarded-Prefix": "/evil", "X-Forwarded-Server": "evil",
}

// client answers with the client as seen by the host.
func client(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	fmt.Fprintf(w, "%s %s", info.RemoteAddr, info.Scheme)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if claims[name] != "" {
			fmt.Fprintf(w, " %s=%s", name, r.Header.Get(name))
		}
	}
}

// fronts serves a handler by each way in which a configuration can reach a host with trusted
// proxies.
func fronts(t *testing.T, proxies []netip.Prefix, handler http.HandlerFunc) map[string]modgw.Listener {
	t.Helper()
	listeners := map[string]modgw.Listener{}
	for kind, server := range map[string]interface {
		Serve(context.Context, net.Listener) error
	}{
		"fastcgi": fcgi.New(fcgi.Config{Config: front.Config{Handler: handler, TrustedProxies: proxies, DrainTimeout: time.Second}}),
		"http":    fronthttp.New(fronthttp.Config{Handler: handler, TrustedProxies: proxies, TrustUnix: true, DrainTimeout: time.Second}),
	} {
		ln, address := listen(t)
		runFront(t, ln, server)
		listeners[kind] = modgw.Listener{Kind: kind, Address: address}
	}
	return listeners
}

func TestOnlyATrustedProxyBeforeApacheSaysWhoTheClientIs(t *testing.T) {
	for _, c := range []struct {
		name     string
		proxies  []netip.Prefix
		lines    string // lines that an administrator adds
		fcgi     string
		overHTTP string
	}{
		{"no proxy", nil, "", "127.0.0.1 http", "127.0.0.1 http X-Forwarded-For=127.0.0.1 X-Forwarded-Proto=http"},
		{
			"another proxy", []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}, "",
			"127.0.0.1 http", "127.0.0.1 http X-Forwarded-For=127.0.0.1 X-Forwarded-Proto=http",
		},
		{
			"this proxy", append(loopback, netip.MustParsePrefix("2001:db8::/32")), "",
			"203.0.113.9 https X-Forwarded-For=203.0.113.9 X-Forwarded-Proto=https",
			"203.0.113.9 https X-Forwarded-For=203.0.113.9, 127.0.0.1 X-Forwarded-Proto=https",
		},
		{
			"mod_remoteip", nil, "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1\n" +
				`SetEnvIfExpr "%{HTTP:X-Forwarded-Proto} == 'https' && %{CONN_REMOTE_ADDR} -ipmatch '127.0.0.1/32'" HTTPS=on` + "\n",
			"203.0.113.9 https", "203.0.113.9 http X-Forwarded-For=203.0.113.9 X-Forwarded-Proto=http",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for kind, listener := range fronts(t, c.proxies, client) {
				port := fronttest.FreePort(t)
				conf, err := apache.Config([]modgw.Descriptor{wsgi("any", "/")}, []modgw.Listener{listener},
					apache.Options{Port: port, TrustedProxies: c.proxies})
				if err != nil {
					t.Fatal(err)
				}
				fronttest.StartApache(t, fmt.Sprintf("Listen 127.0.0.1:%d\n%s%s", port, c.lines, conf))
				request, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d/", port), nil)
				if err != nil {
					t.Fatal(err)
				}
				for name, value := range claims {
					request.Header.Set(name, value)
				}
				want := c.fcgi
				if kind == "http" {
					want = c.overHTTP
				}
				if _, body := ask(t, request); body != want {
					t.Errorf("over %s:\ngot  %s\nwant %s", kind, body, want)
				}
			}
		})
	}
}

// mod_deflate adds a suffix to an ETag, which the client sends back.
func TestACompressedPageIsNotSentAgain(t *testing.T) {
	for kind, listener := range fronts(t, nil, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Type", "text/html")
		if match := r.Header.Get("If-None-Match"); match == `"v1"` || match == `"v0", "v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprintf(w, "%01000d", 0)
	}) {
		port := fronttest.FreePort(t)
		conf, err := apache.Config([]modgw.Descriptor{wsgi("any", "/")}, []modgw.Listener{listener}, apache.Options{Port: port})
		if err != nil {
			t.Fatal(err)
		}
		fronttest.StartApache(t, fmt.Sprintf("Listen 127.0.0.1:%d\nAddOutputFilterByType DEFLATE text/html\n%s", port, conf))
		fetch := func(known string) *http.Response {
			request, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d/", port), nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Accept-Encoding", "gzip")
			if known != "" {
				request.Header.Set("If-None-Match", known)
			}
			resp, _ := ask(t, request)
			return resp
		}
		first := fetch("")
		tag := first.Header.Get("ETag")
		if first.StatusCode != 200 || first.Header.Get("Content-Encoding") != "gzip" || tag != `"v1-gzip"` {
			t.Errorf("over %s: %s %v", kind, first.Status, first.Header)
		}
		for _, known := range []string{tag, `"v0-gzip", ` + tag, `"v1"`} {
			if again := fetch(known); again.StatusCode != 304 {
				t.Errorf("over %s, with %s: %s", kind, known, again.Status)
			}
		}
	}
}
