package reload

import (
	"sync"

	"github.com/fsnotify/fsnotify"
)

// inboxLimit is the number of events that wait for an app. Beyond it a scan of everything replaces
// them.
const inboxLimit = 4096

// inbox passes events to the goroutine of an app. Adding never blocks.
type inbox struct {
	wake chan struct{} // has one element while there is something to take

	mu    sync.Mutex
	batch batch
}

// batch has the additions since the inbox was emptied.
type batch struct {
	events   []fsnotify.Event
	rescan   bool              // events were lost: look at everything
	interest *preparedInterest // a new one; nil: none
	mounts   []string          // paths at which something was mounted or unmounted
	watcher  folderWatcher     // for apps whose watches ran out; nil: no new one
	asked    []chan<- struct{} // closed when pending is up to date
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (b *inbox) event(e fsnotify.Event) {
	b.add(func(next *batch) {
		if len(next.events) >= inboxLimit {
			next.events, next.rescan = nil, true
			return
		}
		next.events = append(next.events, e)
	})
}

func (b *inbox) rescan() { b.add(func(next *batch) { next.rescan = true }) }

func (b *inbox) replace(w *preparedInterest) { b.add(func(next *batch) { next.interest = w }) }

func (b *inbox) mounted(paths []string) {
	b.add(func(next *batch) { next.mounts = append(next.mounts, paths...) })
}

func (b *inbox) setWatcher(f folderWatcher) { b.add(func(next *batch) { next.watcher = f }) }

func (b *inbox) ask(answered chan<- struct{}) {
	b.add(func(next *batch) { next.asked = append(next.asked, answered) })
}

func (b *inbox) add(change func(*batch)) {
	b.mu.Lock()
	change(&b.batch)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *inbox) takeBatch() batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.batch
	b.batch = batch{}
	return taken
}
