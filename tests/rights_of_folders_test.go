package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asNobody is a descriptor of a WSGI app that runs as another user.
const asNobody = `
	app "other" {
	  user = "nobody"
	  wsgi {
	    entry   = "app.py"
	    workers = 1
	  }
	  %s
	}
`

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can run an app as another user")
	}
}

func TestUmaskOfTheHostShutsNobodyOut(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, umask := range []string{"077", "027"} {
		t.Run(umask, func(t *testing.T) {
			s := newSite(t)
			s.write("modgw.hcl", `
				apps  = ["apps/*/modgw.hcl"]
				state = "below/that/state"
				listen "http" { address = "127.0.0.1:0" }
			`)
			s.write("apps/other/modgw.hcl", fmt.Sprintf(asNobody, `python { packages = [] }`))
			s.write("apps/other/app.py", "import os\n"+wsgiPage("user %d", "os.getuid()"))
			s.within = []string{"sh", "-c", "umask " + umask + `; exec "$@"`, "sh"}
			s.start()
			if status, body := s.get("/"); status != 200 || body != "user 65534" {
				t.Errorf("got %d %q", status, body)
			}
			for name, want := range map[string]os.FileMode{
				"below": 0o755, "below/that/state": 0o755, "below/that/state/worker": 0o755, "below/that/state/host.lock": 0o600,
			} {
				if info, err := os.Stat(s.path(name)); err != nil || info.Mode().Perm() != want {
					t.Errorf("%s: %v, %v", name, info, err)
				}
			}
		})
	}
}

func TestAppOfAnotherUserOpensItsStreamsByName(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := newSite(t)
	s.write("apps/other/modgw.hcl", fmt.Sprintf(asNobody, `build { command = ["sh", "-c", "echo built >/dev/stderr && echo built >/dev/stdout"] }`))
	s.write("apps/other/app.py", `
import sys
for name in "/dev/stdout", "/dev/stderr":
    with open(name, "a") as f:
        f.write("via %s\n" % name)
`+wsgiPage("%s", "'up'"))
	s.start()
	if status, body := s.get("/"); status != 200 || body != "up" {
		t.Errorf("got %d %q", status, body)
	}
	for _, name := range []string{"stdout", "stderr"} {
		s.eventually("line of the app", func() bool { return strings.Contains(s.log.String(), "via /dev/"+name) })
	}
}

func TestLimitsOfAnotherUsersAppNeedNoPrivilege(t *testing.T) {
	t.Parallel()
	needRoot(t)
	if err := exec.Command("setpriv", "--bounding-set", "-sys_resource", "true").Run(); err != nil {
		t.Skip("setpriv(1) cannot take capabilities away: ", err)
	}
	s := newSite(t)
	s.write("apps/other/modgw.hcl", fmt.Sprintf(asNobody, `
		limits {
		  memory    = "1GiB"
		  files     = 200
		  processes = 500
		}
	`))
	s.write("apps/other/app.py", "import resource\n"+wsgiPage("%s",
		"[resource.getrlimit(n) for n in (resource.RLIMIT_DATA, resource.RLIMIT_NOFILE)] + [resource.getrlimit(resource.RLIMIT_NPROC)[0]]"))
	s.within = []string{"setpriv", "--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource"}
	s.start()
	want := "[(1073741824, 1073741824), (200, 200), 500]"
	means := s.status("other").Runner.Limits["processes"]
	status, body := s.get("/")
	if means != "rlimit" { // the app's own processes are counted, not its user's
		want = strings.TrimSuffix(want, "500]")
		body = body[:min(len(body), len(want))]
	}
	if status != 200 || body != want {
		t.Errorf("got %d %q, want %q, with processes bounded by %q", status, body, want, means)
	}
	s.write("apps/other/app.py", "import resource\n"+wsgiPage("forked %s", "resource.getrlimit(resource.RLIMIT_NOFILE)"))
	s.eventually("the next generation", func() bool { _, body := s.get("/"); return body == "forked (200, 200)" })
}

// wsgiPage returns the end of a WSGI app that answers with a Python format of a value.
func wsgiPage(format, value string) string {
	return fmt.Sprintf(`
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(%q %% (%s,)).encode()]
`, format, value)
}
