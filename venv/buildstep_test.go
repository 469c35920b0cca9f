package venv

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/modgw"
)

// frontend returns a static app whose command counts how often it ran.
func frontend(s *site, script string) modgw.Descriptor {
	return modgw.Descriptor{
		Name: "blog", Kind: modgw.KindStatic, Root: s.root, Static: &modgw.Static{Dir: s.root},
		Env: map[string]string{"THEME": "dark"},
		Build: &modgw.Build{
			Command: []string{"sh", "-c", script},
			Inputs:  []string{"frontend/**/*.js", filepath.Join(s.root, "package.json")},
		},
	}
}

func TestBuildCommandRunsWhenItsInputsChange(t *testing.T) {
	s := newSite(t)
	s.write("frontend/src/a.js", "1")
	d := frontend(s, `echo "building with $THEME in $PWD"; echo x >> runs; cat frontend/src/*.js > bundle`)
	runs := func() int {
		data, _ := os.ReadFile(filepath.Join(s.root, "runs"))
		return strings.Count(string(data), "x")
	}
	before := s.fingerprint(d)
	if s.mustBuild(d); !slices.Contains(s.steps, "building with dark in "+s.root) {
		t.Errorf("steps %q", s.steps)
	}
	s.mustBuild(d)
	s.write("notes.txt", "")
	if s.mustBuild(d); runs() != 1 || len(s.steps) != 0 {
		t.Errorf("%d runs, steps %q", runs(), s.steps)
	}
	s.write("frontend/src/b.js", "2")
	s.mustBuild(d)
	if bundle, err := os.ReadFile(filepath.Join(s.root, "bundle")); runs() != 2 || string(bundle) != "12" {
		t.Errorf("%d runs, bundle %q, %v", runs(), bundle, err)
	}
	if s.fingerprint(d) == before || !strings.Contains(before, "+") {
		t.Errorf("fingerprint %q", before)
	}
	d.Env["THEME"] = "light"
	if s.mustBuild(d); runs() != 3 {
		t.Errorf("%d runs after a variable changed", runs())
	}
	want := []string{filepath.Join(s.root, "frontend/src/a.js"), filepath.Join(s.root, "frontend/src/b.js")}
	if got := s.builder().Inputs(d); !slices.Equal(got, want) {
		t.Errorf("Inputs = %q, want %q", got, want)
	}
}

// TestBuildCommandSeesTheEnvironment builds both in a sandbox, which they must not notice.
func TestBuildCommandSeesTheEnvironment(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.write("requirements.txt", "tiny\n")
	d := s.descriptor()
	d.Sandbox = &modgw.Sandbox{}
	d.Build = &modgw.Build{Command: []string{"python", "-c", "import tiny, os; print('tiny', tiny.__version__, 'HOST' in os.environ)"}}
	s.environ = append(s.environ, "HOST=1")
	if s.mustBuild(d); !slices.Contains(s.steps, "tiny 1.0 False") {
		t.Errorf("steps %q", s.steps)
	}
}

func TestBuildCommandIsConfinedAsItsApp(t *testing.T) {
	t.Parallel()
	if sandbox.Probe().Landlock == 0 {
		t.Skip("the kernel has no Landlock")
	}
	s := newSite(t)
	secret := filepath.Join(s.state, "..", "secret")
	if err := os.WriteFile(secret, []byte("hunter2"), 0o644); err != nil {
		t.Fatal(err)
	}
	d := frontend(s, "cat "+secret+"; echo x > "+secret+"; echo temporary > $TMPDIR/a && cat $TMPDIR/a > made")
	d.Sandbox = &modgw.Sandbox{}
	s.mustBuild(d)
	if slices.Contains(s.steps, "hunter2") {
		t.Errorf("it reads what its app may not: %q", s.steps)
	}
	for file, want := range map[string]string{secret: "hunter2", filepath.Join(s.root, "made"): "temporary\n"} {
		if text, err := os.ReadFile(file); err != nil || string(text) != want {
			t.Errorf("%s: %q %v", file, text, err)
		}
	}
}

func TestBuildCommandThatFailsSaysWhy(t *testing.T) {
	s := newSite(t)
	d := frontend(s, "echo half > bundle; echo 'src/a.js:3: unexpected token' >&2; exit 3")
	for range 2 { // a failure is not remembered as done
		f := s.mustFail(d, "MGW-ENV-029")
		for _, want := range []string{"src/a.js:3: unexpected token", "sh exited with code 3"} {
			if !strings.Contains(f.Error(), want) {
				t.Errorf("no %q in %v", want, f)
			}
		}
	}
	d.Build.Command = []string{"no-such-tool", "build"}
	s.mustFail(d, "MGW-ENV-029")
	d = frontend(s, "date +%s%N > package.json")
	s.mustFail(d, "MGW-ENV-017")
}

func TestBuildCommandRunsAsTheAppsUser(t *testing.T) {
	s, owned, uid := ownedSite(t)
	d := frontend(s, "umask; touch bundle")
	d.User = owned.User
	s.mustBuild(d)
	info, err := os.Stat(filepath.Join(s.root, "bundle"))
	if err != nil || ownerOf(info) != int(uid) {
		t.Errorf("%v, %v", info, err)
	}
}
