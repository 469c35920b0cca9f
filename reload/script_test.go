package reload_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

func TestMain(m *testing.M) {
	if os.Getenv("RELOAD_TEST_WAIT") != "" {
		reload.WaitForInput()
		return
	}
	goleak.VerifyTestMain(m)
}

// TestScripts runs testdata/*.script, each once with file events and once by polling. A line of a
// script is
//
//	# a comment
//	$ COMMAND                 run by sh in the script's folder
//	watch KEY=VALUE …         declare the interest of a WSGI app: root, entry, file, env_file,
//	                          watch, ignore, mode, and settle, for commands that take several
//	                          programs; once
//	want CLASS: CAUSE         the next change
//	paths PATH …              the paths that changed in it
//	degraded TEXT             the status says that TEXT cannot be seen
//	want nothing              nothing done since the last want counts as a change
//	events                    the rest of the script is only for file events
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.script")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range scripts {
		for _, mode := range []modgw.ReloadMode{modgw.ReloadInotify, modgw.ReloadPoll} {
			name := strings.TrimSuffix(filepath.Base(file), ".script") + "/" + string(mode)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				s := newScript(t, mode)
				for n, line := range strings.Split(string(data), "\n") {
					if line == "events" && mode == modgw.ReloadPoll {
						return
					}
					if !s.run(line) {
						t.Fatalf("%s:%d: %s", file, n+1, line)
					}
				}
			})
		}
	}
}

type script struct {
	*testing.T
	mode    modgw.ReloadMode
	dir     string
	root    string
	changes chan reload.Change
	watcher *reload.Watcher
	last    reload.Change
	probes  int
}

// probe is a file that shows that no other file changed: the test changes it, and the next change
// must consist of it only.
const probe = "zz_probe.py"

func newScript(t *testing.T, mode modgw.ReloadMode) *script {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &script{T: t, mode: mode, dir: dir, changes: make(chan reload.Change)}
	s.watcher = start(t, func(ctx context.Context, c reload.Change) {
		select {
		case s.changes <- c:
		case <-ctx.Done():
		}
	})
	return s
}

// start runs a watcher until the test ends.
func start(t *testing.T, changed func(context.Context, reload.Change)) *reload.Watcher {
	t.Helper()
	w, err := reload.New(reload.Config{Changed: changed, Poll: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w
}

func (s *script) run(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "", "#", "events":
		return true
	case "$":
		return s.sh(rest)
	case "watch":
		return s.watch(strings.Fields(rest))
	case "want":
		if rest == "nothing" {
			return s.wantNothing()
		}
		return s.want(rest)
	case "degraded":
		return s.degraded(rest)
	case "paths":
		if got := strings.Join(s.last.Paths, " "); got != rest {
			s.Errorf("got %s", got)
			return false
		}
		return true
	}
	s.Errorf("unknown verb %q", verb)
	return false
}

func (s *script) sh(command string) bool {
	cmd := exec.Command("sh", "-e", "-c", command)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Errorf("%v\n%s", err, out)
	}
	return err == nil
}

func (s *script) watch(settings []string) bool {
	d := modgw.Descriptor{Name: "blog", Kind: modgw.KindWSGI, WSGI: &modgw.WSGI{Entry: "nowhere:application"}}
	d.Reload = modgw.Reload{Mode: s.mode, Settle: 40 * time.Millisecond, MaxSettle: 3 * time.Second}
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		path := filepath.Join(s.dir, value)
		switch key {
		case "root":
			d.Root = path
		case "entry":
			d.WSGI.Entry = path
		case "file":
			d.File = path
		case "env_file":
			d.EnvFile = path
		case "watch":
			d.Reload.Watch = append(d.Reload.Watch, value)
		case "ignore":
			d.Reload.Ignore = append(d.Reload.Ignore, value)
		case "settle":
			settle, err := time.ParseDuration(value)
			if err != nil {
				s.Error(err)
				return false
			}
			d.Reload.Settle = settle
		case "mode":
			d.Reload.Mode = modgw.ReloadMode(value)
		default:
			s.Errorf("unknown setting %q", key)
			return false
		}
	}
	s.root = d.Root
	in := reload.Of(d)
	in.Globs = append(in.Globs, reload.Glob{Pattern: filepath.Join(s.dir, probe), Class: reload.Descriptor})
	reload.AwaitTick(s)
	if err := s.watcher.Watch(in); err != nil {
		s.Error(err)
		return false
	}
	for deadline := time.Now().Add(watchtest.Patience); s.watcher.Status("blog").Mode == ""; {
		if time.Now().After(deadline) {
			s.Error("the files were never looked at")
			return false
		}
		select {
		case c := <-s.changes:
			s.Errorf("a change before any: %+v", c)
		case <-time.After(time.Millisecond):
		}
	}
	return true
}

func (s *script) degraded(text string) bool {
	deadline := time.After(watchtest.Patience)
	for {
		got := strings.ReplaceAll(s.watcher.Status("blog").Degraded, s.dir+"/", "")
		if got == text {
			return true
		}
		select {
		case c := <-s.changes:
			s.Errorf("a change: %+v", c)
			return false
		case <-time.After(time.Millisecond):
		case <-deadline:
			s.Errorf("got %q", got)
			return false
		}
	}
}

func (s *script) next() bool {
	select {
	case s.last = <-s.changes:
		return true
	case <-time.After(watchtest.Patience):
		s.Error("no change was reported")
		return false
	}
}

func (s *script) want(text string) bool {
	if !s.next() {
		return false
	}
	got := s.last.Class.String() + ": " + strings.ReplaceAll(s.last.Cause, s.dir+"/", "")
	if got != text {
		s.Errorf("got  %s %q", got, s.last.Paths)
	}
	return got == text
}

func (s *script) wantNothing() bool {
	s.probes++
	path := filepath.Join(s.dir, probe)
	if err := os.WriteFile(path, []byte(strings.Repeat("x", s.probes)), 0o644); err != nil {
		s.Error(err)
		return false
	}
	if !s.next() {
		return false
	}
	if !slices.Equal(s.last.Paths, []string{path}) {
		s.Errorf("got %s: %s %q", s.last.Class, s.last.Cause, s.last.Paths)
		return false
	}
	return true
}
