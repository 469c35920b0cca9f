package python

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
)

// withLibraries is like withTemplate, for an app whose environment contains the modules.
func withLibraries(t *testing.T, libraries map[string]string, source string) *app {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "site-packages")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range libraries {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return withTemplate(t, gates+source, func(d *modgw.Descriptor) {
		d.Python.Path = []string{folder}
	})
}

// forked reports whether the app's worker was.
func (a *app) forked() bool { return a.tracked()[0].parent != nil }

// next starts the next generation of an app.
func (a *app) next() *app {
	a.Helper()
	next := a.again()
	if err := next.runner.Start(a.Context()); err != nil {
		a.Fatal(err)
	}
	next.listen()
	return next
}

func (a *app) library(name string) string {
	return filepath.Join(a.runner.app.Descriptor.Python.Path[0], name)
}

// excluded returns the modules of the environment that workers load themselves.
func (a *app) excluded() string {
	names := a.runner.zygote.Excluded()
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestModulesThatStartThingsAreLeftToTheWorker(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"thread": "import threading, time\nt = threading.Thread(target=threading.Event().wait, daemon=True)\nt.start()\n",
		"socket": "import socket\ns = socket.socket()\n",
		"file":   "f = open('/dev/null')\n",
		"signal": "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n",
		"error":  "import sys\nif 'hello' not in sys.modules: raise ValueError('too early')\n",
		"app":    "import hello\n",
		"hidden": "try:\n    import hello\nexcept Exception:\n    hello = None\n",
	} {
		t.Run(name, func(t *testing.T) {
			a := withLibraries(t, map[string]string{
				"starter.py": source, "user.py": "import starter\nimport plain\n", "usersuser.py": "import user\n", "plain.py": "import os\nPID = os.getpid()\n",
			}, `
import plain, threading, usersuser, starter
def application(environ, start_response):
    mine = plain.PID == os.getpid()
    threads = [t.name for t in threading.enumerate() if not t.name.startswith("modgw")]
    return ok(start_response, "%s %s %s" % (mine, hasattr(usersuser.user, "starter"), threads))
`)
			alone := a.again()
			alone.runner.files.Zygotes = nil
			if err := alone.runner.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			alone.listen()
			got, want := a.get("/").body, alone.get("/").body
			if got != strings.Replace(want, "True", "False", 1) {
				t.Errorf("got %q, on its own %q", got, want)
			}
			if a.excluded() != "starter user usersuser" || !a.forked() {
				t.Errorf("excluded %q, forked %t", a.excluded(), a.forked())
			}
		})
	}
}

const readsMode = "import os\nMODE = os.environ.get('MODE', 'none')\n"

func TestVariablesThatTheAppSetsReachModules(t *testing.T) {
	t.Parallel()
	a := withLibraries(t, map[string]string{"mode.py": readsMode, "plain.py": ""}, `
os.environ["MODE"] = "fast"
import plain, mode
def application(environ, start_response):
    return ok(start_response, mode.MODE)
`)
	if got := a.get("/").body; got != "fast" || !a.forked() || a.excluded() != "mode" {
		t.Errorf("got %q, forked %t, excluded %q", got, a.forked(), a.excluded())
	}
}

func TestAppThatOutgrowsItsTemplateGetsAnother(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(a *app){
		"sets a variable": func(a *app) { a.rewrite("hello.py", "#VARIABLE", `os.environ["MODE"] = "new"`) },
		"hides a module":  func(a *app) { a.write(a.path("mode.py"), "MODE = 'new'\n") },
		"changes a file":  func(a *app) { a.write(a.library("mode.py"), "MODE = 'new'\n# longer\n") },
	} {
		t.Run(name, func(t *testing.T) {
			a := withLibraries(t, map[string]string{"mode.py": readsMode}, `
sys.path.insert(0, ROOT)
#VARIABLE
import mode
def application(environ, start_response):
    return ok(start_response, mode.MODE)
`)
			if got := a.get("/").body; got != "none" || !a.forked() {
				t.Fatalf("got %q, forked %t", got, a.forked())
			}
			change(a)
			next := a.next()
			if got := next.get("/").body; got != "new" || next.forked() {
				t.Errorf("got %q, forked %t", got, next.forked())
			}
			a.eventually("news", func() bool { return a.log.Count("template outdated") == 1 })
			a.awaitTemplate()
			last := a.next()
			if got := last.get("/").body; got != "new" || !last.forked() {
				t.Errorf("with the other template: got %q, forked %t", got, last.forked())
			}
			if a.log.Count("level=ERROR") > 0 {
				t.Error("there are errors in the log")
			}
		})
	}
}

func TestTemplateThatDiesIsGivenUp(t *testing.T) {
	t.Parallel()
	a := prepareLibrary(t, "import os, sys\nif 'hello' not in sys.modules: os._exit(7)\n")
	a.eventually("reason", func() bool { return a.log.Count("template given up") == 1 && a.log.Count("exited with code 7") == 1 })
	next := a.next()
	if got := next.get("/"); got.status != 200 || next.forked() {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestBrokenAppIsNoFaultOfTheTemplate(t *testing.T) {
	t.Parallel()
	a := withTemplate(t, hello)
	for _, source := range []string{"1 / 0\n", "def f(:\n"} {
		a.write(a.path("hello.py"), source)
		next := a.again()
		if fault := next.failsToStart(); !strings.Contains(fault.Error(), "hello.py:1") {
			t.Error(fault)
		}
	}
	a.write(a.path("hello.py"), hello+"\n")
	if next := a.next(); !next.forked() || a.log.Count("template given up") != 0 {
		t.Error("the template was given up")
	}
}

// prepareLibrary serves an app that imports a module of its environment, on its own.
func prepareLibrary(t *testing.T, library string) *app {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "site-packages")
	a := prepare(t, "import library\n"+hello, func(d *modgw.Descriptor) { d.Python.Path = []string{folder} })
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	a.write(filepath.Join(folder, "library.py"), library)
	a.runner.files.Zygotes = new(zygote.Set)
	a.runner.files.Zygotes.Delay = 1
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	return a
}

func (a *app) write(path, text string) {
	a.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		a.Fatal(err)
	}
}

func (a *app) rewrite(name, old, text string) {
	a.Helper()
	data, err := os.ReadFile(a.path(name))
	if err != nil {
		a.Fatal(err)
	}
	a.write(a.path(name), strings.Replace(string(data), old, text, 1))
}

func TestFilesOutsideOfRootAndEnvironmentAreTold(t *testing.T) {
	t.Parallel()
	elsewhere := t.TempDir()
	a := prepare(t, "import sys, json, mine, edited\n"+hello, func(d *modgw.Descriptor) { d.Python.Path = []string{elsewhere} })
	a.write(filepath.Join(elsewhere, "edited.py"), "")
	a.write(a.path("mine.py"), "")
	told := make(chan []string, 1)
	a.runner.files.Zygotes = new(zygote.Set)
	a.runner.files.Outside = func(_ modgw.AppName, files []string, started time.Time) {
		if started.IsZero() || started.After(time.Now()) {
			t.Errorf("the worker was started at %s", started)
		}
		told <- files
	}
	a.runner.app.Descriptor.Python.NoTemplate = true
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	if got, want := <-told, []string{filepath.Join(elsewhere, "edited.py")}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if a.runner.zygote != nil {
		t.Error("there is a template that the app does not want")
	}
}
