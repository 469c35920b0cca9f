package tests

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

// staticSite starts a site with a static app that is mounted at /docs and serves apps/docs/one.
func staticSite(t *testing.T, settings string) *site {
	s := newSite(t)
	s.write("apps/docs/modgw.hcl", staticApp("one", settings))
	s.write("apps/docs/one/index.html", "first page")
	s.write("apps/docs/one/sub/index.html", "sub page")
	s.write("apps/docs/one/.env", "not for you")
	s.write("apps/docs/secret", "not for you")
	s.write("apps/docs/two/index.html", "page of another folder")
	s.start()
	return s
}

func staticApp(dir, settings string) string {
	return fmt.Sprintf("app \"docs\" {\n  mount = \"/docs\"\n  %s\n  static { dir = %q }\n}\n", settings, dir)
}

func TestStaticAppServesTheFilesOfItsFolderAlone(t *testing.T) {
	t.Parallel()
	s := staticSite(t, "")
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/docs/":                      {200, "first page"},
		"/docs":                       {200, "first page"}, // after a redirect
		"/docs/sub":                   {200, "sub page"},
		"/docs/.env":                  {404, ""},
		"/docs/%2e%2e/secret":         {404, ""},
		"/docs/sub/..%2f..%2fsecret":  {404, ""},
		"/docs/none":                  {404, ""},
		"/elsewhere":                  {404, ""},
		"/docs/index.html%00.txt":     {400, ""},
		"/docs/%252e%252e/secret":     {404, ""},
		"/docs/sub/%2e%2e/%2e%2e/etc": {404, ""},
	} {
		status, body := s.get(path)
		if status != want.status || !strings.Contains(body, want.text) || strings.Contains(body, "not for you") {
			t.Errorf("GET %s: %d %q, want %d %q", path, status, body, want.status, want.text)
		}
	}
}

func TestStaticAppIsReplacedForItsDescriptorAlone(t *testing.T) {
	t.Parallel()
	s := staticSite(t, "")
	s.write("apps/docs/one/index.html", "second page")
	if status, body := s.get("/docs/"); status != 200 || body != "second page" {
		t.Errorf("after a change: %d %q", status, body)
	}
	s.write("apps/docs/modgw.hcl", staticApp("two", ""))
	s.eventually("the other folder is served", func() bool {
		_, body := s.get("/docs/")
		return body == "page of another folder"
	})
	if strings.Contains(s.log.String(), "index.html changed") {
		t.Error("a file of the folder made a generation")
	}
}

func TestStaticAppReadsFilesWithTheRightsOfItsUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can act for another user")
	}
	s := staticSite(t, `user = "nobody"`)
	if status, body := s.get("/docs/"); status != 200 || body != "first page" {
		t.Errorf("%d %q", status, body)
	}
	if err := os.Chmod(s.path("apps/docs/one/index.html"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.get("/docs/"); status != 404 {
		t.Errorf("a file of root's alone: %d", status)
	}
}

func TestStaticAppBehindApache(t *testing.T) {
	t.Parallel()
	s := staticSite(t, "")
	apache := fronttest.StartApache(t, fmt.Sprintf("ProxyPass / \"unix:%s|fcgi://modgw/\"\n", s.path("fcgi.sock")))
	for path, want := range map[string]string{"/docs": "first page", "/docs/sub": "sub page", "/docs/sub/": "sub page"} {
		if status, body := get(t, apache.URL+path); status != 200 || body != want {
			t.Errorf("GET %s: %d %q", path, status, body)
		}
	}
	r, err := http.NewRequest("GET", apache.URL+"/docs/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Range", "bytes=0-4")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != 206 || string(body) != "first" {
		t.Errorf("a range: %d %q", response.StatusCode, body)
	}
}

func TestHostListensForUWSGIAndSCGI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("modgw.hcl", fmt.Sprintf(`
		apps  = ["apps/*/modgw.hcl"]
		state = "state"
		listen "http" { address = "127.0.0.1:0" }
		listen "uwsgi" {
		  address = "unix:%[1]s/uwsgi.sock"
		  mode    = "0666"
		}
		listen "scgi" {
		  address = "unix:%[1]s/scgi.sock"
		  mode    = "0666"
		}
	`, s.dir))
	s.write("apps/docs/modgw.hcl", "app \"docs\" {\n  static { dir = \".\" }\n}\n")
	s.write("apps/docs/uwsgi/page.txt", "over uwsgi")
	s.write("apps/docs/scgi/page.txt", "over SCGI")
	s.start()
	nginx := fronttest.StartNginx(t, fmt.Sprintf(`
		location /uwsgi/ { include /etc/nginx/uwsgi_params; uwsgi_pass unix:%[1]s/uwsgi.sock; }
		location /scgi/ { include /etc/nginx/scgi_params; scgi_pass unix:%[1]s/scgi.sock; }
	`, s.dir))
	for path, want := range map[string]string{"/uwsgi/page.txt": "over uwsgi", "/scgi/page.txt": "over SCGI"} {
		if status, body := get(t, nginx.URL+path); status != 200 || body != want {
			t.Errorf("GET %s: %d %q", path, status, body)
		}
	}
}
