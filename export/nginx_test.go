package export_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

// nginxWith starts nginx on a port with the configuration for apps, to which lines are added after
// another line.
func nginxWith(t *testing.T, apps []modgw.Descriptor, before, after, lines string, listeners ...modgw.Listener) *fronttest.Server {
	t.Helper()
	o := export.Options{Address: "127.0.0.1", Port: fronttest.FreePort(t)}
	conf, err := export.Nginx(apps, listeners, o)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(conf), after, after+"\n"+lines, 1)
	if text == string(conf) {
		t.Fatalf("no %q in:\n%s", after, conf)
	}
	return fronttest.StartNginxSites(t, o.Port, before+"\n"+text)
}

// nginx's variables are shared by a request and its subrequests.
func TestSubrequestsReachTheirApp(t *testing.T) {
	apps := []modgw.Descriptor{app("root", "/"), app("login", "/login")}
	for _, kind := range []string{"fastcgi", "http", "uwsgi", "scgi"} {
		t.Run(kind, func(t *testing.T) {
			s := nginxWith(t, apps, "", `location ^~ "/" {`, "auth_request /login/check;", serve(t, kind, gateway(t, apps, nil)))
			status, body := ask(t, s.URL, "", "/page?x=1", nil, nil)
			if want := "root |/page /page?x=1 0"; status != 200 || body != want {
				t.Errorf("%d %q", status, body)
			}
		})
	}
}

// A location in another configuration requires no settings outside of it.
func TestLocationOfAnotherConfigurationReachesItsApp(t *testing.T) {
	apps := []modgw.Descriptor{app("root", "/"), app("login", "/login")}
	for _, kind := range []string{"fastcgi", "http", "uwsgi", "scgi"} {
		t.Run(kind, func(t *testing.T) {
			listener := serve(t, kind, gateway(t, apps, nil))
			lines, err := export.NginxLocation(apps[1], []modgw.Listener{listener})
			if err != nil {
				t.Fatal(err)
			}
			port := fronttest.FreePort(t)
			s := fronttest.StartNginxSites(t, port, fmt.Sprintf("server { listen 127.0.0.1:%d; location /login {\n%s\n} }", port, lines))
			if status, body := ask(t, s.URL, "", "/login/page?x=1", nil, nil); status != 200 || !strings.HasPrefix(body, "login /login|/page") {
				t.Errorf("%d %q", status, body)
			}
		})
	}
	asgi := app("live", "/")
	asgi.Kind = modgw.KindASGI
	lines, err := export.NginxLocation(asgi, []modgw.Listener{
		{Kind: "fastcgi", Address: "unix:/run/modgw.sock"}, {Kind: "http", Address: "unix:/run/http.sock"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if said := fronttest.CheckNginx(t, fmt.Sprintf("server { location / {\n%s\n} }", lines)); !strings.Contains(said, "test is successful") ||
		!strings.Contains(string(lines), "proxy_pass http://unix:/run/http.sock;") {
		t.Errorf("%s\n%s", said, lines)
	}
}

// A response of a known length leaves the app, however slowly its client reads.
func TestSlowReadersHoldNoApp(t *testing.T) {
	apps := []modgw.Descriptor{app("root", "/")}
	for _, kind := range []string{"fastcgi", "http", "uwsgi", "scgi"} {
		t.Run(kind, func(t *testing.T) {
			done := make(chan struct{})
			s := behind(t, targets[0], apps, serve(t, kind, gateway(t, apps, done)))
			response, err := http.Get(s.URL + "/large") // the body is not read
			if err != nil {
				t.Fatal(err)
			}
			defer http.DefaultClient.CloseIdleConnections()
			defer response.Body.Close()
			<-done
		})
	}
}

func TestResponsesAreCachedByNginx(t *testing.T) {
	apps := []modgw.Descriptor{app("root", "/")}
	for _, kind := range []string{"fastcgi", "uwsgi", "scgi"} {
		t.Run(kind, func(t *testing.T) {
			dir := fronttest.Dir(t)
			if err := os.Chmod(dir, 0o777); err != nil { // for nginx's user
				t.Fatal(err)
			}
			cache := fmt.Sprintf("%s_cache_path %s keys_zone=pages:1m use_temp_path=off;", kind, dir)
			lines := fmt.Sprintf("%s_cache pages; %s_cache_key $request_uri; %s_cache_valid 200 1h;", kind, kind, kind)
			s := nginxWith(t, apps, cache, `location ^~ "/" {`, lines, serve(t, kind, gateway(t, apps, nil)))
			_, first := ask(t, s.URL, "", "/now", nil, nil)
			status, again := ask(t, s.URL, "", "/now", nil, nil)
			if status != 200 || again != first {
				t.Errorf("%d %q, and before %q", status, again, first)
			}
		})
	}
}

func TestAppsAreToldOfTLSAndTheClientsCertificate(t *testing.T) {
	apps := []modgw.Descriptor{app("root", "/")}
	for _, kind := range []string{"fastcgi", "uwsgi", "scgi"} {
		t.Run(kind, func(t *testing.T) {
			key := fronttest.SelfSigned(t)
			o := export.Options{Address: "127.0.0.1", Port: fronttest.FreePort(t), TLS: &export.TLS{Certificate: key, Key: key}}
			conf, err := export.Nginx(apps, []modgw.Listener{serve(t, kind, gateway(t, apps, nil))}, o)
			if err != nil {
				t.Fatal(err)
			}
			fronttest.StartNginxSites(t, o.Port, "ssl_verify_client optional_no_ca;\n"+string(conf))
			fronttest.CheckCertificateVariables(t, fmt.Sprintf("https://127.0.0.1:%d/certificate", o.Port))
		})
	}
}
