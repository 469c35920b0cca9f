package tests

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/wheeltest"
)

// djangoSite is a typical Django project of a team: a release in a git checkout, to which "current"
// leads.
var djangoSite = map[string]string{
	"requirements.txt": "Django==4.2.30\nasgiref==3.8.1\nsqlparse==0.5.3\ntyping_extensions==4.12.2\n",
	"site_settings.py": `
import os
SECRET_KEY = "test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [os.path.join(os.path.dirname(__file__), "templates")]}]
`,
	"site_urls.py": `
from django.urls import path
import site_views
urlpatterns = [path("", site_views.index), path("ping", site_views.ping)]
`,
	"site_views.py":        djangoViews("one"),
	"templates/index.html": "<h1>Template one</h1>{{ version }} {{ greeting }}",
	"static/site.css":      "h1 { color: red }",
	"wsgi.py": `
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
`,
	".gitignore": "executed.txt\n",
}

func djangoViews(version string) string {
	return fmt.Sprintf(`
import os
from django.http import HttpResponse
from django.shortcuts import render
try:
    from greeting import __version__ as greeting
except ImportError:
    greeting = "none"
VERSION = %q
LOG = os.open(os.environ["EXECUTED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

def ping(request):
    os.write(LOG, (request.GET["id"] + "\n").encode())
    return HttpResponse("id=%%s " %% request.GET["id"])

def index(request):
    return render(request, "index.html", {
        "version": "views-" + VERSION, "greeting": "greeting-" + greeting})
`, version)
}

func djangoDescriptor(dir string) string {
	return `
app "site" {
  mount = "/site"
  root  = "current"
  wsgi {
    entry   = "wsgi.py"
    workers = 1
    threads = 4
  }
  python { version = ">=3.10" }
  env = {
    DJANGO_SETTINGS_MODULE = "site_settings"
    EXECUTED               = "` + dir + `/executed.txt"
  }
  alias "/static" { dir = "static" }
}
`
}

// TestADjangoSiteThroughAllItsChanges changes a site under load through Apache: every change shows,
// and every request is answered with 200.
func TestADjangoSiteThroughAllItsChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wheels := fronttest.Dir(t)
	wheeltest.Write(t, wheels, wheeltest.Package{Name: "greeting", Version: "1.0"})
	for _, release := range []string{"1", "2"} {
		for name, text := range djangoSite {
			s.write("apps/site/releases/"+release+"/"+name, text)
		}
	}
	s.write("apps/site/releases/2/site_views.py", djangoViews("release-2"))
	s.link("apps/site/current", "releases/1")
	s.git("init", "-q", "-b", "main")
	s.git("add", ".")
	s.git("commit", "-q", "-m", "one")
	s.write("apps/site/modgw.hcl", djangoDescriptor(s.dir))
	s.start("PIP_FIND_LINKS=" + wheels)
	apache := fronttest.StartApache(t, s.apacheSite())
	page := apache.URL + "/site/"

	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	book := newLedger(page + "ping")
	asking.Go(func() { book.run(ctx) })
	defer func() {
		stop()
		asking.Wait()
		book.settle(t, s.path("executed.txt"))
	}()
	shows := func(what string, wanted ...string) {
		t.Helper()
		s.eventually(what, func() bool {
			_, body := get(t, page)
			for _, want := range wanted {
				if !strings.Contains(body, want) {
					return false
				}
			}
			return true
		})
	}
	release := "apps/site/releases/1/"
	shows("the first page", "Template one", "views-one", "greeting-none")

	s.write(release+"site_views.py", djangoViews("two"))
	shows("an edited view", "views-two")

	s.write(release+"templates/index.html", strings.Replace(djangoSite["templates/index.html"], "one", "two", 1))
	shows("an edited template", "Template two")
	s.quiet("site") // a worker that had not read the template yet shows it before the reload

	generation := s.status("site").Generation.Number
	s.write(release+"static/site.css", "h1 { color: blue }")
	s.eventually("edited CSS", func() bool { _, css := get(t, page+"static/site.css"); return strings.Contains(css, "blue") })
	if now := s.status("site").Generation.Number; now != generation {
		t.Errorf("CSS made generation %d of %d: a file that no process has read needs no reload", now, generation)
	}

	s.write(release+"site_views.py", "def broken(:\n")
	s.eventually("the mistake is in status", func() bool {
		f := s.status("site").Failure
		return f != nil && strings.Contains(f.Text, "site_views.py") && strings.Contains(f.Text, "line 1")
	})
	shows("the old page, while the new code is broken", "views-two")
	s.write(release+"site_views.py", djangoViews("three"))
	shows("the fixed view", "views-three")

	s.write(release+"requirements.txt", djangoSite["requirements.txt"]+"greeting==1.0\n")
	shows("an added dependency", "greeting-1.0")
	s.write(release+"requirements.txt", djangoSite["requirements.txt"])
	shows("a removed dependency", "greeting-none")

	s.git("commit", "-q", "-a", "-m", "three")
	s.git("checkout", "-q", "-b", "wide")
	for i := range 500 {
		s.write(fmt.Sprintf("%spackage/module_%d.py", release, i), fmt.Sprintf("NUMBER = %d\n", i))
	}
	s.write(release+"site_views.py", djangoViews("wide"))
	s.git("add", ".")
	s.git("commit", "-q", "-m", "wide")
	shows("the branch on which 500 files were added", "views-wide")
	s.quiet("site")
	for _, branch := range []struct{ name, version string }{{"main", "views-three"}, {"wide", "views-wide"}} {
		before := s.status("site").Generation.Number
		s.git("checkout", "-q", branch.name)
		shows("branch "+branch.name, branch.version)
		s.quiet("site")
		if made := s.status("site").Generation.Number - before; made != 1 {
			t.Errorf("switching to branch %s made %d generations", branch.name, made)
		}
	}

	s.link("apps/site/current", "releases/2")
	shows("the release that current leads to now", "views-release-2", "Template one")
	s.mustRun("rollback", "site", "-c", "modgw.hcl")
	shows("the release before, rolled back to", "views-wide", "Template two")
}

// pythonNamed answers with the Python implementation that runs it, and records its requests.
const pythonNamed = `
import os, platform
LOG = os.open("executed.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

def application(environ, start_response):
    query = environ["QUERY_STRING"]
    if query:
        os.write(LOG, (query[3:] + "\n").encode())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(query + " " + platform.python_implementation()).encode()]
`

// TestAnAppGoesOverToAnotherPythonUnderLoad changes the Python of an app and changes it back, and
// no request is lost or answered with anything but 200.
func TestAnAppGoesOverToAnotherPythonUnderLoad(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "pypy3", "pypy3 pypy3-venv")
	s := newSite(t)
	describe := func(python string) {
		s.write("apps/one/modgw.hcl", fmt.Sprintf(`
			app "one" {
			  wsgi {
			    entry   = "app.py"
			    workers = 2
			    threads = 4
			  }
			  python { version = %q }
			}
		`, python))
	}
	s.write("apps/one/app.py", pythonNamed)
	describe(">=3.10")
	s.start()
	page := fronttest.StartApache(t, s.apacheSite()).URL + "/"
	shows := func(want string) {
		t.Helper()
		s.eventually("the app runs in "+want, func() bool { _, body := get(t, page); return body == " "+want })
	}
	shows("CPython")

	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	book := newLedger(page)
	asking.Go(func() { book.run(ctx) })
	defer func() {
		stop()
		asking.Wait()
		book.settle(t, s.path("apps/one/executed.txt"))
	}()
	describe("pypy3.9")
	shows("PyPy")
	describe(">=3.10")
	shows("CPython")
}

// link makes a symbolic link in place of an older one, as deployment tools do: at once.
func (s *site) link(name, target string) {
	s.t.Helper()
	if err := os.Symlink(target, s.path(name+".new")); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(s.path(name+".new"), s.path(name)); err != nil {
		s.t.Fatal(err)
	}
}

// git runs git in the first release.
func (s *site) git(args ...string) {
	s.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@localhost"}, args...)...)
	cmd.Dir = filepath.Join(s.dir, "apps/site/releases/1")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// quiet waits until no generation of an app is being made: for two seconds, in which one is made
// even on a busy machine, no file has changed and no generation has come or gone.
func (s *site) quiet(app string) {
	s.t.Helper()
	last, since := "", time.Now()
	s.eventually("the app is at rest", func() bool {
		status := s.status(app)
		now := fmt.Sprint(status.Generation.Number, len(status.Draining), status.Watch.LastEvent)
		if now != last || len(status.Draining) > 0 {
			last, since = now, time.Now()
		}
		return time.Since(since) >= 2*time.Second
	})
}
