package venv

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/modgw"
)

// backend is a build backend in the project itself, which needs no index. Installed as editable,
// the project is a path in site-packages; else it is copied.
const backend = `
import os, zipfile
NAME = "shoplib"
def wheel(folder, files):
    info = NAME + "-1.0.dist-info/"
    files = dict(files)
    files[info + "METADATA"] = "Metadata-Version: 2.1\nName: %s\nVersion: 1.0\nRequires-Dist: tiny\n" % NAME
    files[info + "WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[info + "RECORD"] = "".join(name + ",,\n" for name in files)
    name = NAME + "-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as z:
        for path, text in files.items():
            z.writestr(path, text)
    return name
def build_wheel(folder, config_settings=None, metadata_directory=None):
    return wheel(folder, {"shoplib.py": open("src/shoplib.py").read()})
def build_editable(folder, config_settings=None, metadata_directory=None):
    return wheel(folder, {"shoplib.pth": os.path.abspath("src") + "\n"})
`

const packaged = `[project]
name = "shoplib"
version = "1.0"
dependencies = ["tiny"]
requires-python = ">=3.8"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
`

// writePackage makes a project with a build system in a folder of the app.
func (s *site) writePackage(dir string) {
	s.t.Helper()
	s.write(filepath.Join(dir, "pyproject.toml"), packaged)
	s.write(filepath.Join(dir, "backend.py"), backend)
	s.write(filepath.Join(dir, "src/shoplib.py"), "answer = 41\n")
}

func (s *site) fingerprint(d modgw.Descriptor) string {
	s.t.Helper()
	fp, err := s.builder().Fingerprint(d)
	if err != nil {
		s.t.Fatal(err)
	}
	return fp
}

func names(env *modgw.Environment) string {
	var list []string
	for _, p := range env.Packages {
		list = append(list, p.Name)
	}
	return strings.Join(list, " ")
}

func TestDependenciesOfAProjectAreInstalled(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	for _, name := range []string{"tiny", "webby", "maily", "prody", "basey"} {
		s.wheel(name, "1.0", nil, nil)
	}
	s.write("pyproject.toml", `[project]
name = "my-blog"
dependencies = ["tiny"]
[project.optional-dependencies]
web = ["webby"]
all = ["My_Blog[web]", "maily"]
[dependency-groups]
base = ["basey"]
prod = [{include-group = "base"}, "prody"]
round = [{include-group = "Round"}]
`)
	d := s.descriptor()
	if env := s.mustBuild(d); names(env) != "tiny" || env.Source != "pyproject.toml" {
		t.Errorf("got %q from %q", names(env), env.Source)
	}
	d.Python.Extras, d.Python.Groups = []string{"all"}, []string{"prod"}
	if env := s.mustBuild(d); names(env) != "basey maily prody tiny webby" || env.Source != "pyproject.toml [all] with group prod" {
		t.Errorf("got %q from %q", names(env), env.Source)
	}
	for _, c := range []struct {
		python modgw.Python
		want   string
	}{
		{modgw.Python{Extras: []string{"none"}}, `no extra "none"`},
		{modgw.Python{Groups: []string{"none"}}, `no dependency group "none"`},
		{modgw.Python{Groups: []string{"round"}}, "includes itself"},
	} {
		d.Python = c.python
		if f := s.mustFail(d, "MGW-ENV-023"); !strings.Contains(f.Error(), c.want) {
			t.Errorf("want %q in %v", c.want, f)
		}
	}
	s.write("pyproject.toml", "[tool.ruff]\nline-length = 120\n")
	if in, err := readInputs(s.descriptor(), nil); err != nil || !in.isEmpty() {
		t.Errorf("got %+v, %v", in, err)
	}
}

func TestProjectThatIsAPackageRunsItsOwnCode(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.writePackage(".")
	env := s.mustBuild(s.descriptor())
	if names(env) != "shoplib tiny" {
		t.Errorf("packages %q", names(env))
	}
	s.write("src/shoplib.py", "answer = 42\n")
	if got := run(t, env, "import shoplib; print(shoplib.answer)"); got != "42" {
		t.Errorf("the code that runs is an old one: %s", got)
	}
	if s.fingerprint(s.descriptor()) != env.ID {
		t.Error("a change of code made another environment")
	}
	s.write("pyproject.toml", packaged+"[tool.ruff]\nline-length = 120\n")
	if s.fingerprint(s.descriptor()) != env.ID {
		t.Error("a linter's setting made another environment")
	}
	s.write("pyproject.toml", strings.Replace(packaged, `"tiny"`, `"tiny>=1"`, 1))
	if s.fingerprint(s.descriptor()) == env.ID {
		t.Error("another dependency made no other environment")
	}
}

func TestLocalProjectsAreInputs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.checkLocalProjects(false)
	d := s.descriptor()
	wheel := s.wheel("tiny", "2.0", nil, nil)
	d.Python.Packages = []string{wheel}
	before := s.fingerprint(d)
	s.wheel("tiny", "2.0", nil, map[string]string{"more.py": ""})
	if s.fingerprint(d) == before {
		t.Error("a wheel with other content made no other environment")
	}
}

// checkLocalProjects installs a project in the app's folder in each way, and changes its code. With
// keeps, the tool keeps the built files, so that each way is installed before the change as well;
// otherwise only if the environment stays the same.
func (s *site) checkLocalProjects(keeps bool) {
	t := s.t
	t.Helper()
	s.wheel("tiny", "1.0", nil, nil)
	s.writePackage("lib")
	for requirement, copied := range map[string]bool{"./lib": true, "-e ./lib": false, "shoplib @ file://" + s.root + "/lib": true} {
		s.write("lib/src/shoplib.py", "answer = 41\n")
		s.write("requirements.txt", requirement+"\n")
		before := s.fingerprint(s.descriptor())
		if keeps || !copied {
			s.mustBuild(s.descriptor())
		}
		s.write("lib/src/shoplib.py", "answer = 42\n")
		if changed := s.fingerprint(s.descriptor()) != before; changed != copied {
			t.Errorf("%s: changed code made another environment: %v", requirement, changed)
		}
		env := s.mustBuild(s.descriptor())
		if got := run(t, env, "import shoplib; print(shoplib.answer)"); got != "42" {
			t.Errorf("%s: the code that runs is an old one: %s", requirement, got)
		}
		if !strings.Contains(strings.Join(s.builder().Inputs(s.descriptor()), "\n"), filepath.Join(s.root, "lib/pyproject.toml")) {
			t.Errorf("%s: the project's file is not watched", requirement)
		}
	}
}

func TestLocalPaths(t *testing.T) {
	for line, want := range map[string]string{
		"./lib": "./lib", "-e .": ". editable", "--editable=../x[web]": "../x editable", "tiny @ file:///srv/tiny.whl": "/srv/tiny.whl",
		"lib/shop ; python_version > '3'": "lib/shop", "/srv/x.whl --hash=sha256:00": "/srv/x.whl", "-e lib#egg=x": "lib editable",
		"tiny": "", "tiny[web]==1.0": "", "https://example.com/x.whl": "", "tiny @ git+https://example.com/x": "",
		"-e git+ssh://git@example.com/x": "", "--index-url https://example.com/simple": "", "--find-links ./x": "",
	} {
		path, editable, ok := localPath(line)
		if editable && ok {
			path += " editable"
		}
		if path != want && ok || ok != (want != "") {
			t.Errorf("localPath(%q) = %q, %v", line, path, ok)
		}
	}
}

func TestLocksOfPEP751AreInstalledWithPip(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sum := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", sha256.Sum256(data))
	}
	tiny := sum(s.wheel("tiny", "1.0", []string{"unlisted"}, nil))
	s.wheel("tiny", "2.0", nil, nil)
	lock := `lock-version = "1.0"
requires-python = ">=3.8"
[[packages]]
name = "tiny"
version = "1.0"
wheels = [{name = "tiny-1.0-py3-none-any.whl", url = "https://example.com/tiny-1.0-py3-none-any.whl", hashes = {sha256 = "%s"}}]
[[packages]]
name = "wintool"
version = "1.0"
marker = "sys_platform == 'win32'"
wheels = [{hashes = {sha256 = "%[1]s"}}]
`
	s.write("pylock.toml", fmt.Sprintf(lock, tiny))
	env := s.mustBuild(s.descriptor())
	if diff := cmp.Diff([]modgw.Package{{Name: "tiny", Version: "1.0"}}, env.Packages); diff != "" || env.Source != "pylock.toml" {
		t.Errorf("from %q: %s", env.Source, diff)
	}
	s.write("pylock.toml", fmt.Sprintf(lock, strings.Repeat("0", 64)))
	s.mustFail(s.descriptor(), "MGW-ENV-014")

	for text, want := range map[string]string{
		"lock-version = \"2.0\"\n": "only 1.x is known",
		"lock-version = [\n":       "toml: line ",
	} {
		s.write("pylock.toml", text)
		if f := s.mustFail(s.descriptor(), "MGW-ENV-023"); !strings.Contains(f.Error(), want) {
			t.Errorf("want %q in %v", want, f)
		}
	}
	if err := os.Rename(filepath.Join(s.root, "pylock.toml"), filepath.Join(s.root, "pylock.a.toml")); err != nil {
		t.Fatal(err)
	}
	s.write("pylock.b.toml", "")
	if f := s.mustFail(s.descriptor(), "MGW-ENV-023"); !strings.Contains(f.Error(), "pylock.a.toml, pylock.b.toml") {
		t.Errorf("got %v", f)
	}
}

func TestLocksThatOnlyUVUnderstands(t *testing.T) {
	s := newSite(t)
	s.write("pylock.toml", "lock-version = \"1.0\"\n[[packages]]\nname = \"x\"\nvcs = {type = \"git\", url = \"https://example.com/x\"}\n")
	d := s.descriptor()
	in, err := readInputs(d, nil)
	if err != nil || in.unpinnable == nil {
		t.Fatalf("got %+v, %v", in, err)
	}
	p := &plan{descriptor: d}
	r := &pythonRecipe{inputs: in, interpreter: interpreter{Implementation: cpython, Version: "3.12.1", Pip: "25.0"}}
	_, err = s.builder().chooseTool(t.Context(), p, r)
	if f := wantFault(t, nil, err, "MGW-ENV-024"); !strings.Contains(f.Error(), "version control") {
		t.Errorf("got %v", f)
	}
	r.interpreter.Pip = "26.1"
	if tool, err := s.builder().chooseTool(t.Context(), p, r); err != nil || tool.String() != "pip 26.1" {
		t.Errorf("got %v, %v", tool, err)
	}

	args := pipLockArgs("/srv/pylock.toml", modgw.Python{Extras: []string{"a", "b"}, Groups: []string{"prod"}})
	if diff := cmp.Diff([]string{"-r", "/srv/pylock.toml[a,b]", "--group", "/srv/pylock.toml:prod"}, args); diff != "" {
		t.Error(diff)
	}

	s.write("uv.lock", "version = 1\n")
	s.write("pyproject.toml", "[project]\nname = \"x\"\n")
	f := s.mustFail(d, "MGW-ENV-024")
	for _, fix := range []string{"install uv", "uv export -o pylock.toml"} {
		if !strings.Contains(f.Hint, fix) {
			t.Errorf("the hint does not say %q: %v", fix, f)
		}
	}
}

func TestUVInstallsLocalProjectsAsTheyAreNow(t *testing.T) {
	t.Parallel()
	dir := uvFolder(t)
	s := newSite(t)
	s.environ[0] += ":" + dir
	s.checkLocalProjects(true)
}

func TestUVInstallsItsLocks(t *testing.T) {
	t.Parallel()
	dir := uvFolder(t)
	s := newSite(t)
	s.environ[0] += ":" + dir
	for _, name := range []string{"tiny", "webby", "prody", "devvy"} {
		s.wheel(name, "1.0", nil, nil)
	}
	s.writePackage(".")
	s.write("pyproject.toml", packaged+"[project.optional-dependencies]\nweb = [\"webby\"]\n"+
		"[dependency-groups]\ndev = [\"devvy\"]\nprod = [\"prody\"]\n")
	uv := func(args ...string) {
		t.Helper()
		p := process{args: append([]string{filepath.Join(dir, "uv")}, args...), dir: s.root}
		p.env = append(s.environ, "UV_NO_CACHE=1", "UV_OFFLINE=1", "UV_NO_INDEX=1", "UV_FIND_LINKS="+s.index)
		if out, err := p.output(t.Context()); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	uv("lock")
	d := s.descriptor()
	env := s.mustBuild(d)
	if names(env) != "shoplib tiny" || env.Source != "uv.lock" || !strings.HasPrefix(env.Builder, "uv ") {
		t.Errorf("got %q from %q by %q", names(env), env.Source, env.Builder)
	}
	s.write("src/shoplib.py", "answer = 42\n")
	if got := run(t, env, "import shoplib; print(shoplib.answer)"); got != "42" {
		t.Errorf("the code that runs is an old one: %s", got)
	}
	withUV := s.environ[0]
	s.environ[0] = "PATH=" + pathWithoutUV()
	if again := s.mustBuild(d); again.ID != env.ID || again.Builder != env.Builder || again.Took != 0 {
		t.Errorf("without uv, the environment that it has built is %+v, want %+v", again, env)
	}
	s.environ[0] = withUV
	d.Python.Extras, d.Python.Groups = []string{"web"}, []string{"prod"}
	if env = s.mustBuild(d); names(env) != "prody shoplib tiny webby" {
		t.Errorf("got %q", names(env))
	}
	s.write("pyproject.toml", strings.Replace(packaged, `"tiny"`, `"tiny", "webby"`, 1))
	if f := s.mustFail(s.descriptor(), "MGW-ENV-025"); !strings.Contains(f.Hint, "uv lock") {
		t.Errorf("got %v", f)
	}
	uv("lock")
	uv("export", "--no-emit-project", "-o", "pylock.toml")
	if err := os.Remove(filepath.Join(s.root, "uv.lock")); err != nil {
		t.Fatal(err)
	}
	if env = s.mustBuild(s.descriptor()); names(env) != "tiny webby" || env.Source != "pylock.toml" {
		t.Errorf("got %q from %q", names(env), env.Source)
	}

	if err := os.Remove(filepath.Join(s.root, "pylock.toml")); err != nil {
		t.Fatal(err)
	}
	s.write("hello.wsgi", block[:strings.Index(block, "tiny")]+"tiny\"]\n# ///\n")
	uv("lock", "--script", "hello.wsgi")
	if env = s.mustBuild(s.descriptor()); names(env) != "tiny" || env.Source != "hello.wsgi.lock" {
		t.Errorf("got %q from %q", names(env), env.Source)
	}
}
