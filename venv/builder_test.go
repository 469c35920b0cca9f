package venv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/modgw"
)

func TestOtherKindsNeedNoEnvironment(t *testing.T) {
	s := newSite(t)
	d := modgw.Descriptor{Name: "files", Kind: modgw.KindStatic, Static: &modgw.Static{Dir: s.root}}
	env := s.mustBuild(d)
	if diff := cmp.Diff(&modgw.Environment{}, env); diff != "" {
		t.Error(diff)
	}
	if fp, err := s.builder().Fingerprint(d); fp != "" || err != nil {
		t.Errorf("Fingerprint = %q, %v", fp, err)
	}
	if _, err := os.Stat(s.state); err == nil {
		t.Error("the state folder was made for nothing")
	}
}

func TestEqualInputsReuseTheEnvironment(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.write("requirements.txt", "tiny==1.0\n")
	first := s.mustBuild(s.descriptor())
	if first.Took <= 0 || first.Source != "requirements.txt" || !strings.HasPrefix(first.ID, "blog-") {
		t.Errorf("first build: %+v", first)
	}
	if diff := cmp.Diff([]modgw.Package{{Name: "tiny", Version: "1.0"}}, first.Packages); diff != "" {
		t.Error(diff)
	}
	if got := run(t, first, "import tiny; print(tiny.__version__)"); got != "1.0" {
		t.Errorf("tiny is %q", got)
	}
	fp, err := s.builder().Fingerprint(s.descriptor())
	if fp != first.ID || err != nil {
		t.Errorf("Fingerprint = %q, %v; want %q", fp, err, first.ID)
	}

	s.write("requirements.txt", "# a comment changes nothing\n\n  tiny==1.0   # this one neither\n")
	second := s.mustBuild(s.descriptor())
	if second.Took != 0 {
		t.Errorf("the second build took %v", second.Took)
	}
	second.Took = first.Took
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
}

func TestChangedInputsBuildBeside(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.wheel("tiny", "2.0", nil, nil)
	s.write("requirements.txt", "tiny==1.0\n")
	old := s.mustBuild(s.descriptor())
	s.write("requirements.txt", "tiny==2.0\n")
	changed := s.mustBuild(s.descriptor())
	if changed.Dir == old.Dir {
		t.Fatal("one folder for two environments")
	}
	for version, env := range map[string]*modgw.Environment{"1.0": old, "2.0": changed} {
		if got := run(t, env, "import tiny; print(tiny.__version__)"); got != version {
			t.Errorf("%s has tiny %s, want %s", env.ID, got, version)
		}
	}
	list, err := s.builder().List()
	if err != nil || len(list) != 2 {
		t.Fatalf("List = %+v, %v", list, err)
	}
	i := slices.IndexFunc(list, func(i Info) bool { return "blog-"+i.ID == changed.ID })
	if i < 0 {
		t.Fatalf("%s is not listed", changed.ID)
	}
	if list[i].Size < 1000 || time.Since(list[i].Used) > time.Hour {
		t.Errorf("size %d, used %v", list[i].Size, list[i].Used)
	}
	want := Info{
		ID: strings.TrimPrefix(changed.ID, "blog-"), Apps: []modgw.AppName{"blog"}, Dir: changed.Dir, Python: changed.Version,
		Source: "requirements.txt", Builder: changed.Builder, Packages: 1,
		Installed: []modgw.Package{{Name: "tiny", Version: "2.0"}}, Built: changed.Built,
		Size: list[i].Size, Used: list[i].Used,
	}
	if diff := cmp.Diff(want, list[i]); diff != "" {
		t.Error(diff)
	}
}

func TestRubbishIsReplaced(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	good := s.mustBuild(s.descriptor())
	for name, spoil := range map[string]func() error{
		"no marker": func() error { return os.Remove(filepath.Join(good.Dir, markerName)) },
		"corrupt marker": func() error {
			return os.WriteFile(filepath.Join(good.Dir, markerName), []byte(`{"id": "bl`), 0o644)
		},
		"another's marker": func() error {
			return os.WriteFile(filepath.Join(good.Dir, markerName), []byte(`{"id": "shop-1"}`), 0o644)
		},
		"no python": func() error { return os.Remove(good.Interpreter) },
	} {
		t.Run(name, func(t *testing.T) {
			junk := filepath.Join(good.Dir, "lib", "junk")
			if err := os.WriteFile(junk, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			again := s.mustBuild(s.descriptor())
			if again.ID != good.ID || again.Took == 0 {
				t.Errorf("got %+v", again)
			}
			if _, err := os.Stat(junk); err == nil {
				t.Error("what the half-built environment held is still there")
			}
		})
	}
}

func TestKnownEnvironmentIsFoundInSilence(t *testing.T) {
	s := quickSite(t)
	b := New(Config{State: s.state, Environ: s.environ})
	var steps []string
	listen := func(step Step) { steps = append(steps, step.Text) }
	if _, err := b.Build(t.Context(), s.descriptor(), listen); err != nil || !strings.HasPrefix(steps[0], "finding Python 3") {
		t.Fatalf("steps %q, %v", steps, err)
	}
	steps = nil
	if _, err := b.Build(t.Context(), s.descriptor(), listen); err != nil || len(steps) != 0 {
		t.Errorf("steps %q, %v", steps, err)
	}
}

func TestTwoBuildersBuildOnce(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.write("requirements.txt", "tiny\n")
	var mu sync.Mutex
	var created int
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			env, err := s.builder().Build(t.Context(), s.descriptor(), func(step Step) {
				mu.Lock()
				defer mu.Unlock()
				if strings.HasPrefix(step.Text, "creating") {
					created++
				}
			})
			if err != nil || len(env.Packages) != 1 {
				t.Errorf("got %+v, %v", env, err)
			}
		})
	}
	wg.Wait()
	if created != 1 {
		t.Errorf("%d environments were created, want 1", created)
	}
}

func TestWaitingForTheLockEndsWithTheContext(t *testing.T) {
	s := newSite(t)
	b := s.builder()
	id, err := b.Fingerprint(s.descriptor())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(b.envs, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := acquire(t.Context(), filepath.Join(b.envs, strings.TrimPrefix(id, "blog-")+".lock"), func() { t.Error("the lock is free") })
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	env, err := b.Build(ctx, s.descriptor(), func(step Step) {
		if strings.HasPrefix(step.Text, "waiting") {
			cancel()
		}
	})
	if env != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v; want context.Canceled", env, err)
	}
}

func TestInputsThatChangeDuringABuildAreBuiltAgain(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.wheel("tiny", "2.0", nil, nil)
	s.write("requirements.txt", "tiny==1.0\n")
	env, err := s.builder().Build(t.Context(), s.descriptor(), func(step Step) {
		if strings.HasPrefix(step.Text, "installing") {
			s.write("requirements.txt", "tiny==2.0\n")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if fp, err := s.builder().Fingerprint(s.descriptor()); fp != env.ID || err != nil {
		t.Errorf("built %s, and the inputs want %s (%v)", env.ID, fp, err)
	}
	if got := s.environments(); len(got) != 1 {
		t.Errorf("environments %v, want the last one alone", got)
	}
}

func TestInputsThatNeverRestAreGivenUp(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.write("requirements.txt", "tiny\n")
	n := ""
	env, err := s.builder().Build(t.Context(), s.descriptor(), func(step Step) {
		if strings.HasPrefix(step.Text, "installing") {
			n += "0"
			s.write("requirements.txt", "tiny<9"+n)
		}
	})
	wantFault(t, env, err, "MGW-ENV-017")
	if got := s.environments(); len(got) != 0 {
		t.Errorf("environments %v were kept", got)
	}
}

func TestBuildThatTakesTooLongIsStopped(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.sdist("slow", "1.0", "import time\nwhile True: time.sleep(60)\n")
	s.write("requirements.txt", "slow\n")
	b := New(Config{State: s.state, Environ: s.environ, Timeout: 3 * time.Second})
	env, err := b.Build(t.Context(), s.descriptor(), nil)
	wantFault(t, env, err, "MGW-ENV-015")
	if got := s.environments(); len(got) != 0 {
		t.Errorf("environments %v were kept", got)
	}
}
