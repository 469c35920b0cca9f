package reload

import (
	"sync"

	"github.com/fsnotify/fsnotify"
)

// inboxLimit is how many events wait for an app; beyond it they are replaced by one scan of everything.
const inboxLimit = 4096

// inbox hands events to the goroutine of an app. Putting never blocks.
type inbox struct {
	wake chan struct{} // has one element while there is something to take

	mu     sync.Mutex
	letter letter
}

// letter is what came since the inbox was emptied.
type letter struct {
	events   []fsnotify.Event
	rescan   bool              // events were lost: look at everything
	interest *watching         // a new interest
	mounts   []string          // paths at which something was mounted or unmounted
	watcher  folderWatcher     // watch with it what is polled for want of events; nil: there is none
	asked    []chan<- struct{} // closed when it is known whether something is pending
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (b *inbox) event(e fsnotify.Event) {
	b.put(func(l *letter) {
		if len(l.events) >= inboxLimit {
			l.events, l.rescan = nil, true
			return
		}
		l.events = append(l.events, e)
	})
}

func (b *inbox) rescan() { b.put(func(l *letter) { l.rescan = true }) }

func (b *inbox) replace(w *watching) { b.put(func(l *letter) { l.interest = w }) }

func (b *inbox) mounted(paths []string) {
	b.put(func(l *letter) { l.mounts = append(l.mounts, paths...) })
}

func (b *inbox) mend(f folderWatcher) { b.put(func(l *letter) { l.watcher = f }) }

func (b *inbox) ask(answered chan<- struct{}) {
	b.put(func(l *letter) { l.asked = append(l.asked, answered) })
}

func (b *inbox) put(change func(*letter)) {
	b.mu.Lock()
	change(&b.letter)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *inbox) take() letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.letter
	b.letter = letter{}
	return l
}
