package tests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

// settingsApp answers with the settings of its process. One half of it runs as CGI.
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

// TestProcessesOfAnAppAreStartedAsItsDescriptorSays checks a worker, a worker that was forked from
// the warm copy, and a CGI script.
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

// TestSettingsThatUsersOfModWSGIKnow checks a worker that was started by itself and a worker that
// was forked from the warm copy.
func TestSettingsThatUsersOfModWSGIKnow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/blog/lib/helper.py", "NAME = 'the library'")
	s.write("apps/blog/app.py", `
import json, locale, os, sys, warnings
import helper
def site(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json"), ("X-Method", environ["REQUEST_METHOD"])])
    with open("/proc/self/cmdline") as f:
        title = f.read().replace("\\0", " ")
    return [json.dumps({"optimize": sys.flags.optimize, "hash": hash("modgw"), "bytecode": sys.dont_write_bytecode,
        "warnings": sys.warnoptions, "lang": os.environ["LANG"], "locale": locale.getpreferredencoding(), "title": title,
        "helper": helper.NAME, "authorization": environ.get("HTTP_AUTHORIZATION", ""), "pid": os.getpid()}).encode()]
`)
	s.write("apps/blog/modgw.hcl", `
app "blog" {
  wsgi {
    entry   = "app:site"
    workers = 1
  }
  python { path = ["lib"] }
  env = { PYTHONOPTIMIZE = "1", PYTHONHASHSEED = "7", PYTHONDONTWRITEBYTECODE = "1", PYTHONWARNINGS = "ignore" }
}
`)
	s.start()
	apache := fronttest.StartApache(t, s.apacheSite())
	type answer struct {
		Optimize                                   int
		Hash                                       int64
		Bytecode                                   bool
		Warnings                                   []string
		Lang, Locale, Title, Helper, Authorization string
		PID                                        int
	}
	ask := func(method string) (got answer) {
		t.Helper()
		request, err := http.NewRequest(method, apache.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("user", "secret")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != 200 || response.Header.Get("X-Method") != method {
			t.Errorf("%s: %s, and the app saw %q", method, response.Status, response.Header.Get("X-Method"))
		}
		if method == "GET" {
			if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
		}
		return got
	}
	ask("HEAD")
	first := ask("GET")
	s.eventually("there is a warm copy", func() bool { return strings.Contains(s.log.String(), "template ready") })
	s.mustRun("restart", "blog", "-c", "modgw.hcl")
	second := ask("GET")
	if first.PID == second.PID || first.Hash != second.Hash {
		t.Errorf("the second worker: %+v, the first: %+v", second, first)
	}
	for _, got := range []answer{first, second} {
		if got.Optimize != 1 || !got.Bytecode || !slices.Contains(got.Warnings, "ignore") || got.Lang != "C.UTF-8" ||
			!strings.EqualFold(got.Locale, "UTF-8") || got.Helper != "the library" || !strings.HasPrefix(got.Authorization, "Basic ") ||
			!strings.Contains(got.Title, "app=blog") && !strings.Contains(got.Title, "modgw: blog") {
			t.Errorf("%+v", got)
		}
	}
}
