package tests

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
)

// answering returns a WSGI app that answers with a text.
func answering(text string) string {
	return `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"` + text + `"]
`
}

// mounted returns a descriptor for app.py.
func mounted(name, mount string) string {
	return `
app "` + name + `" {
  mount = "` + mount + `"
  wsgi {
    entry   = "app.py"
    workers = 1
  }
}
`
}

func TestF28F29AppsComeAndGoWithTheirDescriptors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", mounted("one", "/one"))
	s.write("apps/one/app.py", answering("one"))
	s.start()
	if code, body := s.get("/one"); code != 200 || body != "one" {
		t.Errorf("/one: %d %q", code, body)
	}

	s.write("apps/two/app.py", answering("two"))
	s.write("apps/two/modgw.hcl", mounted("two", "/two"))
	s.eventually("the new app answers", func() bool { _, body := s.get("/two"); return body == "two" })

	s.write("apps/two/modgw.hcl", mounted("two", "two"))
	s.eventually("the mistake shows in status", func() bool { return s.status("two").Failure != nil })
	if out := s.mustRun("status", "-c", "modgw.hcl"); !strings.Contains(out, "apps/two/modgw.hcl:3:11") {
		t.Errorf("status does not name the place of the mistake:\n%s", out)
	}
	for _, path := range []string{"/one", "/two"} {
		if code, _ := s.get(path); code != 200 {
			t.Errorf("%s while a descriptor is broken: %d", path, code)
		}
	}

	s.write("apps/two/modgw.hcl", mounted("two", "/second"))
	s.eventually("the app has moved", func() bool { _, body := s.get("/second"); return body == "two" })
	if code, _ := s.get("/two"); code != 404 {
		t.Errorf("the old mount answers %d", code)
	}

	if err := os.Remove(s.path("apps/two/modgw.hcl")); err != nil {
		t.Fatal(err)
	}
	s.eventually("the app is gone", func() bool { code, _ := s.get("/second"); return code == 404 })
	if code, body := s.get("/one"); code != 200 || body != "one" {
		t.Errorf("/one at the end: %d %q", code, body)
	}
	if n := s.status("one").Generation.Number; n != 1 {
		t.Errorf("the other app is in generation %d: it was disturbed", n)
	}
}

func TestAppThatCannotStartSaysWhyInTheLogAndNotToClients(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	s.write("apps/one/app.py", "import settings_that_are_not_there\n")
	s.start()
	code, body := s.get("/")
	if code != 503 || strings.Contains(body, "settings_that_are_not_there") {
		t.Errorf("answer %d %q", code, body)
	}
	if log := s.log.String(); !strings.Contains(log, "No module named 'settings_that_are_not_there'") || !strings.Contains(log, "app.py:1") {
		t.Errorf("the log does not name the cause and its place")
	}
	s.write("apps/one/app.py", answering("fixed"))
	s.eventually("the fixed app answers", func() bool { _, body := s.get("/"); return body == "fixed" })
}

var incident = regexp.MustCompile(`incident (\w+)`)

func TestIncidentIsFoundInTheLog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	s.write("apps/one/app.py", `
def application(environ, start_response):
    raise RuntimeError("the tea is cold")
`)
	s.start()
	code, body := s.get("/")
	found := incident.FindStringSubmatch(body)
	if code != 500 || found == nil || strings.Contains(body, "tea") {
		t.Fatalf("answer %d %q", code, body)
	}
	out := s.mustRun("logs", "--id", found[1], "-c", "modgw.hcl")
	if !strings.Contains(out, "RuntimeError: the tea is cold") || !strings.Contains(out, "app.py") {
		t.Errorf("logs --id printed\n%s", out)
	}
}

func TestDevelopmentShowsTheTracebackInTheBrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/app.py", `
def application(environ, start_response):
    raise RuntimeError("the tea is <cold>")
`)
	s.spawn(nil, "dev", "-v", "apps/one/app.py", "--listen", "http=127.0.0.1:0", "--state", s.path("state"))
	r, err := http.NewRequest("GET", s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var page strings.Builder
	if err := response.Write(&page); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 500 || !strings.Contains(page.String(), "RuntimeError: the tea is &lt;cold&gt;") || !strings.Contains(page.String(), "app.py") {
		t.Errorf("page %s", page.String())
	}
}

func TestF30RequirementThatCannotBeInstalledChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	s.write("apps/one/app.py", answering("one"))
	empty := fronttest.Dir(t)
	s.start("PIP_NO_INDEX=1", "PIP_FIND_LINKS="+empty, "UV_NO_INDEX=1", "UV_FIND_LINKS="+empty)
	s.write("apps/one/requirements.txt", "no-such-package==1.0\n")
	s.eventually("the failure shows in status", func() bool {
		f := s.status("one").Failure
		return f != nil && strings.Contains(f.Text, "no-such-package") && strings.Contains(f.Code, "MGW-ENV-")
	})
	if code, body := s.get("/"); code != 200 || body != "one" {
		t.Errorf("answer %d %q", code, body)
	}
}

func TestSIGHUPReloadsEverything(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	s.write("apps/one/app.py", answering("one"))
	s.start()
	for generation := 2; generation <= 4; generation++ {
		if err := syscall.Kill(s.pid, syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		s.eventually("a new generation serves", func() bool { return s.status("one").Generation.Number == generation })
	}
}

func TestSocketOfAnotherProgramIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	s.write("apps/one/app.py", answering("one"))
	other, err := net.Listen("unix", s.path("fcgi.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if out, ok := s.run("serve", "-c", "modgw.hcl"); ok || !strings.Contains(out, "fcgi.sock") || !strings.Contains(out, "MGW-HST-") {
		t.Errorf("a host came up on a socket in use:\n%s", out)
	}
	// A socket that a killed host left behind belongs to no process.
	other.(*net.UnixListener).SetUnlinkOnClose(false)
	other.Close()
	s.start()
}

func TestStateFolderBelongsToOneHost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	s.write("apps/one/app.py", answering("one"))
	s.start()
	out, ok := s.run("serve", "apps/one", "--listen", "http=127.0.0.1:0", "--state", s.path("state"), "--control", "unix:"+s.path("c.sock"))
	if ok || !faulttest.Has(out, "MGW-HST-010") {
		t.Errorf("a second host came up in the same state folder:\n%s", out)
	}
	if err := os.WriteFile(s.path("file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	out, ok = s.run("serve", "apps/one", "--listen", "http=127.0.0.1:0", "--state", s.path("file/state"))
	if ok || !faulttest.Has(out, "MGW-HST-011") {
		t.Errorf("a host came up without a state folder:\n%s", out)
	}
}

func TestAppRunsAsItsUserAndSeesNothingOfTheHost(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can run an app as another user")
	}
	s := newSite(t)
	s.write("apps/one/modgw.hcl", strings.Replace(mounted("one", "/"), "mount", "user = \"nobody\"\n  mount", 1))
	s.write("apps/one/app.py", `
import os

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    status = open("/proc/self/status").read()
    ids = [line for line in status.splitlines() if line.split(":")[0] in ("Uid", "Gid", "Groups", "CapEff")]
    return ["\n".join(ids + sorted(os.environ)).encode()]
`)
	s.start("SECRET_OF_THE_HOST=1")
	_, body := s.get("/")
	if strings.Contains(body, "SECRET") {
		t.Errorf("the app sees the host's environment:\n%s", body)
	}
	for _, want := range []string{"Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534", "CapEff:\t0000000000000000"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
}

func TestFilesThatADescriptorReadBelongToIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", `
		app "one" {
		  wsgi {
		    entry   = "app.py"
		    workers = 1
		  }
		  env = {
		    GREETING = trimspace(file("greeting.txt"))
		    PLUGINS  = join(",", fileset("plugins", "*.conf"))
		  }
		}
	`)
	s.write("apps/one/app.py", `
import os

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(os.environ["GREETING"] + " " + os.environ["PLUGINS"]).encode()]
`)
	s.write("apps/one/greeting.txt", "hello\n")
	s.write("apps/one/plugins/a.conf", "")
	s.start()
	shows := func(want string) {
		t.Helper()
		s.eventually("the app shows "+want, func() bool { _, body := s.get("/"); return body == want })
	}
	shows("hello a.conf")
	s.write("apps/one/greeting.txt", "welcome\n")
	shows("welcome a.conf")
	s.write("apps/one/plugins/b.conf", "")
	shows("welcome a.conf,b.conf")
}

func TestF22ChangeThatTakesTheCallableAwayChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	s.write("apps/one/app.py", answering("one"))
	s.start()
	for _, c := range []struct{ text, told string }{
		{"def my_app(environ, start_response):\n    pass\n", "my_app"},
		{"application = 'not callable'\n", "cannot call what"},
		{"import no_such_module\n", "no_such_module"},
		{"raise SystemExit(3)\n", "SystemExit"},
	} {
		s.write("apps/one/app.py", c.text)
		s.eventually("status tells "+c.told, func() bool {
			f := s.status("one").Failure
			return f != nil && strings.Contains(f.Text, c.told)
		})
		if code, body := s.get("/"); code != 200 || body != "one" {
			t.Errorf("after %q: %d %q", c.text, code, body)
		}
	}
	s.write("apps/one/app.py", answering("two"))
	s.eventually("the fixed app answers", func() bool { _, body := s.get("/"); return body == "two" })
}

func TestF36OneByOneEndsWithAllWorkers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", `
		app "one" {
		  wsgi {
		    entry   = "app.py"
		    workers = 3
		  }
		  reload { strategy = "one-by-one" }
		}
	`)
	s.write("apps/one/app.py", answering("one"))
	s.start()
	s.write("apps/one/app.py", answering("two"))
	s.eventually("the new code answers", func() bool { _, body := s.get("/"); return body == "two" })
	s.eventually("all workers are there again", func() bool {
		ready := 0
		for _, w := range s.status("one").Runner.Workers {
			if w.State == "ready" {
				ready++
			}
		}
		return ready == 3
	})
}

func TestF37BytecodeNeverHidesAChange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	s.write("apps/one/app.py", `
import text

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.TEXT]
`)
	s.write("apps/one/text.py", "TEXT = b'00'\n")
	s.start()
	// Of the same size, and most of them within the second that bytecode files count in.
	for n := 1; n <= 5; n++ {
		want := fmt.Sprintf("%02d", n)
		s.write("apps/one/text.py", "TEXT = b'"+want+"'\n")
		s.eventually("the change shows", func() bool { _, body := s.get("/"); return body == want })
	}
}

func TestSavedDescriptorIsOneReload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	s.write("apps/one/app.py", answering("one"))
	s.start()
	for n := 2; n <= 4; n++ {
		s.write("apps/one/modgw.hcl", mounted("one", "/")+fmt.Sprintf("# edited %d times\n", n))
		s.eventually("a new generation serves", func() bool { return s.status("one").Generation.Number >= n })
		s.quiet("one")
		if number := s.status("one").Generation.Number; number != n {
			t.Fatalf("generation %d serves after %d saves", number, n-1)
		}
	}
}

func TestWhatAnAppDoesOnceWhenItIsLoadedIsDoneByOneWorker(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/table/app.py", `import os, time

if not os.path.exists("table-1"):
    time.sleep(0.5)
    os.mkdir("table-1")

def application(environ, start_response):
    start_response("200 OK", [])
    return [b"table 1"]
`)
	s.write("apps/table/modgw.hcl", "app \"table\" {\n  wsgi {\n    entry   = \"app.py\"\n    workers = 3\n  }\n}\n")
	ready := func() (n int) {
		for _, w := range s.status("table").Runner.Workers {
			if w.State == "ready" {
				n++
			}
		}
		return n
	}
	s.start()
	has(t, s.page("/"), "table 1")
	s.eventually("all workers are ready", func() bool { return ready() == 3 })
	s.edit("apps/table/app.py", "table-1", "table-2")
	s.eventually("the second generation serves", func() bool { return s.status("table").Generation.Number == 2 && ready() == 3 })
	if strings.Contains(s.log.String(), "FileExistsError") {
		t.Error("two workers did it at the same time")
	}
}
