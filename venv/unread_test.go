package venv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestProjectFilesThatAreNotReadAreNamed(t *testing.T) {
	for file, want := range map[string]struct{ content, says string }{
		"Pipfile":                     {"[packages]\nsix = \"*\"\n", `"Pipfile" is not read: pipenv lock`},
		"Pipfile.lock":                {"{}", `"Pipfile.lock" is not read: pipenv requirements`},
		"environment.yml":             {"dependencies: [six]\n", `"environment.yml" is not read: make the environment with conda`},
		"setup.py":                    {"from setuptools import setup\nsetup()\n", `"setup.py" is not read: python { packages = ["."] }`},
		"poetry.lock":                 {"", `"poetry.lock" is not read: poetry export`},
		"requirements/production.txt": {"six\n", `"requirements/production.txt" is not read: python { requirements = ["requirements/production.txt"] }`},
		"requirements-prod.txt":       {"six\n", `"requirements-prod.txt" is not read: python { requirements = ["requirements-prod.txt"] }`},
		"pyproject.toml": {"[tool.poetry]\nname = \"x\"\npackage-mode = false\n[tool.poetry.dependencies]\nsix = \"*\"\n",
			`[tool.poetry.dependencies] of "pyproject.toml" is not read: poetry export`},
	} {
		t.Run(file, func(t *testing.T) {
			s := quickSite(t)
			s.write(file, want.content)
			env := s.mustBuild(s.descriptor())
			if len(env.Unread) != 1 || !strings.HasPrefix(env.Unread[0], want.says) {
				t.Errorf("unread %q, want %q", env.Unread, want.says)
			}
			if !strings.Contains(strings.Join(s.steps, "\n"), want.says) {
				t.Errorf("the build does not say so: %q", s.steps)
			}
			s.write("requirements.txt", "")
			if env := s.mustBuild(s.descriptor()); len(env.Unread) != 0 {
				t.Errorf("with requirements.txt, unread %q", env.Unread)
			}
		})
	}
}

func TestProjectWithABuildSystemIsInstalledAlsoWithoutDependencies(t *testing.T) {
	s := newSite(t)
	s.write("pyproject.toml", "[project]\nname = \"blog\"\nversion = \"1\"\n[build-system]\nrequires = []\n"+
		"build-backend = \"backend\"\nbackend-path = [\".\"]\n")
	in, err := readInputs(s.descriptor(), nil)
	if err != nil || in.source != "pyproject.toml" || in.editable != s.root {
		t.Errorf("source %q, editable %q, %v", in.source, in.editable, err)
	}
	s.write("pyproject.toml", "[tool.poetry]\nname = \"blog\"\nversion = \"1\"\n[tool.poetry.dependencies]\nsix = \"*\"\n"+
		"[build-system]\nrequires = [\"poetry-core\"]\nbuild-backend = \"poetry.core.masonry.api\"\n")
	if in, err = readInputs(s.descriptor(), nil); err != nil || in.editable != s.root {
		t.Errorf("of Poetry: source %q, editable %q, %v", in.source, in.editable, err)
	}
}

func TestVersionFilesOfPyenvAreUnderstood(t *testing.T) {
	for content, want := range map[string]struct{ version, note string }{
		"3.12\n":                        {"3.12", ""},
		"3.12.1/envs/site\n":            {"3.12.1", ""},
		"3.12 3.11.4\n":                 {"3.12", ""},
		"# ours\n\n3.12  # new\n3.11\n": {"3.12", ""},
		"site-venv\n":                   {"", `"site-venv" in .python-version`},
		"site-venv\n3.11\n":             {"3.11", `"site-venv" in .python-version`},
		"miniconda3-4.7.12/envs/x\n":    {"", `"miniconda3-4.7.12/envs/x" in .python-version`},
		"pypy3.9-7.3.11\n":              {"pypy3.9-7.3.11", ""},
		"system\n3.11\n":                {"", ""},
		">=3.9\n":                       {">=3.9", ""},
		"":                              {"", ""},
	} {
		in := &inputs{}
		d, err := in.readPythonVersion(content)
		if err != nil || d.text != want.version {
			t.Errorf("%q: %q, %v; want %q", content, d.text, err, want.version)
		}
		if notes := strings.Join(in.notes, "\n"); !strings.HasPrefix(notes, want.note) || want.note == "" && notes != "" {
			t.Errorf("%q: notes %q, want %q", content, notes, want.note)
		}
	}
}

func TestPrefixOfAWholePythonIsUsedAsItIs(t *testing.T) {
	out, err := exec.Command("/usr/bin/python3", "-c", "import sys; print(sys.base_prefix)").Output()
	if err != nil {
		t.Skip("no /usr/bin/python3")
	}
	s := newSite(t)
	d := s.descriptor()
	// A link represents a prefix that a version manager moves.
	d.Python.Venv = filepath.Join(s.root, "conda")
	if err := os.Symlink(strings.TrimSpace(string(out)), d.Python.Venv); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(d.Python.Venv, "bin/python")); err != nil {
		t.Skip("this prefix has no bin/python")
	}
	env := s.mustBuild(d)
	if env.Interpreter != filepath.Join(d.Python.Venv, "bin/python") {
		t.Errorf("interpreter %q", env.Interpreter)
	}
	d.Python.Venv = filepath.Join(s.root, "none")
	s.mustFail(d, "MGW-ENV-021")
}

func TestVariablesForBuildsReachPip(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.environ = append(s.environ, "PIP_FIND_LINKS="+filepath.Join(s.root, "nothing"))
	d := s.descriptor()
	requirements := ""
	for _, name := range []string{"one", "two", "three"} {
		s.index = filepath.Join(filepath.Dir(s.root), name)
		if err := os.Mkdir(s.index, 0o755); err != nil {
			t.Fatal(err)
		}
		s.wheel(name, "1.0", nil, nil)
		requirements += "--find-links ${" + strings.ToUpper(name) + "}\n" + name + "\n"
	}
	base := filepath.Dir(s.root)
	s.write("requirements.txt", requirements)
	d.Env = map[string]string{"ONE": base + "/one", "OTHER": "1"}
	d.BuildEnv = map[string]string{"TWO": base + "/two"}
	d.BuildSecrets = map[string]string{"THREE": base + "/three"}
	env := s.mustBuild(d)
	if len(env.Packages) != 3 {
		t.Errorf("packages %v", env.Packages)
	}
	d.Env["OTHER"] = "2"
	if s.fingerprint(d) != env.ID {
		t.Error("a variable that no requirement refers to made another environment")
	}
	d.BuildEnv["TWO"] += "/."
	if s.fingerprint(d) == env.ID {
		t.Error("build_env made no other environment")
	}
	d.BuildEnv["TWO"] = base + "/two"
	d.BuildSecrets["THREE"] += "/."
	if s.fingerprint(d) != env.ID {
		t.Error("another secret made another environment")
	}
}

func TestSecretsOfABuildAreShownNowhere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.environ = append(s.environ, "PIP_RETRIES=1")
	d := s.descriptor()
	const secret = "hunter2-and-more"
	d.Secrets = []string{secret}
	d.Python.Packages = []string{"no-such-package-" + secret, "other @ https://user:password123@127.0.0.1:1/other-1-py3-none-any.whl"}
	err := s.mustFail(d, "MGW-ENV-012").Error() + strings.Join(s.steps, "\n")
	if strings.Contains(err, secret) || strings.Contains(err, "password123") {
		t.Errorf("a secret is shown:\n%s", err)
	}
	d.Python.Packages = []string{"-r " + secret}
	if err := s.mustFail(d, "MGW-ENV-006").Error(); strings.Contains(err, secret) {
		t.Errorf("a secret is shown:\n%s", err)
	}
	d = modgw.Descriptor{Name: "blog", Kind: modgw.KindHTTP, Root: s.root, HTTP: &modgw.HTTP{Command: []string{"/bin/true"}},
		Build: &modgw.Build{Command: []string{"sh", "-c", "echo $TOKEN; exit 3", secret}}, Secrets: []string{secret},
		BuildSecrets: map[string]string{"TOKEN": secret}}
	if err := s.mustFail(d, "MGW-ENV-029").Error() + strings.Join(s.steps, "\n"); strings.Contains(err, secret) || !strings.Contains(err, "(secret)") {
		t.Errorf("a secret is shown, or the command did not get it:\n%s", err)
	}
}

func TestEnvironmentsAreBuiltAFewAtATimeAndThoseThatAreThereWaitForNone(t *testing.T) {
	s := quickSite(t)
	there := s.descriptor()
	s.mustBuild(there)
	b := New(Config{State: s.state, Environ: s.environ, Parallel: 1})
	b.turns <- struct{}{} // another build runs
	if _, err := b.Build(t.Context(), there, nil); err != nil {
		t.Fatal(err)
	}
	waiting := s.descriptor()
	waiting.Name, waiting.Python.Packages = "shop", []string{"tiny"}
	s.wheel("tiny", "1.0", nil, nil)
	waits, built := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := b.Build(t.Context(), waiting, func(step Step) {
			if step.Text == "waiting for other builds" {
				close(waits)
			}
		})
		built <- err
	}()
	<-waits
	select {
	case err := <-built:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	<-b.turns
	if err := <-built; err != nil {
		t.Fatal(err)
	}
}

func TestOnlyProgramsOfNodeGetItsPackages(t *testing.T) {
	for command, want := range map[string]bool{
		"node server.js": true, "/usr/local/bin/node .": true, "npm start": true, "npx serve": true, "./server.mjs": true,
		"node_modules/.bin/next start": true, "no-such-program-next start": true,
		"sh start.sh": false, "./server": false, "/usr/bin/ruby app.rb": false, "env python3 app.py": false,
	} {
		d := modgw.Descriptor{HTTP: &modgw.HTTP{Command: strings.Fields(command)}}
		if got := isNodeProgram(d); got != want {
			t.Errorf("%s: %t", command, got)
		}
	}
	s := newSite(t)
	s.write("package.json", `{"dependencies": {"express": "^4"}}`)
	d := modgw.Descriptor{Name: "shop", Kind: modgw.KindHTTP, Root: s.root, HTTP: &modgw.HTTP{Command: []string{"node", "server.js"}}}
	if env := s.mustBuild(d); len(env.Unread) != 1 || !strings.Contains(env.Unread[0], "npm install") {
		t.Errorf("unread %q", env.Unread)
	}
	s.write("package-lock.json", "no lock")
	s.mustFail(d, "MGW-ENV-023")
	d.HTTP.KeepPackages = true
	if env := s.mustBuild(d); env.ID != "" {
		t.Errorf("%s was built", env.ID)
	}
}

func TestALockOfTheWorkspaceAboveIsFound(t *testing.T) {
	s := newSite(t)
	s.write("pyproject.toml", "[tool.uv.workspace]\nmembers = [\"sites/*\"]\n")
	s.write("uv.lock", "version = 1\n[[package]]\nname = \"blog\"\nsource = { virtual = \"sites/blog\" }\n")
	s.write("sites/blog/pyproject.toml", "[project]\nname = \"blog\"\nversion = \"1\"\n")
	s.write("sites/other/pyproject.toml", "[project]\nname = \"other\"\nversion = \"1\"\n")
	d := s.descriptor()
	d.Root = filepath.Join(s.root, "sites/blog")
	in, err := readInputs(d, nil)
	if err != nil || in.project != d.Root || in.source != filepath.Join(s.root, "uv.lock") {
		t.Errorf("project %q, source %q, %v", in.project, in.source, err)
	}
	d.Root = filepath.Join(s.root, "sites/other")
	if in, err = readInputs(d, nil); err != nil || in.project != "" {
		t.Errorf("of no member: project %q, %v", in.project, err)
	}
}

func TestPackagesForAnotherPythonNameThePythonThatThereIs(t *testing.T) {
	for _, output := range []string{
		"ERROR: Ignored the following versions that require a different python version: 5.0 Requires-Python >=3.10",
		"ERROR: Package 'django' requires a different Python: 3.8.18 not in '>=3.10'",
		"Because the current Python version (3.8.18) does not satisfy Python>=3.10 and django==5.0 depends on Python>=3.10",
		"Because the requested Python version (>=3.8) does not satisfy Python>=3.10",
	} {
		if !otherPython.MatchString(output) {
			t.Errorf("not understood: %s", output)
		}
	}
}
