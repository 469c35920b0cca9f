package tests

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/certtest"
	"github.com/modgw/modgw/internal/fronttest"
)

var httpsLine = regexp.MustCompile(` https=(\S+) `)

// secureSite starts a site with HTTPS for a.example and b.example, HTTP behind HAProxy, and HTTP
// that redirects to HTTPS. Its app answers with the request as it received it.
func secureSite(t *testing.T, ca *certtest.Authority) (s *site, https string) {
	s = newSite(t)
	ca.Issue(t, s.dir, "a.example")
	ca.Issue(t, s.dir, "b.example")
	s.write("modgw.hcl", fmt.Sprintf(`
		apps            = ["apps/*/modgw.hcl"]
		state           = "state"
		trusted_proxies = ["127.0.0.1/32"]
		listen "http" {
		  address            = "127.0.0.1:0"
		  client_ca          = %q
		  client_certificate = "optional"
		  tls {
		    certificate = "a.example.pem"
		    key         = "a.example.key"
		  }
		  tls {
		    certificate = "b.example.pem"
		    key         = "b.example.key"
		  }
		}
		listen "http" {
		  address        = "unix:%s/proxied.sock"
		  mode           = "0666"
		  proxy_protocol = true
		}
		listen "http" {
		  address        = "127.0.0.1:0"
		  redirect_https = true
		}
	`, ca.File, s.dir))
	s.write("apps/tell/modgw.hcl", "app \"tell\" {\n  wsgi { entry = \"app.wsgi\" }\n}\n")
	s.write("apps/tell/app.wsgi", `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    names = "wsgi.url_scheme", "HTTPS", "REMOTE_ADDR", "SSL_PROTOCOL", "SSL_TLS_SNI", "SSL_CLIENT_VERIFY", "SSL_CLIENT_S_DN_CN"
    return [" ".join(str(environ.get(name, "-")) for name in names).encode()]
`)
	s.start()
	return s, httpsLine.FindStringSubmatch(s.log.String())[1]
}

// browser returns a client that resolves every name to one address.
func browser(t *testing.T, addr string, config *tls.Config) *http.Client {
	transport := &http.Transport{
		TLSClientConfig:   config,
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func page(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	resp, err := c.Get(url)
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

func TestHTTPSReachesTheAppAndTakesUpNewCertificates(t *testing.T) {
	t.Parallel()
	ca := certtest.New(t)
	s, https := secureSite(t, ca)
	stranger := browser(t, https, ca.Client(""))
	for _, name := range []string{"a.example", "b.example"} {
		resp, body := page(t, stranger, "https://"+name+"/")
		if want := "https on 127.0.0.1 TLSv1.3 " + name + " NONE -"; body != want || resp.ProtoMajor != 2 {
			t.Errorf("%s: %s %q, want %q", name, resp.Proto, body, want)
		}
	}
	if _, body := page(t, browser(t, https, ca.Client("", ca.Issue(t, t.TempDir(), "bob"))), "https://a.example/"); !strings.HasSuffix(body, " SUCCESS bob") {
		t.Errorf("with a certificate of its own: %q", body)
	}

	serial := func(c *http.Client) string {
		resp, _ := page(t, c, "https://a.example/")
		return resp.TLS.PeerCertificates[0].SerialNumber.String()
	}
	old := serial(stranger)
	s.write("a.example.key", "spoiled")
	s.eventually("a broken key is reported", func() bool {
		if got := serial(browser(t, https, ca.Client(""))); got != old {
			t.Fatalf("certificate %s, want %s", got, old)
		}
		return strings.Contains(s.log.String(), "MGW-TLS-002")
	})
	ca.Issue(t, s.dir, "a.example")
	s.eventually("the new certificate is used", func() bool { return serial(browser(t, https, ca.Client(""))) != old })
	if got := serial(stranger); got != old {
		t.Error("the first connection did not stay open")
	}
}

func TestHTTPSendsToHTTPSAndHAProxyNamesItsClients(t *testing.T) {
	t.Parallel()
	ca := certtest.New(t)
	s, _ := secureSite(t, ca)
	resp, _ := page(t, browser(t, strings.TrimPrefix(s.url, "http://"), nil), "http://a.example:8080/x%2Fy?z")
	if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusPermanentRedirect || got != "https://a.example/x%2Fy?z" {
		t.Errorf("%d to %q", resp.StatusCode, got)
	}
	if out := s.mustRun("status", "-c", "modgw.hcl"); !strings.Contains(out, "https 127.0.0.1:0") {
		t.Errorf("status says\n%s", out)
	}
	if out, ok := s.run("nginx", "config", "-c", "modgw.hcl"); ok {
		t.Errorf("nginx is put before listeners for clients and balancers:\n%s", out)
	}
	proxy := fronttest.StartHAProxy(t, "backend app\n  server modgw unix@"+s.path("proxied.sock")+" send-proxy-v2\n")
	if _, body := page(t, http.DefaultClient, proxy.URL); !strings.HasPrefix(body, "http - 127.0.0.1 ") {
		t.Errorf("behind HAProxy: %q", body)
	}
}

func TestCheckTellsWhereAListenerIsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pair := certtest.New(t).Issue(t, s.dir, "a.example")
	if err := os.Chmod(pair.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	s.write("app.hcl", staticApp(".", ""))
	for key, want := range map[string]struct {
		good bool
		says string
	}{
		"a.example.pem": {false, "modgw.hcl:6:5"},
		"a.example.key": {true, "warning[MGW-CFG-005]"},
	} {
		s.write("modgw.hcl", fmt.Sprintf(`
apps = ["app.hcl"]
listen "http" {
  address = "127.0.0.1:0"
  tls {
    certificate = "a.example.pem"
    key         = %q
  }
}
`, key))
		if out, good := s.run("check", "-c", "modgw.hcl"); good != want.good || !strings.Contains(out, want.says) {
			t.Errorf("%v, want %v and %q:\n%s", good, want.good, want.says, out)
		}
	}
}

func TestSocketOfSystemdHasTheSettingsOfItsListener(t *testing.T) {
	t.Parallel()
	s, ca, port := newSite(t), certtest.New(t), fronttest.FreePort(t)
	ca.Issue(t, s.dir, "a.example")
	s.write("modgw.hcl", fmt.Sprintf(`
		apps  = ["apps/*/modgw.hcl"]
		state = "state"
		listen "http" {
		  address = "127.0.0.1:%d"
		  tls {
		    certificate = "a.example.pem"
		    key         = "a.example.key"
		  }
		}
	`, port))
	s.write("apps/docs/modgw.hcl", staticApp("one", ""))
	s.write("apps/docs/one/index.html", "first page")
	s.pass("http", fmt.Sprintf("127.0.0.1:%d", port))
	https := s.spawnUntil(httpsLine, nil, "serve", "-c", s.path("modgw.hcl"))
	if _, body := page(t, browser(t, https, ca.Client("")), "https://a.example/docs/"); body != "first page" {
		t.Errorf("%q", body)
	}
}

func TestASGIAppIsToldOfTLS(t *testing.T) {
	t.Parallel()
	ca := certtest.New(t)
	s := newSite(t)
	ca.Issue(t, s.dir, "a.example")
	s.write("modgw.hcl", fmt.Sprintf(`
		apps  = ["apps/*/modgw.hcl"]
		state = "state"
		listen "http" {
		  address            = "127.0.0.1:0"
		  client_ca          = %q
		  client_certificate = "optional"
		  tls {
		    certificate = "a.example.pem"
		    key         = "a.example.key"
		  }
		}
		listen "http" { address = "127.0.0.1:0" }
	`, ca.File))
	s.write("apps/tell/modgw.hcl", "app \"tell\" {\n  asgi { entry = \"app.py\" }\n}\n")
	s.write("apps/tell/app.py", `
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    tls = scope["extensions"].get("tls", {})
    text = "%s %s %s" % (scope["scheme"], tls.get("tls_version"), tls.get("client_cert_name"))
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": text.encode()})
`)
	s.start()
	https := httpsLine.FindStringSubmatch(s.log.String())[1]
	if _, body := page(t, browser(t, https, ca.Client("")), "https://a.example/"); body != "https 772 None" {
		t.Errorf("without a certificate: %q", body)
	}
	if _, body := page(t, browser(t, https, ca.Client("", ca.Issue(t, t.TempDir(), "bob"))), "https://a.example/"); body != "https 772 CN=bob" {
		t.Errorf("with a certificate: %q", body)
	}
	if _, body := s.get("/"); body != "http None None" {
		t.Errorf("without TLS: %q", body)
	}
}
