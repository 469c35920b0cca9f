package venv

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/wheeltest"
	"github.com/modgw/modgw/modgw"
)

// site is an app in a folder, a folder of packages in place of an index, and a state folder.
type site struct {
	t       *testing.T
	root    string
	index   string
	state   string
	environ []string
	steps   []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	base, err := os.MkdirTemp("", "venv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, root: filepath.Join(base, "app"), index: filepath.Join(base, "index"), state: filepath.Join(base, "state")}
	for _, dir := range []string{s.root, s.index} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.environ = append(machineEnviron(), "PIP_FIND_LINKS="+s.index, "PIP_NO_INDEX=1", "PIP_CONFIG_FILE=/dev/null")
	return s
}

// quickSite returns a site whose environments are built by uv, in a tenth of pip's time, for tests
// that do not depend on the builder. If uv is not installed, pip builds them.
func quickSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.addUV()
	return s
}

// addUV makes uv build from now on, if it is installed. Like a uv that has made an environment
// before, it knows this machine's Python.
func (s *site) addUV() {
	s.t.Helper()
	dir, err := findUV()
	if err != nil {
		return
	}
	// at the end of PATH, so that the Python next to it is not found first
	s.environ[0] += ":" + dir
	user := strconv.Itoa(os.Geteuid())
	if err := os.CopyFS(filepath.Join(s.state, "cache", user, "uv"), os.DirFS(filepath.Join(usedBuilder().caches, user, "uv"))); err != nil {
		s.t.Fatal(err)
	}
}

// machineEnviron is how the interpreters of this machine are found.
func machineEnviron() []string {
	return []string{"PATH=" + pathWithoutUV(), "HOME=" + os.Getenv("HOME"), "PYENV_ROOT=" + os.Getenv("PYENV_ROOT")}
}

// pathWithoutUV has no shims of pyenv either, so that the system's Python comes first.
func pathWithoutUV() string {
	dirs := slices.DeleteFunc(filepath.SplitList(os.Getenv("PATH")), func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, "uv"))
		return err == nil || filepath.Base(dir) == "shims"
	})
	return strings.Join(dirs, ":")
}

// builder returns a Builder that shares the answers of this machine's programs with all others,
// like the builder of a host after its first build.
func (s *site) builder() *Builder {
	b := New(Config{State: s.state, Environ: s.environ})
	b.answers = usedBuilder().answers
	return b
}

// usedBuilder is a Builder that has made an environment without packages, by uv if it is installed,
// and knows this machine's Python.
var usedBuilder = sync.OnceValue(func() *Builder {
	environ := machineEnviron()
	if dir, err := findUV(); err == nil {
		environ[0] += ":" + dir
	}
	b := New(Config{State: filepath.Join(sharedFolder(), "used"), Environ: environ})
	// Tests without a Python fail by themselves.
	_, _ = b.Build(context.Background(), modgw.Descriptor{Name: "first", Kind: modgw.KindWSGI, Root: "/", WSGI: &modgw.WSGI{}}, nil)
	return b
})

// descriptor returns the descriptor of a WSGI app whose entry is hello.wsgi.
func (s *site) descriptor() modgw.Descriptor {
	return modgw.Descriptor{
		Name: "blog", Kind: modgw.KindWSGI, Root: s.root,
		WSGI: &modgw.WSGI{Entry: filepath.Join(s.root, "hello.wsgi")},
	}
}

func (s *site) write(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *site) build(d modgw.Descriptor) (*modgw.Environment, error) {
	s.steps = nil
	return s.builder().Build(s.t.Context(), d, func(step Step) { s.steps = append(s.steps, step.Text) })
}

func (s *site) mustBuild(d modgw.Descriptor) *modgw.Environment {
	s.t.Helper()
	env, err := s.build(d)
	if err != nil {
		s.t.Fatalf("%v\nsteps: %s", err, strings.Join(s.steps, "\n"))
	}
	return env
}

// mustFail builds and wants a fault with the code.
func (s *site) mustFail(d modgw.Descriptor, code string) *modgw.Fault {
	s.t.Helper()
	env, err := s.build(d)
	return wantFault(s.t, env, err, code)
}

func wantFault(t *testing.T, env *modgw.Environment, err error, code string) *modgw.Fault {
	t.Helper()
	var f *modgw.Fault
	if !errors.As(err, &f) || env != nil {
		t.Fatalf("got %+v, %v; want a fault", env, err)
	}
	if f.Code != code {
		t.Fatalf("code %s, want %s:\n%v", f.Code, code, f)
	}
	faulttest.Want(t, f.Error(), code)
	if !strings.HasPrefix(f.Summary, "cannot ") {
		t.Errorf("summary %q does not begin with cannot", f.Summary)
	}
	return f
}

// environments returns the names of the folders below envs.
func (s *site) environments() []string {
	entries, _ := os.ReadDir(filepath.Join(s.state, "envs"))
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// run runs Python code in an environment and returns its output.
func run(t *testing.T, env *modgw.Environment, code string) string {
	t.Helper()
	out, err := exec.Command(env.Interpreter, "-I", "-c", code).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// wheel puts a wheel into the index: one module of the package's name that has __version__, and
// more files.
func (s *site) wheel(name, version string, requires []string, more map[string]string) string {
	s.t.Helper()
	return wheeltest.Write(s.t, s.index, wheeltest.Package{Name: name, Version: version, Requires: requires, Files: more})
}

// sdist puts a source distribution into the index whose build runs the Python code.
func (s *site) sdist(name, version, code string) {
	s.t.Helper()
	f, err := os.Create(filepath.Join(s.index, name+"-"+version+".tar.gz"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	w := tar.NewWriter(z)
	for file, content := range map[string]string{
		"PKG-INFO":       "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n",
		"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
		"backend.py":     code,
	} {
		head := &tar.Header{Name: name + "-" + version + "/" + file, Mode: 0o644, Size: int64(len(content))}
		if err := w.WriteHeader(head); err != nil {
			s.t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		s.t.Fatal(err)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}
