package export_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

func TestClientsSayNothingOfThemselves(t *testing.T) {
	apps := []modgw.Descriptor{app("root", "/")}
	eachWay(t, func(t *testing.T, server target, kind string) {
		for _, proxies := range [][]netip.Prefix{nil, {netip.MustParsePrefix("192.0.2.1/32")}} {
			o := export.Options{Address: "127.0.0.1", Port: fronttest.FreePort(t), TrustedProxies: proxies}
			start(t, server, apps, o, serve(t, kind, gateway(t, apps, nil), proxies...))
			lies := http.Header{"Forwarded": {"for=203.0.113.9;proto=https;host=evil.example"}}
			for _, name := range []string{"X-Forwarded-For", "X_Forwarded-For", "X_Forwarded_For", "X-Real-Ip", "X_Real_Ip", "X-Forwarded-Server"} {
				lies[name] = []string{"203.0.113.9"}
			}
			for _, name := range []string{"X-Forwarded-Proto", "X-Forwarded_Proto", "X_Forwarded_Proto"} {
				lies[name] = []string{"https"}
			}
			for _, name := range []string{"X-Forwarded-Host", "X_Forwarded_Host"} {
				lies[name] = []string{"evil.example"}
			}
			_, body := ask(t, fmt.Sprintf("http://127.0.0.1:%d", o.Port), "www.example.com", "/headers", lies, nil)
			if !strings.HasPrefix(body, "http 127.0.0.1 www.example.com") || strings.Contains(body, "203.0.113.9") ||
				strings.Contains(body, "https") || strings.Contains(body, "evil") {
				t.Errorf("with proxies %v the app is told %q", proxies, body)
			}
		}
	})
}

// Over HTTP, lighttpd sends the scheme itself, which it knows from mod_extforward.
func TestATrustedProxySaysWhoTheClientIs(t *testing.T) {
	apps := []modgw.Descriptor{app("root", "/")}
	eachWay(t, func(t *testing.T, server target, kind string) {
		o := export.Options{Address: "127.0.0.1", Port: fronttest.FreePort(t), TrustedProxies: loopback}
		start(t, server, apps, o, serve(t, kind, gateway(t, apps, nil), loopback...))
		_, body := ask(t, fmt.Sprintf("http://127.0.0.1:%d", o.Port), "www.example.com", "/headers", http.Header{
			"X-Forwarded-For": {"6.6.6.6, 203.0.113.9"}, "X-Forwarded-Proto": {"https"},
		}, nil)
		want := "https 203.0.113.9 www.example.com "
		if server.name == "lighttpd" && kind == "http" {
			want = "http 203.0.113.9 www.example.com "
		}
		if !strings.HasPrefix(body, want) {
			t.Errorf("the app is told %q, want %q", body, want)
		}
	})
}

// An HTTP listener over TCP believes a web server that is a trusted proxy, and only then carries
// WebSockets for it.
func TestWebSocketsTakeAListenerOverTCPThatBelievesTheServer(t *testing.T) {
	chat := app("chat", "/")
	chat.Kind = modgw.KindASGI
	listeners := []modgw.Listener{{Kind: "fastcgi", Address: "unix:/run/f.sock"}, {Kind: "http", Address: "127.0.0.1:8000"}}
	for _, server := range targets {
		for _, proxies := range [][]netip.Prefix{nil, loopback} {
			conf, err := server.write([]modgw.Descriptor{chat}, listeners, export.Options{TrustedProxies: proxies})
			if err != nil {
				t.Fatal(err)
			}
			passes := strings.Contains(string(conf), "127.0.0.1:8000;") || strings.Contains(string(conf), `"port" => 8000`)
			said := strings.Contains(string(conf), fmt.Sprintf("WebSockets end in %s", server.name))
			if passes != (proxies != nil) || said == passes {
				t.Errorf("%s with proxies %v:\n%s", server.name, proxies, conf)
			}
		}
	}
}
