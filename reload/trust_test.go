package reload

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// fullWatcher is a kernel that has no watch left.
type fullWatcher struct{}

func (fullWatcher) watch(string, *inbox) error { return syscall.ENOSPC }
func (fullWatcher) forget(string, *inbox)      {}
func (fullWatcher) hasNoEvents(string) bool    { return false }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// trial creates a root with one file, and watches it for the test.
func trial(t *testing.T, c Config) (file string, w *Watcher, in Interest, changes chan Change) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "views.py")
	put(t, file, "1")
	AwaitTick(t)
	changes = make(chan Change, 10)
	c.Changed = func(_ context.Context, c Change) { changes <- c }
	c.Poll = 20 * ms
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return file, w, Interest{App: "blog", Root: filepath.Dir(file), Globs: []Glob{{Pattern: "**/*.py", Class: Code}}, Settle: 20 * ms}, changes
}

// watched runs a watcher for the test, and returns when it knows its files.
func watched(t *testing.T, w *Watcher, in Interest) {
	t.Helper()
	if err := w.Watch(in); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	until(t, "watching", func() bool { return w.Status(in.App).Files == 2 })
}

func put(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, changes chan Change) Change {
	t.Helper()
	select {
	case c := <-changes:
		return c
	case <-time.After(watchtest.Patience):
		t.Fatal("no change was reported")
		return Change{}
	}
}

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(watchtest.Patience); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		select {
		case <-time.After(ms):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

func TestWithoutWatchesFilesArePolledAndTheLogSaysHowToGetMore(t *testing.T) {
	var log lockedBuffer
	file, w, in, changes := trial(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	now, err := prepareInterest(in)
	if err != nil {
		t.Fatal(err)
	}
	a := w.newApp(now)
	a.watcher = fullWatcher{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { a.run(ctx, ctx); close(done) }()
	defer func() { cancel(); <-done }()

	until(t, "polling", func() bool { return a.status.get().Mode == modgw.ReloadPoll })
	for _, content := range []string{"22", "333"} {
		put(t, file, content)
		if c := receive(t, changes); c.Cause != "views.py changed" {
			t.Errorf("cause %q", c.Cause)
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "fs.inotify.max_user_watches") {
		t.Errorf("%d warnings:\n%s", n, log.String())
	}
	if st := a.status.get(); !strings.Contains(st.Reason, "no space left") {
		t.Errorf("reason %q", st.Reason)
	}
}

func TestLostEventsAreMadeGoodByLookingAtEverything(t *testing.T) {
	file, w, in, changes := trial(t, Config{})
	watched(t, w, in)
	w.mu.Lock()
	notify := w.events.folders.notify
	w.mu.Unlock()
	if err := notify.Remove(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	put(t, file, "22")
	notify.Errors <- fsnotify.ErrEventOverflow
	if c := receive(t, changes); c.Cause != "views.py changed" {
		t.Errorf("cause %q", c.Cause)
	}
	put(t, file, "333") // the scan has renewed the watch
	receive(t, changes)
}
