package reload

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// serve runs a watcher until the test ends.
func serve(t *testing.T, w *Watcher) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestProofOfEventsLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	f, err := newFolders(slog.New(slog.DiscardHandler), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { f.deliver(ctx); close(ended) }()
	defer func() {
		cancel()
		<-ended
		if err := f.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := proveEvents(ctx, f, dir, canaryLimit); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if len(f.byDir) > 0 || len(f.ids) > 0 || len(f.names) > 0 {
		t.Errorf("still watched: %v", f.ids)
	}
	if f.hasNoEvents(dir) {
		t.Error("the file system sends no events")
	}
}

func TestMissingEventsAreReported(t *testing.T) {
	dir := t.TempDir()
	err := proveEvents(t.Context(), quietWatcher{}, dir, 20*ms)
	if err == nil || !strings.Contains(err.Error(), "no event came") {
		t.Fatalf("got %v", err)
	}
	faulttest.Want(t, noEvents(dir, err).Error(), "MGW-RLD-004")
	if err := proveEvents(t.Context(), quietWatcher{}, "/nowhere", 20*ms); err != nil {
		t.Errorf("a folder that is not there proves %v", err)
	}
}

// eventlessWatcher is a file system without events.
type eventlessWatcher struct{ quietWatcher }

func (eventlessWatcher) hasNoEvents(string) bool { return true }

func TestAFileSystemWithoutEventsIsPolled(t *testing.T) {
	file, w, in, changes := trial(t, Config{})
	now, err := prepareInterest(in)
	if err != nil {
		t.Fatal(err)
	}
	a := w.newApp(now)
	a.watcher = eventlessWatcher{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { a.run(ctx, ctx); close(done) }()
	defer func() { cancel(); <-done }()
	until(t, "polling", func() bool { return a.status.get().Mode == modgw.ReloadPoll })
	put(t, file, "22")
	receive(t, changes)
	if st := a.status.get(); st.Reason != in.Root+" sends no events" {
		t.Errorf("reason %q", st.Reason)
	}
}

// TestTheKernelsQueueOverflows stops the delivery until the kernel has thrown events away.
func TestTheKernelsQueueOverflows(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Skip(err)
	}
	var most int
	if _, err := fmt.Sscan(string(text), &most); err != nil || most > 100_000 {
		t.Skip("the queue is too long to fill: ", most, err)
	}
	var log lockedBuffer
	file, w, in, changes := trial(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	serve(t, w)
	if err := w.Watch(in); err != nil {
		t.Fatal(err)
	}
	until(t, "watching", func() bool { return w.Status("blog").Files == 2 })
	w.mu.Lock()
	f := w.events.folders
	w.mu.Unlock()
	f.mu.Lock() // no events are delivered
	a, b := filepath.Join(in.Root, "a"), filepath.Join(in.Root, "b")
	put(t, a, "")
	for range most { // a rename is two events
		if err := os.Rename(a, b); err != nil {
			t.Fatal(err)
		}
		a, b = b, a
	}
	put(t, file, "22")
	f.mu.Unlock()
	if c := receive(t, changes); c.Cause != "views.py changed" {
		t.Errorf("cause %q", c.Cause)
	}
	if !strings.Contains(log.String(), "file events were lost") {
		t.Errorf("no overflow:\n%s", log.String())
	}
	put(t, file, "333")
	receive(t, changes)
}

func TestAStormOfRenamesEndsWithWhatIsThere(t *testing.T) {
	file, w, in, changes := trial(t, Config{})
	serve(t, w)
	if err := w.Watch(in); err != nil {
		t.Fatal(err)
	}
	until(t, "watching", func() bool { return w.Status("blog").Files == 2 })
	dir := in.Root
	for i := range 300 {
		from, to := filepath.Join(dir, fmt.Sprint("d", i)), filepath.Join(dir, fmt.Sprint("d", i+1))
		if i == 0 {
			if err := os.MkdirAll(filepath.Join(from, "deep"), 0o755); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(from, "deep", "mod.py"), "1")
		}
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	last := "d300/deep/mod.py"
	for c := receive(t, changes); !slices.Contains(c.Paths, last); c = receive(t, changes) {
	}
	put(t, filepath.Join(dir, last), "22")
	for c := receive(t, changes); len(c.Paths) != 1 || c.Paths[0] != last; c = receive(t, changes) {
	}
	put(t, file, "22")
	if c := receive(t, changes); len(c.Paths) != 1 || c.Paths[0] != "views.py" {
		t.Errorf("%q", c.Paths)
	}
}

func TestASlowWriterIsWaitedFor(t *testing.T) {
	const whole = "VERSION = 1\nEND = True\n"
	file, w, in, _ := trial(t, Config{})
	seen := make(chan string, 10)
	w.changed = func(context.Context, Change) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		seen <- string(text)
	}
	serve(t, w)
	if err := w.Watch(in); err != nil {
		t.Fatal(err)
	}
	until(t, "watching", func() bool { return w.Status("blog").Files == 2 })
	writer, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(writer, whole[:10]); err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-seen:
		t.Errorf("half of the file went live: %q", text)
	case <-time.After(300 * ms): // the time between two writes is the subject of this test
	}
	if _, err := io.WriteString(writer, whole[10:]); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-seen:
		if text != whole {
			t.Errorf("went live: %q", text)
		}
	case <-time.After(watchtest.Patience):
		t.Error("the change was never reported")
	}
}

func TestExtraFilesAreCode(t *testing.T) {
	_, w, in, changes := trial(t, Config{})
	serve(t, w)
	if err := w.Watch(in); err != nil {
		t.Fatal(err)
	}
	until(t, "watching", func() bool { return w.Status("blog").Files == 2 })
	outside := filepath.Join(t.TempDir(), "shared.py")
	put(t, outside, "1")
	AwaitTick(t)
	in.Extra = map[string]time.Time{outside: {}}
	if err := w.Watch(in); err != nil {
		t.Fatal(err)
	}
	until(t, "the extra file is watched", func() bool { return w.Status("blog").Files == 3 })
	if watched := w.Status("blog").Watched; !slices.Contains(watched, filepath.Dir(outside)) || !slices.Contains(watched, in.Root) {
		t.Errorf("watched: %q", watched)
	}
	put(t, outside, "22")
	if c := receive(t, changes); c.Class != Code || c.Cause != outside+" changed" {
		t.Errorf("%s: %s", c.Class, c.Cause)
	}
	in.Extra = nil
	if err := w.Watch(in); err != nil {
		t.Fatal(err)
	}
	until(t, "it is forgotten", func() bool { return w.Status("blog").Files == 2 })
}

func TestExtraFileThatChangedAfterItWasLoadedHasChanged(t *testing.T) {
	_, w, in, changes := trial(t, Config{})
	serve(t, w)
	shared := t.TempDir()
	before, after := filepath.Join(shared, "before.py"), filepath.Join(shared, "after.py")
	put(t, before, "1")
	time.Sleep(2 * kernelTimeStep) // its time is before the start, by any clock
	started := time.Now()
	AwaitTick(t)
	put(t, after, "1")
	AwaitTick(t)
	in.Extra = map[string]time.Time{before: started, after: started}
	if err := w.Watch(in); err != nil {
		t.Fatal(err)
	}
	if c := receive(t, changes); c.Class != Code || c.Cause != after+" changed" {
		t.Errorf("%s: %s", c.Class, c.Cause)
	}
}

func TestFileTimesOfAnotherClockSayNothing(t *testing.T) {
	now, err := prepareInterest(Interest{App: "blog"})
	if err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]bool{-24 * time.Hour: false, -time.Second: false, 0: true, 10 * ms: true, 24 * time.Hour: false} {
		if got := now.changedBeforeScan("", entry{ctime: now.declared.Add(after)}); got != want {
			t.Errorf("a file that changed %s after the declaration: %t", after, got)
		}
	}
}
