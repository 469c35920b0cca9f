package venv

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/modgw"
)

// toolFolder is a set of programs that pretend to be Pythons, in folders of a made-up host.
type toolFolder struct {
	t    *testing.T
	base string
}

// put makes a program that pretends to be a Python with this version; path is relative to the
// toolFolder.
func (s toolFolder) put(path, implementation, version string) string {
	s.t.Helper()
	return s.program(path, fmt.Sprintf(
		`echo 'modgw:{"implementation": %q, "version": %q, "prefix": "/usr", "base_prefix": "/usr", "pip": "24.0"}'`,
		implementation, version))
}

func (s toolFolder) program(path, script string) string {
	s.t.Helper()
	path = filepath.Join(s.base, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// find searches the toolFolder, which also contains /usr/bin, /usr/local/bin and pyenv.
func (s toolFolder) find(app string, demands ...string) (interpreter, error) {
	s.t.Helper()
	b := New(Config{State: filepath.Join(s.base, "state"), Environ: []string{
		"PATH=" + filepath.Join(s.base, "pyenv/shims") + ":relative:" + filepath.Join(s.base, "bin"),
		"PYENV_ROOT=" + filepath.Join(s.base, "pyenv"), "HOME=/nonexistent",
	}})
	look := search{builder: b, host: b.host, app: modgw.AppName(app)}
	for _, text := range demands {
		d, err := parseDemand(text, "test")
		if err != nil {
			s.t.Fatal(err)
		}
		look.demands = append(look.demands, d)
	}
	return look.find(s.t.Context())
}

func TestAppsThatStartAtOnceAskAnInterpreterOnce(t *testing.T) {
	s := toolFolder{t, t.TempDir()}
	asked := filepath.Join(s.base, "asked")
	python := s.program("python3", "echo >>"+asked+`
sleep 0.1
echo 'modgw:{"implementation": "CPython", "version": "3.12.1", "prefix": "/usr", "base_prefix": "/usr"}'`)
	b := New(Config{State: filepath.Join(s.base, "state")})
	var apps sync.WaitGroup
	for range 8 {
		apps.Go(func() {
			if i, err := b.ask(t.Context(), python, nil, nil); err != nil || i.Version != "3.12.1" {
				t.Errorf("%+v, %v", i, err)
			}
		})
	}
	apps.Wait()
	if lines, err := os.ReadFile(asked); err != nil || len(lines) != 1 {
		t.Errorf("asked %d times, %v", len(lines), err)
	}
}

func TestOrderOfInterpreters(t *testing.T) {
	s := toolFolder{t, t.TempDir()}
	s.put("bin/python3", cpython, "3.28.4")
	s.put("bin/python3.28", cpython, "3.28.4")
	s.put("bin/python3.29", cpython, "3.29.0")
	s.put("pyenv/shims/python3.30", cpython, "3.30.0")
	s.put("pyenv/versions/3.28.9/bin/python", cpython, "3.28.9")
	s.put("pyenv/versions/3.27.9/bin/python", cpython, "3.27.9")
	s.put("pyenv/versions/3.27.10/bin/python", cpython, "3.27.10")
	s.put("pyenv/versions/pypy3.28-7.3/bin/python", pypy, "3.28.1")
	s.program("bin/python3.26", "echo this Python is broken; exit 1")
	for _, c := range []struct {
		why     string
		demands []string
		path    string
	}{
		{"nothing asked: python3 on PATH", nil, "bin/python3"},
		{"PATH before pyenv", []string{"3.28"}, "bin/python3.28"},
		{"exact version only pyenv has", []string{"3.28.9"}, "pyenv/versions/3.28.9/bin/python"},
		{"newest of a range on PATH", []string{">=3.27"}, "bin/python3.29"},
		{"all demands", []string{">=3.27", "<3.29"}, "bin/python3.28"},
		{"newest of pyenv", []string{"3.27"}, "pyenv/versions/3.27.10/bin/python"},
		{"PyPy by name only", []string{"pypy3.28"}, "pyenv/versions/pypy3.28-7.3/bin/python"},
		{"a path", []string{filepath.Join(s.base, "bin/python3.29")}, "bin/python3.29"},
	} {
		i, err := s.find("blog", c.demands...)
		if want := filepath.Join(s.base, c.path); err != nil || i.Path != want {
			t.Errorf("%s: %q, %v; want %q", c.why, i.Path, err, want)
		}
	}

	_, err := s.find("blog", "3.30")
	f := wantFault(t, nil, err, "MGW-ENV-003")
	for _, want := range []string{
		`"3.30 in test"`, filepath.Join(s.base, "bin/python3.29") + " is CPython 3.29.0", "bin/python3.26 cannot be asked: exit status 1",
	} {
		if !strings.Contains(f.Error(), want) {
			t.Errorf("the fault does not say %q:\n%v", want, f)
		}
	}
	if strings.Contains(f.Error(), "shims") {
		t.Errorf("a shim was asked:\n%v", f)
	}
}

func TestFreeThreadedPythonIsTakenWhenAskedFor(t *testing.T) {
	s := toolFolder{t, t.TempDir()}
	free := s.program("bin/python3.28t", `echo 'modgw:{"implementation": "CPython", "version": "3.28.1", "free_threaded": true, "prefix": "/usr", "base_prefix": "/usr"}'`)
	usual := s.put("bin/python3.28", cpython, "3.28.1")
	for demand, want := range map[string]string{"3.28t": free, "3.28": usual, ">=3.28": usual} {
		if i, err := s.find("blog", demand); err != nil || i.Path != want {
			t.Errorf("%s: %q, %v; want %q", demand, i.Path, err, want)
		}
	}
}

func TestGlobalVersionStandsInForShims(t *testing.T) {
	s := toolFolder{t, t.TempDir()}
	s.put("pyenv/versions/3.27.9/bin/python3", cpython, "3.27.9")
	s.put("bin/python3", cpython, "3.28.4")
	if err := os.WriteFile(filepath.Join(s.base, "pyenv/version"), []byte("3.27.9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if i, err := s.find("blog"); err != nil || i.Version != "3.27.9" {
		t.Errorf("got %s, %v", i, err)
	}
}

func TestOldPythonsAreRefused(t *testing.T) {
	s := toolFolder{t, t.TempDir()}
	old := s.put("bin/python3.7", cpython, "3.7.16")
	for _, demand := range []string{"3.7", old} {
		_, err := s.find("blog", demand)
		if f := wantFault(t, nil, err, "MGW-ENV-004"); !strings.Contains(f.Summary, "CPython 3.7.16") {
			t.Errorf("got %v", f)
		}
	}
}

func TestPathsThatAreNoPython(t *testing.T) {
	s := toolFolder{t, t.TempDir()}
	for path, why := range map[string]string{
		filepath.Join(s.base, "none"):      "no such file",
		s.base:                             "permission denied",
		s.program("liar", "echo hello"):    "it is no Python",
		s.program("failing", "kill -9 $$"): "signal: killed",
	} {
		_, err := s.find("blog", path)
		if f := wantFault(t, nil, err, "MGW-ENV-002"); !strings.Contains(f.Error(), why) {
			t.Errorf("%s: want %q in %v", path, why, f)
		}
	}
}

// An environment built on another virtual environment would break when that one is removed.
func TestVirtualEnvironmentsAreNotBuiltOnEachOther(t *testing.T) {
	s := quickSite(t)
	base := s.mustBuild(s.descriptor())
	d := s.descriptor()
	s.wheel("tiny", "1.0", nil, nil)
	// Otherwise they would share one environment.
	d.Python = modgw.Python{Version: base.Interpreter, Packages: []string{"tiny"}}
	env := s.mustBuild(d)
	target, err := filepath.EvalSymlinks(env.Interpreter)
	if err != nil || strings.HasPrefix(target, s.state) {
		t.Errorf("%s leads to %s, %v", env.Interpreter, target, err)
	}
	if config, err := os.ReadFile(filepath.Join(env.Dir, "pyvenv.cfg")); err != nil || strings.Contains(string(config), base.Dir) {
		t.Errorf("pyvenv.cfg: %s, %v", config, err)
	}
}

func TestChangedAndMissingInterpreters(t *testing.T) {
	s := newSite(t)
	python := toolFolder{t, s.root}.program("python", `exec /usr/bin/env python3 "$@"`)
	d := s.descriptor()
	d.Python.Version = python
	s.environ[0] = "PATH=/usr/bin:/bin"
	first, err := s.build(d)
	if err != nil {
		t.Skip("no python3 in the system: ", err)
	}
	toolFolder{t, s.root}.program("python", `# upgraded
exec /usr/bin/env python3 "$@"`)
	second := s.mustBuild(d)
	if second.ID == first.ID {
		t.Error("the upgraded interpreter has the environment of the old one")
	}
	if err := os.Remove(python); err != nil {
		t.Fatal(err)
	}
	f := s.mustFail(d, "MGW-ENV-002")
	for _, want := range []string{python, "no such file", second.Version, "not found (was "} {
		if !strings.Contains(f.Error(), want) {
			t.Errorf("the fault does not say %q:\n%v", want, f)
		}
	}
	if got := s.environments(); len(got) != 2 {
		t.Errorf("environments %v, want both", got)
	}
}
