package tests

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/certtest"
	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
)

func TestApacheRunServesAppsThroughAnApacheOfItsOwn(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "apache2", "apache2")
	s := newSite(t)
	for _, app := range []string{"one", "two"} {
		s.write("apps/"+app+".hcl", strings.Replace(mounted(app, "/"+app), "app.py", app+".py", 1))
		s.write("apps/"+app+".py", answering(app))
	}
	s.url = s.spawnUntil(regexp.MustCompile(`apache ready url=(\S+)`), nil,
		"apache", "run", "apps", "--port", fmt.Sprint(fronttest.FreePort(t)), "--state", s.path("state"))
	for _, app := range []string{"one", "two"} {
		if code, body := s.get("/" + app + "/"); code != 200 || body != app {
			t.Errorf("/%s/: %d %q", app, code, body)
		}
	}
	if _, ok := s.run("status", "--state", s.path("state")); !ok {
		t.Error("the host behind Apache does not answer status")
	}
	s.mustRun("doctor", "--state", s.path("state"))

	s.write("apps/one.py", answering("new"))
	s.eventually("the edited app answers", func() bool { _, body := s.get("/one/"); return body == "new" })
	s.write("apps/one.py", "def broken(:")
	s.eventually("the mistake is told", func() bool { return strings.Contains(s.log.String(), "SyntaxError") })
	if code, body := s.get("/one/"); code != 200 || body != "new" {
		t.Errorf("with a mistake in the code: %d %q", code, body)
	}

	s.write("apps/three.py", answering("three"))
	s.write("apps/three.hcl", strings.Replace(mounted("three", "/three"), "app.py", "three.py", 1))
	s.eventually("a new descriptor is an app behind Apache", func() bool { _, body := s.get("/three/"); return body == "three" })
}

// Apache could not use the host's own listeners, here a single one with TLS; and an app that is
// still being built does not delay the others.
func TestApacheRunAnswersWithTheFirstAppBesideTheListenersOfTheFile(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "apache2", "apache2")
	s, gate := newSite(t), filepath.Join(fronttest.Dir(t), "gate")
	certtest.New(t).Issue(t, s.dir, "a.example")
	s.write("modgw.hcl", `
		apps  = ["apps/*/modgw.hcl"]
		state = "state"
		listen "http" {
		  address = "127.0.0.1:0"
		  tls {
		    certificate = "a.example.pem"
		    key         = "a.example.key"
		  }
		}
	`)
	s.write("apps/fast/modgw.hcl", mounted("fast", "/fast"))
	s.write("apps/fast/app.py", answering("fast"))
	s.write("apps/slow/modgw.hcl", mounted("slow", "/slow"))
	s.write("apps/slow/app.py", fmt.Sprintf("import os, time\nwhile not os.path.exists(%q): time.sleep(0.05)\n", gate)+answering("slow"))
	s.url = s.spawnUntil(regexp.MustCompile(`apache ready url=(\S+)`), nil,
		"apache", "run", "-c", s.path("modgw.hcl"), "--port", fmt.Sprint(fronttest.FreePort(t)))
	if code, body := s.get("/fast/"); code != 200 || body != "fast" {
		t.Errorf("while another app starts: %d %q", code, body)
	}
	if strings.Contains(s.log.String(), "ready apps=") {
		t.Error("all apps are ready already")
	}
	if err := os.WriteFile(gate, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.eventually("the other app answers too", func() bool { _, body := s.get("/slow/"); return body == "slow" })
}

func TestApacheRunLooksForItsPortBeforeItBuildsAnything(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "apache2", "apache2")
	s := newSite(t)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	s.write("apps/one/app.py", answering("one"))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	out, ok := s.run("apache", "run", "-c", "modgw.hcl", "--port", port)
	if ok || !faulttest.Has(out, "MGW-HST-001") || strings.Contains(out, "environment") {
		t.Errorf("succeeded: %v\n%s", ok, out)
	}
}
