package reload

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quietWatcher accepts every folder and sends no events: a test sends them itself.
type quietWatcher struct{}

func (quietWatcher) watch(string, *inbox) error { return nil }
func (quietWatcher) forget(string, *inbox)      {}
func (quietWatcher) hasNoEvents(string) bool    { return false }

// settling is an app on virtual time.
type settling struct {
	app   *app
	file  string
	begin time.Time
	work  time.Duration // time that the consumer takes
	saves int

	mu      sync.Mutex
	reports []time.Duration // when changes were reported
}

func newSettling(t *testing.T) *settling {
	s := &settling{file: filepath.Join(t.TempDir(), "views.py"), begin: time.Now()}
	s.write(t)
	AwaitTick(t)
	now, err := prepareInterest(Interest{App: "blog", Root: filepath.Dir(s.file), Globs: []Glob{{Pattern: "*.py", Class: Code}}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(Config{Log: slog.New(slog.DiscardHandler), Changed: func(context.Context, Change) {
		s.mu.Lock()
		s.reports = append(s.reports, time.Since(s.begin))
		s.mu.Unlock()
		time.Sleep(s.work)
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.app = w.newApp(now)
	s.app.watcher = quietWatcher{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.app.run(ctx, ctx); close(done) }()
	synctest.Wait()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

func (s *settling) write(t *testing.T) {
	s.saves++
	if err := os.WriteFile(s.file, fmt.Appendf(nil, "%d", s.saves), 0o644); err != nil {
		t.Fatal(err)
	}
}

// save changes the file and waits.
func (s *settling) save(t *testing.T, wait time.Duration) {
	s.write(t)
	s.app.inbox.event(fsnotify.Event{Name: s.file, Op: fsnotify.Write})
	time.Sleep(wait)
	synctest.Wait()
}

func (s *settling) want(t *testing.T, reports ...time.Duration) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got, want := fmt.Sprint(s.reports), fmt.Sprint(reports); got != want {
		t.Errorf("reported at %s, want %s", got, want)
	}
}

const ms = time.Millisecond

func TestAChangeIsReportedWhenItHasSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettling(t)
		s.save(t, 40*ms)
		s.save(t, 60*ms)
		s.want(t)
		s.save(t, 99*ms)
		s.want(t)
		time.Sleep(time.Hour)
		s.want(t, 200*ms)
	})
}

func TestChangesWithoutEndAreReportedAfterTheLongestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettling(t)
		for range 40 {
			s.save(t, 50*ms)
		}
		s.want(t, 1500*ms)
		time.Sleep(time.Hour)
		s.want(t, 1500*ms, 2050*ms)
	})
}

func TestChangesDuringTheConsumersWorkBecomeOneAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettling(t)
		s.work = 10 * time.Second
		s.save(t, time.Second)
		for range 3 {
			s.save(t, 2*time.Second)
		}
		s.want(t, 100*ms)
		time.Sleep(time.Hour)
		s.want(t, 100*ms, 10100*ms)
	})
}

func TestContentThatReturnsDuringTheConsumersWorkIsAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettling(t)
		s.work = 10 * time.Second
		s.save(t, time.Second)
		s.save(t, time.Second) // a process that starts now has this
		s.saves -= 2
		s.save(t, time.Hour) // and this is the earlier state
		s.want(t, 100*ms, 10100*ms)
	})
}

func TestContentThatReturnsBeforeItSettlesIsNoChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettling(t)
		s.save(t, 50*ms)
		s.saves -= 2
		s.save(t, time.Hour)
		s.want(t)
	})
}

func TestEventsThatDoNotMatterWakeNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettling(t)
		before := s.app.status.get()
		s.app.inbox.event(fsnotify.Event{Name: filepath.Join(filepath.Dir(s.file), "notes.txt"), Op: fsnotify.Write})
		synctest.Wait()
		if due := s.app.debounce.due(); !due.IsZero() {
			t.Errorf("files are looked at in %s", time.Until(due))
		}
		if after := s.app.status.get(); !reflect.DeepEqual(after, before) {
			t.Error("the event counts in the status")
		}
	})
}

func TestAtRestNothingIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettling(t)
		var looks atomic.Int32
		s.app.disk = func(in Interest) disk {
			d := in.disk()
			lstat := func(path string) (fs.FileInfo, error) { looks.Add(1); return d.lstat(path) }
			return disk{lstat: lstat, open: d.open}
		}
		s.save(t, time.Second)
		synctest.Wait()
		if looks.Load() == 0 {
			t.Fatal("a change was not looked at")
		}
		looks.Store(0)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := looks.Load(); n != 0 {
			t.Errorf("%d looks in a day without changes", n)
		}
	})
}

func TestAFloodOfEventsBecomesOneLook(t *testing.T) {
	b := newInbox()
	for range 3 * inboxLimit {
		b.event(fsnotify.Event{Name: "/elsewhere", Op: fsnotify.Write})
	}
	if l := b.takeBatch(); !l.rescan || len(l.events) > inboxLimit {
		t.Errorf("rescan %t, %d events", l.rescan, len(l.events))
	}
	synctest.Test(t, func(t *testing.T) {
		s := newSettling(t)
		s.write(t)
		s.app.inbox.rescan()
		time.Sleep(time.Hour)
		s.want(t, 100*ms)
	})
}
