package venv

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

const block = "# /// script\n# requires-python = \">=3.8\"\n# dependencies = [\"tiny==2.0\"]\n# ///\n"

func TestPrecedenceOfInputs(t *testing.T) {
	s := newSite(t)
	s.write("hello.wsgi", block)
	d := s.descriptor()
	for _, step := range []struct {
		change   func()
		source   string
		watched  []string
		packages []string
	}{
		{func() {}, "PEP 723 block of hello.wsgi", []string{"uv.lock", "pylock.toml", "requirements.txt", "hello.wsgi", "hello.wsgi.lock"}, []string{"tiny==2.0"}},
		{func() { s.write("hello.wsgi.lock", "version = 1\n") }, "hello.wsgi.lock",
			[]string{"uv.lock", "pylock.toml", "requirements.txt", "hello.wsgi", "hello.wsgi.lock"}, []string{"tiny==2.0"}},
		{func() {
			s.write("pyproject.toml", "[project]\ndependencies = [\"tiny\"]\n[dependency-groups]\nprod = [\"gunicorn\"]\n")
		},
			"hello.wsgi.lock", []string{"uv.lock", "pylock.toml", "requirements.txt", "hello.wsgi", "hello.wsgi.lock"}, []string{"tiny==2.0"}},
		{func() { s.write("requirements.txt", "tiny\n") }, "requirements.txt",
			[]string{"uv.lock", "pylock.toml", "requirements.txt", ".python-version", "pyproject.toml"}, nil},
		{func() { d.Python.Groups = []string{"prod"} }, "pyproject.toml with group prod",
			[]string{"uv.lock", "pylock.toml", "pyproject.toml", ".python-version"}, []string{"tiny", "gunicorn"}},
		{func() { s.write("pylock.prod.toml", "lock-version = \"1.0\"\n") }, "pylock.prod.toml with group prod",
			[]string{"uv.lock", "pylock.toml", "pylock.prod.toml", ".python-version", "pyproject.toml"}, nil},
		{func() { s.write("uv.lock", "version = 1\n") }, "uv.lock with group prod",
			[]string{"uv.lock", "pyproject.toml", "setup.py", "setup.cfg", ".python-version"}, nil},
		{func() { d.Python.Packages = []string{"tiny==1.0"} }, "packages",
			[]string{".python-version", "pyproject.toml"}, []string{"tiny==1.0"}},
		{func() {
			d.Python.Requirements = []string{s.write("deps/prod.txt", "-r base.txt\n"), s.write("deps/base.txt", "")}
		},
			"deps/prod.txt, deps/base.txt, packages",
			[]string{"deps/prod.txt", "deps/base.txt", ".python-version", "pyproject.toml"}, []string{"tiny==1.0"}},
		{func() { d.Python.Version = "3.12" }, "deps/prod.txt, deps/base.txt, packages",
			[]string{"deps/prod.txt", "deps/base.txt"}, []string{"tiny==1.0"}},
		{func() { d.Python.Venv = filepath.Join(s.root, ".venv") }, "venv " + filepath.Join(s.root, ".venv"),
			[]string{".venv/pyvenv.cfg"}, nil},
	} {
		step.change()
		in, err := readInputs(d, nil)
		if err != nil {
			t.Fatal(err)
		}
		var watched []string
		for _, path := range s.builder().Inputs(d) {
			watched = append(watched, files.Relative(s.root, path))
		}
		if in.source != step.source {
			t.Errorf("source %q, want %q", in.source, step.source)
		}
		if diff := cmp.Diff(step.watched, watched); diff != "" {
			t.Errorf("%s: %s", step.source, diff)
		}
		if diff := cmp.Diff(step.packages, in.packages); diff != "" {
			t.Errorf("%s: %s", step.source, diff)
		}
	}
}

func TestOneFileIsAnAppWithItsPackages(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "2.0", nil, nil)
	s.write("hello.wsgi", block+"import tiny\n")
	env := s.mustBuild(s.descriptor())
	if got := run(t, env, "import tiny; print(tiny.__version__)"); got != "2.0" {
		t.Errorf("tiny is %q", got)
	}
	s.write("hello.wsgi", "'''Only code was changed.'''\n"+block+"import tiny\n")
	if fp, err := s.builder().Fingerprint(s.descriptor()); fp != env.ID || err != nil {
		t.Errorf("a change of code made another environment: %q, %v", fp, err)
	}
	s.write("hello.wsgi", strings.Replace(block, "2.0", "2.1", 1))
	if fp, err := s.builder().Fingerprint(s.descriptor()); fp == env.ID || err != nil {
		t.Errorf("a change of the block made no other environment: %q, %v", fp, err)
	}
}

func TestIncludedRequirementsCount(t *testing.T) {
	s := newSite(t)
	s.write("requirements.txt", "-r deps/base.txt # the rest\n--constraint=deps/pins.txt\nhttps://example.com/x.whl\n")
	s.write("deps/base.txt", "-r../requirements.txt\ntiny \\\n  >= 1.0\n")
	s.write("deps/pins.txt", "tiny==1.0\n")
	b := s.builder()
	fingerprint := func() string {
		t.Helper()
		fp, err := b.Fingerprint(s.descriptor())
		if err != nil {
			t.Fatal(err)
		}
		return fp
	}
	before := fingerprint()
	s.write("deps/pins.txt", "tiny==2.0\n")
	if fingerprint() == before {
		t.Error("another constraint made no other environment")
	}
	s.write("deps/pins.txt", "tiny==1.0\n")
	s.write("deps/base.txt", "-r../requirements.txt\ntiny >= 1.0\n")
	if fingerprint() != before {
		t.Error("the same requirement on one line made another environment")
	}
	for _, name := range []string{"requirements.txt", "deps/base.txt", "deps/pins.txt"} {
		if !strings.Contains(strings.Join(b.Inputs(s.descriptor()), "\n"), filepath.Join(s.root, name)) {
			t.Errorf("%s is not watched", name)
		}
	}
}

func TestUnreadableRequirementsAreTold(t *testing.T) {
	s := newSite(t)
	d := s.descriptor()
	d.Python.Requirements = []string{filepath.Join(s.root, "none.txt")}
	s.mustFail(d, "MGW-ENV-005")

	s.write("requirements.txt", "tiny\n\n-r gone.txt\n")
	f := s.mustFail(s.descriptor(), "MGW-ENV-005")
	if want := filepath.Join(s.root, "requirements.txt") + ":3"; !strings.Contains(f.Hint, want) {
		t.Errorf("the hint does not name %s: %v", want, f)
	}
	if !strings.Contains(strings.Join(s.builder().Inputs(s.descriptor()), "\n"), "gone.txt") {
		t.Error("the file that must come is not watched")
	}

	for i := range maxRequirementFiles + 1 {
		s.write(fmt.Sprintf("r%d.txt", i), fmt.Sprintf("-r r%d.txt\n", i+1))
	}
	s.write("requirements.txt", "-r r0.txt\n")
	if f := s.mustFail(s.descriptor(), "MGW-ENV-005"); !strings.Contains(f.Error(), "more than 100 files") {
		t.Errorf("got %v", f)
	}
}

func TestRequirementsOfTheProjectMoveWithIt(t *testing.T) {
	s := quickSite(t)
	other := quickSite(t)
	other.environ = s.environ
	for content, same := range map[string]bool{"tiny==1.0\n": true, "./lib\n": false, "-e .\n": false, "tiny @ file:tiny.whl\n": false} {
		s.write("requirements.txt", content)
		other.write("requirements.txt", content)
		here, err1 := s.builder().Fingerprint(s.descriptor())
		there, err2 := other.builder().Fingerprint(other.descriptor())
		if err1 != nil || err2 != nil || (here == there) != same {
			t.Errorf("%q: %s (%v) and %s (%v), want equal: %v", content, here, err1, there, err2, same)
		}
	}
}

func TestHashesAreRequiredWhereThereAreSome(t *testing.T) {
	s := newSite(t)
	s.write("requirements.txt", "tiny==1.0 \\\n    --hash=sha256:00\n")
	in, err := readInputs(s.descriptor(), nil)
	if err != nil || !in.hashed {
		t.Errorf("hashed = %v, %v", in.hashed, err)
	}
}

func TestProjectSaysWhichPython(t *testing.T) {
	s := newSite(t)
	s.write(".python-version", "# ours\n3.12\n3.11\n")
	s.write("pyproject.toml", "[project]\nname = \"x\"\nrequires-python = \">=3.9\"\n")
	in, err := readInputs(s.descriptor(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range in.demands {
		got = append(got, d.text+" from "+d.from)
	}
	if diff := cmp.Diff([]string{"3.12 from .python-version", ">=3.9 from requires-python of pyproject.toml"}, got); diff != "" {
		t.Error(diff)
	}

	d := s.descriptor()
	d.Python.Version = "pypy3.9"
	if in, err = readInputs(d, nil); err != nil || len(in.demands) != 1 {
		t.Errorf("the descriptor's word is not the last: %+v, %v", in.demands, err)
	}
	d.Python.Version = "snake"
	s.mustFail(d, "MGW-ENV-001")
	s.write(".python-version", ">=snake\n")
	s.mustFail(s.descriptor(), "MGW-ENV-001")
	if err := os.Remove(filepath.Join(s.root, ".python-version")); err != nil {
		t.Fatal(err)
	}
	s.write("pyproject.toml", "[project\n")
	if f := s.mustFail(s.descriptor(), "MGW-ENV-023"); !strings.Contains(f.Error(), "toml: line ") {
		t.Errorf("the line is not named: %v", f)
	}
}

func TestIndexIsAnInput(t *testing.T) {
	s := newSite(t)
	before, err := s.builder().Fingerprint(s.descriptor())
	if err != nil {
		t.Fatal(err)
	}
	s.environ = append(s.environ, "PIP_EXTRA_INDEX_URL=http://127.0.0.1/simple", "PIP_DEFAULT_TIMEOUT=7")
	if after, err := s.builder().Fingerprint(s.descriptor()); after == before || err != nil {
		t.Errorf("another index made no other environment: %v", err)
	}
}

func TestEntriesThatAreNoScript(t *testing.T) {
	for entry, want := range map[string]string{
		"/srv/a.wsgi": "/srv/a.wsgi", "/srv/a.py": "/srv/a.py", "/srv/a.txt": "", "a.wsgi": "", "blog.wsgi": "", "blog.wsgi:app": "",
	} {
		if got := entryFile(modgw.Descriptor{WSGI: &modgw.WSGI{Entry: entry}}); got != want {
			t.Errorf("entryFile(%q) = %q", entry, got)
		}
		if got := entryFile(modgw.Descriptor{ASGI: &modgw.ASGI{Entry: entry}}); got != want {
			t.Errorf("entryFile(%q) of asgi = %q", entry, got)
		}
	}
}
