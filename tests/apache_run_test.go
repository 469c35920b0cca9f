package tests

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

func TestApacheRunServesAppsThroughAnApacheOfItsOwn(t *testing.T) {
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
