package reload_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// site is a root with files, and an interest in its Python code.
type site struct {
	*testing.T
	reload.Interest
	changes chan reload.Change
}

func newSite(t *testing.T, files ...string) *site {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &site{T: t, changes: make(chan reload.Change, 100), Interest: reload.Interest{
		App:    "blog",
		Root:   dir,
		Globs:  []reload.Glob{{Pattern: "**/*.py", Class: reload.Code}},
		Settle: 20 * time.Millisecond,
	}}
	for _, name := range files {
		s.write(name, "1")
	}
	return s
}

func (s *site) changed(_ context.Context, c reload.Change) { s.changes <- c }

func (s *site) path(name string) string { return filepath.Join(s.Root, name) }

func (s *site) write(name, content string) {
	s.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(content), 0o644); err != nil {
		s.Fatal(err)
	}
}

func (s *site) watch(w *reload.Watcher) {
	s.Helper()
	reload.AwaitTick(s)
	if err := w.Watch(s.Interest); err != nil {
		s.Fatal(err)
	}
}

func (s *site) next() reload.Change {
	s.Helper()
	select {
	case c := <-s.changes:
		return c
	case <-time.After(watchtest.Patience):
		s.Fatal("no change was reported")
		return reload.Change{}
	}
}

// nothingElse changes one more file and wants that alone to be reported.
func (s *site) nothingElse() {
	s.Helper()
	s.write("zz_probe.py", fmt.Sprint(time.Now().UnixNano()))
	if c := s.next(); len(c.Paths) != 1 || c.Paths[0] != "zz_probe.py" {
		s.Fatalf("got %s %q", c.Cause, c.Paths)
	}
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
}

func TestACheckoutOfManyFilesIsOneChange(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	s := newSite(t)
	const count = 700
	name := func(i int) string { return fmt.Sprintf("pkg%d/sub%d/mod%d.py", i%20, i%7, i) }
	git(t, s.Root, "init", "-q", "-b", "one")
	for i := range count {
		s.write(name(i), "1")
	}
	git(t, s.Root, "add", ".")
	git(t, s.Root, "commit", "-qm", "one")
	git(t, s.Root, "checkout", "-qb", "two")
	for i := range count {
		s.write(name(i), "two")
	}
	s.write("new/deep/er.py", "1")
	git(t, s.Root, "add", ".")
	git(t, s.Root, "commit", "-qm", "two")

	s.Settle, s.MaxSettle = time.Second, time.Minute
	w := start(t, s.changed)
	s.watch(w)
	// A file that goes before it was looked at is not missed.
	for deadline := time.Now().Add(watchtest.Patience); w.Status(s.App).Files <= count; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", w.Status(s.App))
		}
	}
	git(t, s.Root, "checkout", "-q", "one")
	if c := s.next(); len(c.Paths) != count+1 || c.Cause != "new/deep/er.py and 700 more changed" {
		t.Errorf("%d paths, %s", len(c.Paths), c.Cause)
	}
	s.nothingElse()
}

func TestLinksThatMultiplyAreWalkedOnceInAWhile(t *testing.T) {
	s := newSite(t, "views.py")
	for i := range 12 {
		dir := fmt.Sprintf("d%d", i)
		s.write(dir+"/mod.py", "1")
		for j := range 12 {
			if err := os.Symlink(fmt.Sprintf("../d%d", j), s.path(fmt.Sprintf("%s/to%d", dir, j))); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := start(t, s.changed)
	s.watch(w)
	s.write("d3/mod.py", "22")
	if c := s.next(); c.Paths[len(c.Paths)-1] == "" || c.Class != reload.Code {
		t.Errorf("%s %q", c.Cause, c.Paths)
	}
	if st := w.Status("blog"); st.Files > 12*12*4 {
		t.Errorf("%d files are watched", st.Files)
	}
	for i := range 200 { // a link that flips without rest
		if err := os.Symlink(fmt.Sprintf("d%d", i%12), s.path("next")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(s.path("next"), s.path("current")); err != nil {
			t.Fatal(err)
		}
	}
	for c := s.next(); !strings.Contains(strings.Join(c.Paths, " "), "current"); c = s.next() {
	}
}

func TestWhatChangesBetweenWatchAndRunIsReported(t *testing.T) {
	s := newSite(t, "views.py", "urls.py")
	w, err := reload.New(reload.Config{Changed: s.changed})
	if err != nil {
		t.Fatal(err)
	}
	s.watch(w)
	s.write("views.py", "22")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	if c := s.next(); c.Cause != "views.py changed" {
		t.Error(c.Cause)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A host declares the interest of a new descriptor while it works on the change that brought it.
func TestANewInterestKeepsWhatWasNotReportedYet(t *testing.T) {
	s := newSite(t, "views.py", "urls.py", "old.py")
	var w *reload.Watcher
	ready := make(chan struct{})
	var calls atomic.Int32
	w = start(t, func(_ context.Context, c reload.Change) {
		<-ready
		if calls.Add(1) == 1 {
			s.write("urls.py", "22")
			s.write("added.py", "1")
			if err := os.Remove(s.path("old.py")); err != nil {
				t.Error(err)
			}
			s.Globs = append(s.Globs, reload.Glob{Pattern: "*.toml", Class: reload.Dependencies})
			s.watch(w)
		}
		s.changes <- c
	})
	s.watch(w)
	close(ready)
	s.write("views.py", "22")
	if c := s.next(); c.Cause != "views.py changed" {
		t.Error(c.Cause)
	}
	if c := s.next(); strings.Join(c.Paths, " ") != "added.py old.py urls.py" {
		t.Errorf("%q", c.Paths)
	}
	s.write("site.toml", "1")
	if c := s.next(); c.Class != reload.Dependencies || c.Cause != "site.toml added" {
		t.Errorf("%s: %s", c.Class, c.Cause)
	}
	s.nothingElse()
}

func TestOneAppIsNeverReportedTwiceAtTheSameTime(t *testing.T) {
	s := newSite(t, "views.py")
	var inside, most atomic.Int32
	s.watch(start(t, func(_ context.Context, c reload.Change) {
		most.Store(max(most.Load(), inside.Add(1)))
		time.Sleep(30 * time.Millisecond)
		inside.Add(-1)
		s.changes <- c
	}))
	for i := range 60 {
		s.write("views.py", fmt.Sprint("content ", i))
		time.Sleep(5 * time.Millisecond)
	}
	s.write("last.py", "1")
	for c := s.next(); !strings.Contains(strings.Join(c.Paths, " "), "last.py"); c = s.next() {
	}
	if most.Load() != 1 {
		t.Errorf("%d calls at once", most.Load())
	}
}

func TestAppsShareFoldersAndForgetThemAlone(t *testing.T) {
	s := newSite(t, "views.py")
	w := start(t, s.changed)
	s.watch(w)
	second := s.Interest
	second.App = "shop"
	if err := w.Watch(second); err != nil {
		t.Fatal(err)
	}
	s.write("views.py", "22")
	if a, b := s.next().App, s.next().App; a == b {
		t.Errorf("%s was told twice", a)
	}
	w.Forget("shop")
	s.nothingElse()
	if m := w.Status("shop").Mode; m != modgw.ReloadOff {
		t.Errorf("mode %s", m)
	}
	// Renamed folders: the second scan must not end the work that the first has begun.
	if err := w.Watch(second); err != nil {
		t.Fatal(err)
	}
	s.write("a/b/mod.py", "1")
	s.next()
	s.next()
	if err := os.Rename(s.path("a"), s.path("z")); err != nil {
		t.Fatal(err)
	}
	s.next()
	s.next()
	s.write("z/b/mod.py", "22")
	if a, b := s.next().App, s.next().App; a == b {
		t.Errorf("%s was told twice", a)
	}
}

func TestAnUnusableGlobIsNamed(t *testing.T) {
	s := newSite(t)
	s.Ignore = []string{"media/[a"}
	w := start(t, s.changed)
	err := w.Watch(s.Interest)
	if err == nil || !strings.HasPrefix(err.Error(), `cannot watch the files of app "blog": "media/[a" is not a pattern`) {
		t.Errorf("got %v", err)
	}
}

func TestModeOffWatchesNothing(t *testing.T) {
	s := newSite(t, "views.py")
	w := start(t, s.changed)
	s.watch(w)
	s.Mode = modgw.ReloadOff
	s.watch(w)
	s.write("views.py", "22")
	s.Mode = modgw.ReloadAuto
	s.watch(w)
	s.nothingElse()
}

func TestModeTouchSeesTheEntryAndTheDescriptorAlone(t *testing.T) {
	s := newSite(t, "app.wsgi", "views.py", "blog.hcl")
	s.Mode = modgw.ReloadTouch
	s.Entry, s.Descriptor = []string{s.path("app.wsgi")}, []string{s.path("blog.hcl")}
	w := start(t, s.changed)
	s.watch(w)
	s.write("views.py", "22")
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(s.path("app.wsgi"), later, later); err != nil {
		t.Fatal(err)
	}
	if c := s.next(); c.Class != reload.Code || c.Cause != "app.wsgi changed" {
		t.Errorf("%s: %s", c.Class, c.Cause)
	}
	s.write("blog.hcl", "22")
	if c := s.next(); c.Class != reload.Descriptor || c.Cause != "blog.hcl changed" {
		t.Errorf("%s: %s", c.Class, c.Cause)
	}
	if m := w.Status("blog").Mode; m != modgw.ReloadTouch {
		t.Errorf("mode %s", m)
	}
}

func TestFilesAreReadWithTheAppsRights(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can act for another user")
	}
	other, err := account.Lookup("nobody", "")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "reload")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := newSite(t)
	s.Root, s.Account = dir, other
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("views.py", "1")
	s.write("closed/secret.py", "1")
	if err := os.Chmod(s.path("closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.watch(start(t, s.changed))
	s.write("closed/secret.py", "22")
	s.nothingElse()
	if err := os.Chmod(s.path("closed"), 0o755); err != nil {
		t.Fatal(err)
	}
	if c := s.next(); c.Cause != "closed/secret.py added" {
		t.Errorf("got %s", c.Cause)
	}
}

func TestAPipeInPlaceOfAFileStopsNothing(t *testing.T) {
	s := newSite(t, "views.py")
	if out, err := exec.Command("mkfifo", s.path("pipe.py")).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	s.watch(start(t, s.changed))
	s.nothingElse()
}
