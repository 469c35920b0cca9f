package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"testing"
)

// settingsApp tells how its process was started. Half of it runs as CGI.
const settingsApp = `
import json, os, resource, sys
def settings():
    mask = os.umask(0)
    os.umask(mask)
    return json.dumps({"groups": sorted(os.getgroups()), "umask": "%04o" % mask, "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "cwd": os.getcwd(), "stack": resource.getrlimit(resource.RLIMIT_STACK)[0], "pid": os.getpid()})
def application(environ, start_response):
    if environ["PATH_INFO"] == "/work":
        sum(range(10_000_000))
    start_response("200 OK", [("Content-Type", "application/json")])
    return [settings().encode()]
if __name__ == "__main__":
    print("Content-Type: application/json\n\n" + settings())
`

type processSettings struct {
	Groups []int
	Umask  string
	Nice   int
	Cwd    string
	Stack  int
	PID    int
}

func (s *site) processSettings(path string) (got processSettings) {
	s.t.Helper()
	code, body := s.get(path)
	if err := json.Unmarshal([]byte(body), &got); code != 200 || err != nil {
		s.t.Fatalf("%d %q: %v", code, body, err)
	}
	return got
}

// TestProcessesOfAnAppAreStartedAsItsDescriptorSays asks a worker, one that was forked from the
// warm copy, and a CGI script.
func TestProcessesOfAnAppAreStartedAsItsDescriptorSays(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("another user needs root")
	}
	s := newSite(t)
	var ids []int
	for _, name := range []string{"audio", "games"} {
		group, err := user.LookupGroup(name)
		if err != nil {
			t.Skip(err)
		}
		var id int
		if _, err := fmt.Sscan(group.Gid, &id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	const settings = `
  user   = "www-data"
  groups = ["games", "audio"]
  umask  = "0027"
  nice   = 5
  home   = "work"
  limits { stack = "1MiB" }
`
	s.write("apps/blog/app.py", "#!/usr/bin/env python3\n"+settingsApp)
	s.write("apps/blog/modgw.hcl", "app \"blog\" {"+settings+"  wsgi {\n    entry = \"./app.py\"\n    workers = 1\n  }\n}\n"+
		"app \"script\" {"+settings+"  mount = \"/script\"\n  cgi { script = \"app.py\" }\n}\n")
	if err := os.Mkdir(s.path("apps/blog/work"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.path("apps/blog/app.py"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.start()
	check := func(path, folder string) processSettings {
		t.Helper()
		got := s.processSettings(path)
		if !slices.Equal(got.Groups, ids) || got.Umask != "0027" || got.Nice != 5 || got.Stack != 1<<20 ||
			got.Cwd != s.path(folder) {
			t.Errorf("%s: %+v", path, got)
		}
		return got
	}
	first := check("/", "apps/blog/work").PID
	check("/script", "apps/blog") // CGI scripts run in their own folder: RFC 3875, section 7.2
	s.eventually("there is a warm copy", func() bool { return strings.Contains(s.log.String(), "template ready") })
	s.mustRun("restart", "blog", "-c", "modgw.hcl")
	if second := check("/", "apps/blog/work").PID; second == first {
		t.Error("the worker was not replaced")
	}
}

func TestWorkerThatHasUsedItsProcessorTimeIsReplaced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/blog/app.py", settingsApp)
	s.write("apps/blog/modgw.hcl", `
app "blog" {
  wsgi {
    entry   = "./app.py"
    workers = 1
  }
  recycle {
    cpu    = "500ms"
    jitter = 0
  }
}
`)
	s.start()
	first := s.processSettings("/work").PID
	s.eventually("another worker answers", func() bool { return s.processSettings("/work").PID != first })
	s.wantLog("of processor time")
}
