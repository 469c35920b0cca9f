package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/fronttest"
)

// linkedSite is a site whose apps are links in apps-enabled, behind an Apache that includes the
// files of a folder.
type linkedSite struct {
	*site
	apache  *fronttest.Server
	control string // apachectl
}

func newLinkedSite(t *testing.T) *linkedSite {
	s := &linkedSite{site: newSite(t)}
	s.write("modgw.hcl", `
		apps  = ["apps-enabled/*.hcl"]
		state = "state"
		listen "http" { address = "127.0.0.1:0" }
		listen "fastcgi" {
		  address = "unix:`+s.dir+`/fcgi.sock"
		  mode    = "0666"
		}
		defaults {
		  reload { settle = "50ms" }
		}
	`)
	for _, folder := range []string{"apps-enabled", "apache"} {
		if err := os.Mkdir(s.path(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.spawnUntil(regexp.MustCompile(`ready apps=0 (failed=0)`), nil, "serve", "-c", s.path("modgw.hcl"))
	s.apache = fronttest.StartApache(t, "IncludeOptional "+s.path("apache")+"/*.conf\n")
	s.control = s.path("apachectl")
	writeProgram(t, s.control, fmt.Sprintf(`case "$1" in
configtest) exec %s -t -f %s/httpd.conf ;;
graceful) kill -USR1 %d ;;
esac
`, fronttest.Require(t, "apache2", "apache2"), s.apache.Dir, s.apache.PID))
	return s
}

// publish writes Apache's files and returns the changes.
func (s *linkedSite) publish() apache.Changes {
	s.t.Helper()
	_, port, _ := strings.Cut(s.apache.Addr, ":")
	out := s.mustRun("apache", "config", "-c", "modgw.hcl", "--split", "apache", "--reload", "--apachectl", s.control, "--port", port, "--json")
	var changes apache.Changes
	if err := json.Unmarshal([]byte(out), &changes); err != nil {
		s.t.Fatal(err)
	}
	return changes
}

// enable enables a project, whose app answers at its own host.
func (s *linkedSite) enable(name, kind string) {
	s.t.Helper()
	s.write(name+"/modgw.hcl", fmt.Sprintf("app %q {\n  hosts = [%q]\n  %s\n}\n", name, name+".test", kind))
	out := s.mustRun("enable", "-c", "modgw.hcl", name)
	if !strings.Contains(out, name+"  serving") {
		s.t.Errorf("enable %s says:\n%s", name, out)
	}
}

func (s *linkedSite) answers(name, want string) {
	s.t.Helper()
	s.eventually(name+" answers through Apache", func() bool {
		return strings.Contains(s.page(name+".test"), want)
	})
}

// page returns status and body of a host's first page, through Apache.
func (s *linkedSite) page(host string) string {
	s.t.Helper()
	through := *s.site
	through.url = s.apache.URL
	code, body := through.at(host, "/")
	return fmt.Sprintf("%d %s", code, body)
}

// TestSitesComeAndGoBehindOneApacheUnderLoad enables sites of four kinds, and changes their set
// three times under load. It checks that no request is lost, and that no part of a removed site is
// left in Apache's configuration.
func TestSitesComeAndGoBehindOneApacheUnderLoad(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "perl", "perl")
	s := newLinkedSite(t)
	s.write("shop/app.wsgi", wsgiApp("the shop"))
	s.write("chat/chat.py", `
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the chat"})
`)
	s.write("docs/public/index.html", "the docs")
	s.write("poll/poll.pl", "#!/usr/bin/perl\nprint \"Content-Type: text/plain\\n\\nthe poll\";\n")
	if err := os.Chmod(s.path("poll/poll.pl"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.enable("shop", `wsgi { entry = "./app.wsgi" }`)
	s.enable("chat", `asgi { entry = "chat:app" }`)
	s.publish()
	s.answers("shop", "the shop")
	s.answers("chat", "the chat")

	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer stop()
	books := []*account{{url: s.apache.URL + "/", host: "shop.test"}, {url: s.apache.URL + "/", host: "chat.test"}}
	for _, book := range books {
		asking.Go(func() { book.keep(ctx) })
	}
	asked := func() {
		t.Helper()
		for _, book := range books {
			before := book.answers()
			s.eventually(book.host+" is asked", func() bool { return book.answers() > before+2 })
		}
	}
	asked()
	s.enable("docs", `static { dir = "public" }`)
	if changes := s.publish(); len(changes.Written) != 1 || changes.Written[0] != "docs.test.conf" || len(changes.Unchanged) != 3 {
		t.Errorf("for docs: %+v", changes)
	}
	s.answers("docs", "the docs")
	asked()
	s.enable("poll", `cgi { script = "poll.pl" }`)
	s.mustRun("disable", "-c", "modgw.hcl", "docs")
	if changes := s.publish(); len(changes.Written) != 1 || len(changes.Removed) != 1 || changes.Removed[0] != "docs.test.conf" {
		t.Errorf("for poll in place of docs: %+v", changes)
	}
	s.answers("poll", "the poll")
	s.answers("docs", "404")
	asked()
	s.mustRun("disable", "-c", "modgw.hcl", "poll", "--apache") // as it was published before
	s.answers("poll", "404")
	asked()
	stop()
	asking.Wait()
	for _, book := range books {
		book.settle(t, mount{path: book.host})
	}
	left, err := filepath.Glob(s.path("apache/*"))
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range left {
		left[i] = filepath.Base(path)
	}
	if got := strings.Join(left, " "); got != "000-default.conf chat.test.conf modgw-manifest.json shop.test.conf" {
		t.Errorf("Apache's folder has %s", got)
	}
}

func TestConfigurationThatApacheRefusesIsUndone(t *testing.T) {
	t.Parallel()
	s := newLinkedSite(t)
	s.write("shop/app.wsgi", wsgiApp("the shop"))
	s.enable("shop", `wsgi { entry = "./app.wsgi" }`)
	s.publish()
	s.write("blog/app.wsgi", wsgiApp("the blog"))
	s.enable("blog", `wsgi { entry = "./app.wsgi" }`)
	out, ok := s.run("apache", "config", "-c", "modgw.hcl", "--split", "apache", "--reload", "--apachectl", s.control,
		"--tls", "/nowhere/cert.pem,/nowhere/key.pem")
	if ok || !strings.Contains(out, "MGW-APA-005") || !strings.Contains(out, "/nowhere/cert.pem") {
		t.Errorf("Apache's refusal is shown as:\n%s", out)
	}
	if _, err := os.Stat(s.path("apache/blog.test.conf")); err == nil {
		t.Error("a file that Apache does not accept was left")
	}
	s.write("apache/shop.test.conf", "# mine\n")
	if out, ok := s.run("apache", "config", "-c", "modgw.hcl", "--split", "apache"); ok || !strings.Contains(out, "MGW-APA-012") {
		t.Errorf("a file that was edited: %t\n%s", ok, out)
	}
	if err := os.Remove(s.path("apache/shop.test.conf")); err != nil {
		t.Fatal(err)
	}
	s.write("apache/blog.test.conf", "# by hand\n")
	if out, ok := s.run("apache", "config", "-c", "modgw.hcl", "--split", "apache"); ok || !strings.Contains(out, "MGW-APA-011") {
		t.Errorf("a file of the administrator's: %t\n%s", ok, out)
	}
}

func wsgiApp(says string) string {
	return fmt.Sprintf(`
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [%q.encode()]
`, says)
}
