package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The stubs replace the programs of a Debian machine on which all packages are installed, so that
// scripts/setup only has to find a Go. python3 answers "-m pip install … --target DIR" with a go of
// the pinned version.
const (
	dpkgStub = "echo install ok installed\n"
	noOutput = "true\n"
	pipStub  = `while [ "$#" -gt 0 ]; do [ "$1" = --target ] && target=$2; shift; done
mkdir -p "$target/go/bin"
printf '#!/bin/sh\necho go version go1.26.6 linux/amd64\n' >"$target/go/bin/go"
cp "$target/go/bin/go" "$target/go/bin/gofmt"
chmod +x "$target/go/bin/go" "$target/go/bin/gofmt"
`
)

func goStub(version string) string {
	return "echo go version go" + version + " linux/amd64\n"
}

func TestSetUpBringsAGoWhereTheMachinesDoesNotFit(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, machine := range []struct {
		name     string
		programs map[string]string
		says     string
		fetched  bool
	}{
		{"a Go that fits", map[string]string{"go": goStub("1.26.1")}, "ready, with Go 1.26.1", false},
		{"one that fetches its toolchain", map[string]string{"go": goStub("1.21.13")}, "ready, with Go 1.21.13", false},
		{"no Go", nil, "ready, with Go 1.26.6", true},
		{"Debian 12's own Go", map[string]string{"go": goStub("1.19.8")}, "ready, with Go 1.26.6", true},
		{"an older Go in apt", map[string]string{"apt-cache": "echo 'golang-go | 2:1.19~1 | bookworm'\n"}, "ready, with Go 1.26.6", true},
		{"backports", map[string]string{
			"apt-cache": "echo 'golang-go | 2:1.24~2~bpo12+1 | bookworm-backports'\necho 'golang-go | 2:1.19~1 | bookworm'\n",
			"apt-get": `case "$*" in *golang-go=2:1.24~2~bpo12+1*) dir=$(dirname "$0")
printf '#!/bin/sh\necho go version go1.24.4 linux/amd64\n' >"$dir/go"; chmod +x "$dir/go";; esac` + "\n",
		}, "ready, with Go 1.24.4", false},
	} {
		t.Run(machine.name, func(t *testing.T) {
			tree, bin := t.TempDir(), t.TempDir()
			for _, name := range []string{"setup", "go.txt"} {
				copyScript(t, name, tree)
			}
			stubs := map[string]string{
				"dpkg-query": dpkgStub, "apt-cache": noOutput, "apt-get": noOutput, "python3": pipStub, "id": "echo 0\n",
			}
			for name, body := range machine.programs {
				stubs[name] = body
			}
			for name, body := range stubs {
				writeProgram(t, filepath.Join(bin, name), body)
			}
			linkTools(t, bin, "sh", "awk", "chmod", "cp", "dirname", "head", "ln", "mkdir", "rm", "sed", "sort", "tail", "grep")
			command := exec.Command(bash, filepath.Join(tree, "scripts/setup"), "run")
			command.Env = []string{"PATH=" + bin, "HOME=" + t.TempDir()}
			out, err := command.CombinedOutput()
			if err != nil || !strings.Contains(string(out), machine.says) {
				t.Fatalf("%v\n%s\nwant: %s", err, out, machine.says)
			}
			_, err = os.Stat(filepath.Join(tree, ".tools/bin/go"))
			if fetched := err == nil; fetched != machine.fetched {
				t.Errorf("a Go was fetched: %t, want %t\n%s", fetched, machine.fetched, out)
			}
		})
	}
}

func copyScript(t *testing.T, name, tree string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../scripts", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(tree, "scripts"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "scripts", name), text, 0o755); err != nil {
		t.Fatal(err)
	}
}

// linkTools links programs of this machine into bin, so that PATH can do without folders that may
// hold a Go.
func linkTools(t *testing.T, bin string, names ...string) {
	t.Helper()
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func writeProgram(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o755); err != nil {
		t.Fatal(err)
	}
}
