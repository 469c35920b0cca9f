package reload

import (
	"context"
	"fmt"
	"sync"
)

// eventSource is the host's folder watcher and the goroutine that delivers its events.
type eventSource struct {
	folders *folders
	stop    context.CancelFunc
	ended   sync.WaitGroup
}

// openEventSource starts file events and proves that they arrive. It returns nil when there are
// none, which is logged with the reason.
func (w *Watcher) openEventSource(ctx context.Context) *eventSource {
	folders, err := newFolders(w.log, w.canary)
	if err != nil {
		w.log.Warn("files are polled, because there are no file events", "error", watchesExhausted(err))
		return nil
	}
	h := &eventSource{folders: folders}
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	h.ended.Go(func() { folders.deliver(ctx) })
	if w.canary == "" {
		return h
	}
	if err := proveEvents(ctx, folders, w.canary, canaryLimit); err != nil {
		w.log.Warn("files are polled, because events do not arrive", "error", noEvents(w.canary, err))
		_ = h.close() // if it cannot be closed, it is not used either
		return nil
	}
	return h
}

func (h *eventSource) close() error {
	if h == nil {
		return nil
	}
	h.stop()
	h.ended.Wait()
	return h.folders.close()
}

// followMounts informs all apps of mounts and unmounts, until ctx is done.
func (w *Watcher) followMounts(ctx context.Context, following *sync.WaitGroup) {
	mounts, err := openMounts()
	if err != nil {
		w.log.Info("mounts are not followed", "error", fmt.Errorf("cannot read them: %w", err))
		return
	}
	w.shared.mounts = mounts
	following.Go(func() {
		err := mounts.run(ctx, func(paths []string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, m := range w.apps {
				m.app.inbox.mounted(paths)
			}
		})
		if err != nil {
			w.log.Warn("mounts are not followed any more", "error", err)
		}
	})
}
