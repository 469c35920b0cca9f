package reload_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// inOwnMounts runs the test in a process with its own mount namespace, and reports whether this is
// that process.
func inOwnMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv("RELOAD_TEST_MOUNTS") != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Skip("mounts cannot be kept to a process here, as in a chroot: ", err)
		}
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "RELOAD_TEST_MOUNTS=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if _, ran := err.(*exec.ExitError); err != nil && !ran {
		t.Skip("a process cannot have mounts of its own here: ", err)
	}
	if bytes.Contains(out, []byte("--- SKIP: "+t.Name())) {
		t.Skipf("%s", out)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func (s *site) bind(from, to string) {
	s.Helper()
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = unix.Unmount(to, unix.MNT_DETACH) }) // it may be unmounted already
}

func (s *site) unmount(path string) {
	s.Helper()
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
		s.Fatal(err)
	}
}

func (s *site) degraded(w *reload.Watcher, text string) {
	s.Helper()
	s.eventually("degraded: "+text, func() bool { return w.Status("blog").Degraded == text })
}

func (s *site) eventually(what string, holds func() bool) {
	s.Helper()
	deadline := time.After(watchtest.Patience)
	for !holds() {
		select {
		case <-deadline:
			s.Fatal("never: " + what)
		case <-time.After(time.Millisecond):
		}
	}
}

// fresh makes a folder that is not below the root.
func (s *site) fresh() string {
	s.Helper()
	dir, err := filepath.EvalSymlinks(s.TempDir())
	if err != nil {
		s.Fatal(err)
	}
	return dir
}

func TestARootThatIsUnmountedIsMissedAndReloadedWhenItIsBack(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	s := newSite(t, "views.py")
	mounted := s.fresh()
	s.bind(s.Root, mounted)
	s.Root = mounted
	w := start(t, s.changed)
	s.watch(w)
	s.nothingElse()
	s.unmount(mounted)
	s.degraded(w, mounted+" is empty")
	other := newSite(t, "views.py", "urls.py")
	s.bind(other.Root, mounted)
	if c := s.next(); c.Cause != mounted+" restored" || !slices.Contains(c.Paths, "urls.py") {
		t.Errorf("%s %q", c.Cause, c.Paths)
	}
	s.nothingElse()
	s.degraded(w, "")
}

func TestAFolderThatIsMountedTwiceIsWatchedUnderBothNames(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	s := newSite(t, "views.py", "deep/er/mod.py")
	w := start(t, s.changed)
	s.watch(w)
	second := s.Interest
	second.App, second.Root = "shop", s.fresh()
	s.bind(s.Root, second.Root)
	if err := w.Watch(second); err != nil {
		t.Fatal(err)
	}
	s.eventually("both are watched", func() bool { return w.Status("blog").Files == 3 && w.Status("shop").Files == 3 })
	both := func(write string) {
		t.Helper()
		s.write(write, time.Now().String())
		if a, b := s.next(), s.next(); a.App == b.App || a.Paths[0] != write || b.Paths[0] != write {
			t.Errorf("%+v, %+v", a, b)
		}
	}
	both("views.py")
	both("deep/er/mod.py")
	both("new/er/mod.py")
	both("new/er/mod.py")
	w.Forget("blog") // the name that the kernel knows
	s.write("deep/er/mod.py", "333")
	if c := s.next(); c.App != "shop" {
		t.Errorf("%+v", c)
	}
}

func TestASingleMountedFileIsWarnedOfOnce(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	s := newSite(t, "views.py")
	outside := filepath.Join(s.fresh(), "views.py")
	if err := os.WriteFile(outside, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.bind(outside, s.path("views.py"))
	var log reload.LockedLog
	w, err := reload.New(reload.Config{Changed: s.changed, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	run(t, w)
	s.watch(w)
	s.degraded(w, s.path("views.py")+" is mounted as a single file")
	s.nothingElse()
	if n := strings.Count(log.String(), "MGW-RLD-007"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, log.String())
	}
	s.unmount(s.path("views.py"))
	if c := s.next(); c.Cause != "views.py changed" {
		t.Error(c.Cause)
	}
	s.degraded(w, "")
}

// TestWithoutInotifyFilesArePolledUntilItIsThere makes the kernel's inotify unavailable, as if its
// limits were used up.
func TestWithoutInotifyFilesArePolledUntilItIsThere(t *testing.T) {
	if os.Getenv("RELOAD_TEST_LIMITS") == "" {
		cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "RELOAD_TEST_LIMITS=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		out, err := cmd.CombinedOutput()
		if _, ran := err.(*exec.ExitError); err != nil && !ran {
			t.Skip("limits cannot be set here: ", err)
		}
		if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	limit := func(name, value string) {
		t.Helper()
		if err := os.WriteFile("/proc/sys/user/"+name, []byte(value), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ limit, few, reason string }{
		{"max_inotify_instances", "0", "there are no file events"},
		{"max_inotify_watches", "2", "no space left on device"},
	} {
		t.Run(test.limit, func(t *testing.T) {
			s := newSite(t, "views.py", "deep/er/mod.py")
			var log reload.LockedLog
			w, err := reload.New(reload.Config{
				Changed: s.changed, Log: slog.New(slog.NewTextHandler(&log, nil)), Poll: 20 * time.Millisecond, Canary: s.fresh(),
			})
			if err != nil {
				t.Fatal(err)
			}
			limit(test.limit, test.few)
			run(t, w)
			s.watch(w)
			second := s.Interest
			second.App = "shop"
			if err := w.Watch(second); err != nil {
				t.Fatal(err)
			}
			s.eventually("both are polled", func() bool {
				return w.Status("blog").Mode == modgw.ReloadPoll && w.Status("shop").Mode == modgw.ReloadPoll
			})
			if r := w.Status("blog").Reason; !strings.Contains(r, test.reason) {
				t.Errorf("reason %q", r)
			}
			w.Forget("shop")
			s.nothingElse()
			if n := strings.Count(log.String(), "level=WARN"); n != 1 || !faulttest.Has(log.String(), "MGW-RLD-002") {
				t.Errorf("%d warnings:\n%s", n, log.String())
			}
			w.RetryEvents() // without success
			s.nothingElse()
			limit(test.limit, "10000")
			w.RetryEvents()
			s.eventually("events are used", func() bool { return w.Status("blog").Mode == modgw.ReloadInotify })
			s.nothingElse()
		})
	}
}

// run runs a watcher until the test ends.
func run(t *testing.T, w *reload.Watcher) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}
