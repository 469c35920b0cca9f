package reload

import (
	"context"
	"fmt"
	"sync"
)

// hearing is the host's folder watcher and the goroutine that delivers its events.
type hearing struct {
	folders *folders
	stop    context.CancelFunc
	ended   sync.WaitGroup
}

// listen makes file events arrive and proves that they do. It returns nil when there are none; the log says why.
func (w *Watcher) listen(ctx context.Context) *hearing {
	folders, err := newFolders(w.log, w.canary)
	if err != nil {
		w.log.Warn("files are polled, for events are not to be had", "err", watchesExhausted(err))
		return nil
	}
	h := &hearing{folders: folders}
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	h.ended.Go(func() { folders.deliver(ctx) })
	if w.canary == "" {
		return h
	}
	if err := canary(ctx, folders, w.canary, canaryLimit); err != nil {
		w.log.Warn("files are polled, for events do not arrive", "err", noEvents(w.canary, err))
		_ = h.close() // it was of no use
		return nil
	}
	return h
}

func (h *hearing) close() error {
	if h == nil {
		return nil
	}
	h.stop()
	h.ended.Wait()
	return h.folders.close()
}

// follow tells all apps what is mounted and unmounted, until ctx is done.
func (w *Watcher) follow(ctx context.Context, following *sync.WaitGroup) {
	mounts, err := openMounts()
	if err != nil {
		w.log.Info("mounts are not followed", "err", fmt.Errorf("cannot read them: %w", err))
		return
	}
	w.shared.mounts = mounts
	following.Go(func() {
		err := mounts.follow(ctx, func(paths []string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, m := range w.apps {
				m.app.inbox.mounted(paths)
			}
		})
		if err != nil {
			w.log.Warn("mounts are not followed any more", "err", err)
		}
	})
}

// once lets the apps of one watcher say the same thing once. The zero value is ready.
type once struct {
	mu   sync.Mutex
	said map[string]bool
}

// first reports whether nobody said it before.
func (o *once) first(what string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.said[what] {
		return false
	}
	if o.said == nil {
		o.said = map[string]bool{}
	}
	o.said[what] = true
	return true
}

func (o *once) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said = nil
}
