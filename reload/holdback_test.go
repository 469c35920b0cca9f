package reload

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// The look for writers can find that one has ended before the event of its last write arrives.
func TestLastWriteOfAWriterBelongsToTheSameChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettling(t)
		writer, err := os.OpenFile(s.file, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.save(t, 150*ms)
		_, err = writer.WriteString("the end")
		if err = errors.Join(err, writer.Close()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(55 * ms)
		s.want(t) // although no writer was found 5 ms ago
		s.app.inbox.event(fsnotify.Event{Name: s.file, Op: fsnotify.Write})
		time.Sleep(time.Hour)
		s.want(t, 305*ms)
	})
}

func TestHoldbackWaitsForAnObstacleOnceAndNotForever(t *testing.T) {
	var b holdback
	var there []obstacle
	now := time.Now()
	judge := func() *modgw.Fault { return b.check(now, 100*ms, func() []obstacle { return there }) }
	if fault := judge(); fault != nil || !b.retryAt.IsZero() {
		t.Fatalf("it holds without an obstacle: %v", fault)
	}
	lock := obstacle{"lock", "index.lock is held"}
	there = []obstacle{lock}
	looks := 0
	for began := now; now.Sub(began) < holdbackLimit; now = b.retryAt {
		if fault := judge(); fault != nil || !b.retryAt.After(now) {
			t.Fatalf("it does not hold after %s: %v", now.Sub(began), fault)
		}
		if looks++; b.retryAt.Sub(now) > time.Second {
			t.Fatalf("it looks again only after %s", b.retryAt.Sub(now))
		}
	}
	if looks > 60 {
		t.Errorf("it looked %d times", looks)
	}
	fault := judge()
	if fault == nil || !strings.Contains(fault.Error(), "after 30s still index.lock is held") || !b.retryAt.IsZero() {
		t.Fatalf("after the limit: %v, held until %s", fault, b.retryAt)
	}
	faulttest.Want(t, fault.Error(), "MGW-RLD-005")
	if fault := judge(); fault != nil || !b.retryAt.IsZero() {
		t.Errorf("it waits again for what it has waited for: %v", fault)
	}
	there = append(there, obstacle{"other", "pip is at work"})
	if judge(); b.retryAt.IsZero() {
		t.Error("it does not wait for another obstacle")
	}
	began := b.since
	there = nil
	if judge(); b.retryAt.IsZero() {
		t.Error("it does not wait for a scan after the obstacles")
	}
	there = []obstacle{lock}
	if judge(); b.retryAt.IsZero() {
		t.Error("it does not wait for an obstacle that went and came back")
	}
	if !b.since.Equal(began) {
		t.Error("an obstacle that went and came back is waited for from the beginning")
	}
	there = nil
	judge()
	if judge(); !b.retryAt.IsZero() {
		t.Error("it holds although two checks have found no obstacle")
	}
}

func TestManyFilesThatGoOnChangingAreOneChangeUnlessItTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettling(t)
		copyFiles := func(count int) {
			for i := range count {
				file := filepath.Join(filepath.Dir(s.file), fmt.Sprintf("copy%d.py", i%1000))
				put(t, file, fmt.Sprint(i, time.Now()))
				s.app.inbox.event(fsnotify.Event{Name: file, Op: fsnotify.Create})
				time.Sleep(50 * ms)
			}
		}
		copyFiles(200)
		s.want(t)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(s.reports) != 1 || s.reports[0] > 10*time.Second+1500*ms {
			t.Fatalf("reported at %s", s.reports)
		}
		s.reports = nil
		copyFiles(900)
		if len(s.reports) != 1 {
			t.Errorf("copying for 45 seconds was reported at %s", s.reports)
		}
	})
}

func TestRepositoriesAreFoundAboveAndElsewhere(t *testing.T) {
	dir := t.TempDir()
	mkdir := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mkdir("repo/.git/worktrees/tree")
	mkdir("repo/.git/modules/sub")
	put(t, filepath.Join(mkdir("tree/web"), "../.git"), "gitdir: "+dir+"/repo/.git/worktrees/tree\n")
	put(t, filepath.Join(mkdir("repo/sub/web"), "../.git"), "gitdir: ../.git/modules/sub\n")
	mkdir("mercurial/.hg")
	for root, lock := range map[string]string{
		"repo/deep/down": "repo/.git/index.lock",
		"tree/web":       "repo/.git/worktrees/tree/index.lock",
		"repo/sub/web":   "repo/.git/modules/sub/index.lock",
		"mercurial/web":  "mercurial/.hg/wlock",
	} {
		root, lock := mkdir(root), filepath.Join(dir, lock)
		if found := repositoryLocks([]string{root}, openAsNow); len(found) > 0 {
			t.Errorf("%s: %v without a lock", root, found)
		}
		put(t, lock, "")
		if found := repositoryLocks([]string{root, filepath.Dir(root)}, openAsNow); len(found) != 1 || found[0].why != lock+" is held" {
			t.Errorf("%s: %v", root, found)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(lock, old, old); err != nil {
			t.Fatal(err)
		}
		if found := repositoryLocks([]string{root}, openAsNow); len(found) > 0 {
			t.Errorf("%s: %v, which was left behind", root, found)
		}
		if err := os.Remove(lock); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnOpenWriterIsSeenAndAReaderIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "views.py")
	put(t, path, "1")
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if hasWriter(path, openAsNow) {
		t.Error("a reader counts as a writer")
	}
	writer, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !hasWriter(path, openAsNow) {
		t.Error("the writer is not seen")
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if hasWriter(path, openAsNow) {
		t.Error("the writer that has gone is still seen")
	}
}

func TestTemporaryNamesAreThoseOfFilesThatCount(t *testing.T) {
	r, err := rulesOf(Interest{App: "blog", Root: "/srv", Globs: []Glob{{Pattern: "**/*.py", Class: Code}}, Ignore: []string{"media/**"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"pkg/.views.py.Xy12ab":   true, // rsync
		".views.py.Xy12ab":       true,
		"views.py.tmp":           true,
		"pkg/views.py.dpkg-new":  true,
		"views.py":               false,
		".views.py.swp":          false, // vim, for as long as the file is edited
		".views.py.backups":      false,
		".logo.png.Xy12ab":       false,
		"upload.tmp":             false,
		"media/.views.py.Xy12ab": false,
		".Xy12ab":                false,
	} {
		if got := r.trees[0].unfinished(name, false); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
	for name, want := range map[string]bool{"pkg/.~tmp~": true, "lib/~ackage": true, "pkg": false, "~": false} {
		if got := r.trees[0].unfinished(name, true); got != want {
			t.Errorf("folder %s: %t", name, got)
		}
	}
}

func TestInstallersAreKnownByTheirCommandLines(t *testing.T) {
	for line, want := range map[string]string{
		"/usr/bin/python3 /usr/bin/pip3.12 install -t lib flask": "pip",
		"python3.13 -m pip install .":                            "pip",
		"/home/me/.local/bin/uv sync --frozen":                   "uv",
		"uv pip install flask":                                   "uv",
		"uv run manage.py runserver":                             "",
		"uv run --with pip install.py":                           "",
		"pip list":                                               "",
		"vim pip install":                                        "",
		"/usr/bin/python3 manage.py runserver":                   "",
		"":                                                       "",
		"/usr/bin/python3.11 /srv/blog/.venv/bin/pip uninstall x": "pip",
	} {
		if got := installerOf(strings.Fields(line)); got != want {
			t.Errorf("%q: %q", line, got)
		}
	}
}

// TestMain's helper: see waiter.
func waitForInput() { _, _ = io.Copy(io.Discard, os.Stdin) }

// waiter starts this program under another name, in dir; it ends with the test.
func waiter(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args, cmd.Dir, cmd.Env = args, dir, append(os.Environ(), "RELOAD_TEST_WAIT=1")
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	})
}

func TestAnInstallerHoldsUpTheRootItWorksInAlone(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	blog, shop := filepath.Join(dir, "blog"), filepath.Join(dir, "shop")
	for _, root := range []string{blog, shop} {
		if err := os.Mkdir(root, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const stranger = 1 << 30 // no process started these
	if found := installers(blog, stranger); len(found) > 0 {
		t.Fatalf("found %v", found)
	}
	waiter(t, blog, "uv", "sync")
	waiter(t, dir, "pip", "install", "--target=blog/lib", "flask")
	until(t, "both are seen", func() bool { return len(installers(blog, stranger)) == 2 })
	if found := installers(shop, stranger); len(found) > 0 {
		t.Errorf("%v works elsewhere", found)
	}
	if found := installers(blog, os.Getpid()); len(found) > 0 {
		t.Errorf("%v was started by the host itself", found)
	}
}

func TestALeaseLetsAWriterThrough(t *testing.T) {
	path := filepath.Join(t.TempDir(), "views.py")
	put(t, path, "1")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2000 {
			hasWriter(path, openAsNow)
		}
	}()
	for writing := true; writing; {
		select {
		case <-done:
			writing = false
		default:
		}
		file, err := os.OpenFile(path, os.O_WRONLY|syscall.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
