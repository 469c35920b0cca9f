package venv

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// pythonThat returns a program that runs a shell script and then this machine's Python.
func (s *site) pythonThat(script string) string {
	s.t.Helper()
	b := s.builder()
	real, err := (&search{builder: b, host: b.host}).find(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return toolFolder{s.t, s.root}.program("python", script+"\nexec "+real.Path+` "$@"`)
}

func TestAPythonThatMakesNoEnvironmentIsExplained(t *testing.T) {
	s := newSite(t)
	d := s.descriptor()
	d.Python.Version = s.pythonThat(`case "$*" in *"-m venv"*) echo "no room" >&2; exit 3 ;; esac`)
	s.mustFail(d, "MGW-ENV-008")
	d.Python.Version = s.pythonThat("")
	s.mustBuild(d)
}

func TestAnInstallerThatFailsForAnUnknownReasonIsExplained(t *testing.T) {
	s := newSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	d := s.descriptor()
	d.Python.Packages = []string{"tiny"}
	d.Python.Version = s.pythonThat(`case "$*" in *"-m pip"*) echo "the moon is full" >&2; exit 3 ;; esac`)
	s.mustFail(d, "MGW-ENV-010")
}

func TestAPackageForAnotherPythonIsExplained(t *testing.T) {
	s := newSite(t)
	const metadata = "Metadata-Version: 2.1\nName: tiny\nVersion: 2.0\nRequires-Python: >=3.99\n"
	s.wheel("tiny", "2.0", nil, map[string]string{"tiny-2.0.dist-info/METADATA": metadata})
	s.wheel("tiny", "1.0", nil, nil)
	d := s.descriptor()
	d.Python.Packages = []string{"tiny==2.0"}
	s.mustFail(d, "MGW-ENV-033")
	d.Python.Packages = []string{"tiny<2"}
	d.Python.Version = s.pythonThat("") // a script before Python and its pip does no harm by itself
	s.mustBuild(d)
}

func TestInputsThatTheBuildersUserMayNotReadAreExplained(t *testing.T) {
	s, owned, _ := ownedSite(t)
	s.write("frontend/a.js", "1")
	d := frontend(s, "true")
	d.User = owned.User
	file := filepath.Join(s.root, "frontend/a.js")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	s.mustFail(d, "MGW-ENV-028")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	s.mustBuild(d)
}

// programs creates a folder with this machine's Node.js and a script in place of npm, at the
// beginning of PATH.
func (s *site) programs(npm string) (folder string) {
	s.t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		s.t.Skip(err)
	}
	folder = filepath.Join(filepath.Dir(s.root), "programs")
	toolFolder{s.t, folder}.program("npm", npm)
	if err := os.Symlink(node, filepath.Join(folder, "node")); err != nil && !os.IsExist(err) {
		s.t.Fatal(err)
	}
	s.environ[0] = "PATH=" + folder + ":/usr/bin:/bin"
	return folder
}

func TestAnNPMThatFailsForAnUnknownReasonIsExplained(t *testing.T) {
	s, d := nodeSite(t)
	s.programs(`case "$1" in --version) echo 9.9.9 ;; *) echo "the moon is full" >&2; exit 3 ;; esac`)
	s.mustFail(d, "MGW-ENV-030")
}

func TestANodeThatTheAppsUserMayNotRunIsExplained(t *testing.T) {
	needRoot(t)
	s, d := nodeSite(t)
	folder := s.programs("exit 3")
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	d.User = "nobody"
	s.mustFail(d, "MGW-ENV-031")
	if err := os.Mkdir(filepath.Join(s.root, "node_modules"), 0o755); err != nil { // as npm ci does
		t.Fatal(err)
	}
	if env := s.mustBuild(d); env.ID != "" {
		t.Errorf("the app's own packages are not used: %+v", env)
	}
}
