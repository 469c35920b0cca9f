package apache_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

func TestUnknownHostsAreRefusedUnlessAnAppHasThem(t *testing.T) {
	listener := serve(t, echo)
	named := []modgw.Descriptor{wsgi("blog", "/", "blog.example.com"), wsgi("local", "/", "localhost"), wsgi("all", "/", "*.example.com")}
	for name, c := range map[string]struct {
		apps []modgw.Descriptor
		want map[string]string
	}{
		"only apps with hosts": {named, map[string]string{
			"blog.example.com": "200 blog", "localhost": "200 local", "x.example.com": "200 all",
			"evil.example": "404", "": "404", "127.0.0.1": "404", "example.com": "404",
		}},
		"an app without": {append(named, wsgi("any", "/")), map[string]string{
			"blog.example.com": "200 blog", "localhost": "200 local", "x.example.com": "200 all", "evil.example": "200 any", "127.0.0.1": "200 any",
		}},
		"an app without at a mount": {append(named, wsgi("any", "/any")), map[string]string{
			"blog.example.com": "200 blog", "localhost": "200 local", "evil.example": "404",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			web := startTLS(t, c.apps, []modgw.Listener{listener}, apache.Options{})
			_, plain := behind(t, c.apps, listener)
			for host, want := range c.want {
				resp, body := get(t, plain+"/x", host)
				if got := fmt.Sprintf("%d %s", resp.StatusCode, body); !strings.HasPrefix(got, want+" ") {
					t.Errorf("host %q: %s, want %s", host, got, want)
				}
				status, body := web.Get(t, host, "/x")
				if got := fmt.Sprintf("%d %s", status, body); !strings.HasPrefix(got, want+" ") {
					t.Errorf("host %q over TLS: %s, want %s", host, got, want)
				}
			}
		})
	}
}

func TestAPortWithoutTLSServesOrRedirects(t *testing.T) {
	apps := []modgw.Descriptor{wsgi("any", "/"), wsgi("blog", "/", "blog.example.com", "*.example.com")}
	listener := serve(t, echo)
	key := fronttest.SelfSigned(t)
	for _, redirect := range []bool{false, true} {
		o := apache.Options{
			Port: fronttest.FreePort(t), TLS: &apache.TLS{Certificate: key, Key: key},
			HTTPPort: fronttest.FreePort(t), RedirectHTTPS: redirect,
		}
		conf, err := apache.Config(apps, []modgw.Listener{listener}, o)
		if err != nil {
			t.Fatal(err)
		}
		fronttest.StartApache(t, fmt.Sprintf("SSLSessionCache none\nListen 127.0.0.1:%d\nListen 127.0.0.1:%d\n%s", o.Port, o.HTTPPort, conf))
		for _, host := range []string{"blog.example.com", "a.b.example.com", "elsewhere.org"} {
			request, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d", o.HTTPPort), nil)
			if err != nil {
				t.Fatal(err)
			}
			request.URL.Opaque, request.Host = "/a%2Fb/%C3%A9?x=%20y", host
			resp, body := ask(t, request)
			want := fmt.Sprintf("https://%s:%d/a%%2Fb/%%C3%%A9?x=%%20y", host, o.Port)
			switch {
			case redirect && (resp.StatusCode != 308 || resp.Header.Get("Location") != want):
				t.Errorf("%s: %s to %q, want %q", host, resp.Status, resp.Header.Get("Location"), want)
			case !redirect && resp.StatusCode != 200:
				t.Errorf("%s: %s %q", host, resp.Status, body)
			}
		}
		if status, body := fronttest.NewBrowser(t, o.Port).Get(t, "", "/"); status != 200 {
			t.Errorf("over TLS: %d %q", status, body)
		}
	}
}
