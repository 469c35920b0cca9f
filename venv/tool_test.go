package venv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/modgw"
)

// uvFolder returns a folder with uv, from PATH or newly installed.
func uvFolder(t *testing.T) string {
	t.Helper()
	dir, err := findUV()
	if err != nil {
		t.Skip(err)
	}
	return dir
}

// findUV returns the folder with the uv of this machine, else with one that is installed.
func findUV() (string, error) {
	if path, err := exec.LookPath("uv"); err == nil {
		return filepath.Dir(path), nil
	}
	if testing.Short() {
		return "", errors.New("uv is not installed, and a short test downloads nothing")
	}
	return filepath.Join(sharedFolder(), "uv", "bin"), installUV()
}

// installUV installs uv where other users may run it, too.
var installUV = sync.OnceValue(func() error {
	dir := filepath.Join(sharedFolder(), "uv")
	for _, args := range [][]string{
		{"python3", "-m", "venv", "--without-pip", dir},
		{"python3", "-m", "pip", "--python", filepath.Join(dir, "bin", "python"), "install", "--quiet", "--only-binary=:all:", "uv"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("uv cannot be installed: %w\n%s", err, out)
		}
	}
	return nil
})

// TestUVThatTheSandboxDeniesIsNotUsed has a uv outside the folders that a ceiling allows.
func TestUVThatTheSandboxDeniesIsNotUsed(t *testing.T) {
	t.Parallel()
	if sandbox.Probe().Landlock == 0 {
		t.Skip("this kernel has no Landlock")
	}
	s := newSite(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "uv"), []byte("#!/bin/sh\necho uv 9.9.9\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.environ[0] += ":" + dir
	d := s.descriptor()
	b := s.builder()
	finds := func() bool {
		_, ok := b.uvVersion(t.Context(), &plan{descriptor: d, host: b.host})
		return ok
	}
	if !finds() {
		t.Error("uv is not found without a sandbox")
	}
	d.Sandbox = &modgw.Sandbox{Within: []string{s.root}}
	if finds() {
		t.Error("a uv was found that no build may run")
	}
}

func TestUVBuildsWhereItIsFound(t *testing.T) {
	t.Parallel()
	dir := uvFolder(t)
	s := newSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.wheel("tiny", "2.0", nil, nil)
	s.wheel("needsold", "1.0", []string{"tiny==1.0"}, nil)
	s.sdist("broken", "1.0", "import sys\nprint('the compiler is on holiday')\nsys.exit(3)\n")
	s.sdist("killed", "1.0", "import os\nos.killpg(0, 9)\n")
	// At the end of PATH, so that the Python next to it is not found first.
	s.environ[0] += ":" + dir
	s.write("requirements.txt", "tiny==1.0\n")
	env := s.mustBuild(s.descriptor())
	if !strings.HasPrefix(env.Builder, "uv ") || len(env.Packages) != 1 {
		t.Errorf("got %+v", env)
	}
	if got := run(t, env, "import tiny; print(tiny.__version__)"); got != "1.0" {
		t.Errorf("tiny is %q", got)
	}
	if again := s.mustBuild(s.descriptor()); again.ID != env.ID || again.Took != 0 {
		t.Errorf("got %+v", again)
	}
	for requirements, code := range map[string]string{
		"tinny\n":               "MGW-ENV-011",
		"tiny==7\n":             "MGW-ENV-011",
		"tiny==2.0\nneedsold\n": "MGW-ENV-011",
		"broken\n":              "MGW-ENV-019",
		"killed\n":              "MGW-ENV-020",
		"tiny==1.0 --hash=sha256:" + strings.Repeat("0", 64) + "\n": "MGW-ENV-014",
	} {
		s.write("requirements.txt", requirements)
		f := s.mustFail(s.descriptor(), code)
		if f.Output == "" && code != "MGW-ENV-020" {
			t.Errorf("%q: uv said nothing", requirements)
		}
	}

	d := s.descriptor()
	d.Python.Packages = []string{"tiny"}
	s.environ = append(s.environ[:3], "PIP_INDEX_URL=http://127.0.0.1:9/simple", "UV_HTTP_RETRIES=0")
	s.mustFail(d, "MGW-ENV-012")
}

func TestUVBuildsAsTheAppsUser(t *testing.T) {
	t.Parallel()
	s, d, uid := ownedSite(t)
	uv := uvFolder(t)
	needTool(t, uid, filepath.Join(uv, "uv"))
	s.environ[0] += ":" + uv
	s.wheel("tiny", "1.0", nil, nil)
	s.write("requirements.txt", "tiny\n")
	env := s.mustBuild(d)
	if !strings.HasPrefix(env.Builder, "uv ") {
		t.Errorf("built by %s", env.Builder)
	}
	info, err := os.Stat(filepath.Join(env.Dir, "lib"))
	if err != nil || ownerOf(info) != int(uid) {
		t.Errorf("the environment belongs to user %d, %v", ownerOf(info), err)
	}
	if entries, err := os.ReadDir(filepath.Join(s.state, "cache")); err != nil || len(entries) != 1 || entries[0].Name() != fmt.Sprint(uid) {
		t.Errorf("caches %v, %v", entries, err)
	}
}

func TestEveryPythonGetsAnEnvironment(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds one environment after the other")
	}
	s := newSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	built := 0
	versions := []string{"3.8", "3.13", "pypy3.9"}
	if os.Getenv("MODGW_TEST_EVERY_PYTHON") != "" {
		versions = append([]string{"3.9"}, append(versions, "pypy3.10")...)
	}
	for _, version := range versions {
		d := s.descriptor()
		d.Python = modgw.Python{Version: version, Packages: []string{"tiny"}}
		if _, err := (&search{builder: s.builder(), host: s.builder().host, demands: mustDemands(t, d)}).find(t.Context()); err != nil {
			t.Logf("no Python %s", version)
			continue
		}
		if strings.HasPrefix(version, "pypy") {
			s.addUV() // PyPy is left to pip all the same
		}
		env := s.mustBuild(d)
		if !strings.HasPrefix(env.Builder, "pip ") {
			t.Errorf("%s was left to %s", version, env.Builder)
		}
		if got := run(t, env, "import sys, tiny; print('%d.%d' % sys.version_info[:2])"); got != strings.TrimPrefix(version, "pypy") {
			t.Errorf("%s runs Python %s", version, got)
		}
		if len(env.Packages) != 1 {
			t.Errorf("%s: packages %v", version, env.Packages)
		}
		built++
	}
	if built == 0 {
		t.Skip("none of these Pythons is installed")
	}
}

func mustDemands(t *testing.T, d modgw.Descriptor) []demand {
	t.Helper()
	in, err := readInputs(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	return in.demands
}

// A host on which Debian's python3 is installed without python3-pip and python3-venv.
func TestPythonWithoutPip(t *testing.T) {
	s := newSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	real := s.mustBuild(s.descriptor())
	// An interpreter that hides its pip: it behaves as if pip were not installed.
	python := toolFolder{t, s.root}.program("python", `
case "$*" in
*import*pip*) `+real.Interpreter+` "$@" | sed 's/"pip": "[^"]*"/"pip": ""/; s/"ensurepip": true/"ensurepip": '$ENSURE'/; s/"prefix": "[^"]*"/"prefix": ""/; s/"base_prefix": "[^"]*"/"base_prefix": ""/' ;;
*) exec `+real.Interpreter+` "$@" ;;
esac`)
	d := s.descriptor()
	d.Python = modgw.Python{Version: python}
	ensure := func(value string) {
		t.Helper()
		data, err := os.ReadFile(python)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(python, []byte(strings.Replace(string(data), "'$ENSURE'", value, 1)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ensure("false")
	s.mustBuild(d) // an empty environment needs no pip
	d.Python.Packages = []string{"tiny"}
	f := s.mustFail(d, "MGW-ENV-009")
	if !strings.Contains(f.Hint, "uv") {
		t.Errorf("got %v", f)
	}
}

func TestVenvBringsPipWhereTheInterpreterHasNone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	d := s.descriptor()
	d.Python.Packages = []string{"tiny"}
	d.Python.Version = ">=3.12" // older ones bring setuptools as well, which takes twice as long
	b := s.builder()
	p, err := b.plan(t.Context(), d, func(Step) {})
	if err != nil {
		d.Python.Version = ""
		p, err = b.plan(t.Context(), d, func(Step) {})
	}
	if err != nil {
		t.Fatal(err)
	}
	r := p.recipe.(*pythonRecipe)
	if r.interpreter.Pip = "20.3"; !r.interpreter.EnsurePip {
		t.Skip("this Python has no ensurepip")
	}
	c := &construction{plan: p}
	if err := errors.Join(b.prepareFolders(p), c.prepare(b), r.build(t.Context(), b, c)); err != nil {
		t.Fatal(err)
	}
	if r.tool != (innerPip{}) {
		t.Errorf("built by %s", r.tool)
	}
	env := r.environment(p.dir, marker{})
	if got := run(t, &env, "import pip, tiny; print(tiny.__version__)"); got != "1.0" {
		t.Errorf("tiny is %q", got)
	}
}

// uv does not read pip.conf: if that file selects an index, uv must not use another one.
func TestIndexOfPipIsNotBypassed(t *testing.T) {
	s := newSite(t)
	config := s.write("pip.conf", "[global]\nindex-url = https://packages.example.com/simple\n")
	for _, c := range []struct {
		environ []string
		bypass  bool
	}{
		{[]string{"PIP_CONFIG_FILE=" + config}, true},
		{[]string{"PIP_CONFIG_FILE=" + config, "UV_DEFAULT_INDEX=https://packages.example.com/simple"}, false},
		{[]string{"PIP_CONFIG_FILE=/dev/null"}, false},
	} {
		if got := newHostEnviron(c.environ).onlyPipKnowsIndex(); got != c.bypass {
			t.Errorf("%v: %v, want %v", c.environ, got, c.bypass)
		}
	}
	noIndex, environ := newHostEnviron([]string{"PIP_NO_INDEX=1", "PIP_FIND_LINKS=/a /b", "PIP_INDEX_URL=x"}).inWordsOfUV()
	if want := "[UV_DEFAULT_INDEX=x UV_FIND_LINKS=/a,/b]"; !noIndex || fmt.Sprint(environ) != want {
		t.Errorf("got %v, %v; want %s", noIndex, environ, want)
	}
}
