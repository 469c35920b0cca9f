package reload

import (
	"context"
	"maps"
	"slices"
	"time"
)

// handleSettled compares files when nothing has changed for a while. It reports with host, and
// scans with ctx.
func (a *app) handleSettled(ctx, host context.Context) {
	if a.handleBatch(ctx, a.inbox.takeBatch()) && time.Now().Before(a.due()) {
		return
	}
	quiet := a.debounce.isQuiet(time.Now())
	a.scanDirty(ctx)
	if ctx.Err() != nil {
		return
	}
	late := a.handleBatch(ctx, a.inbox.takeBatch())
	if late && time.Now().Before(a.due()) {
		return
	}
	if a.since.IsZero() {
		a.since = a.debounce.first
	}
	if a.debounce.reset(); late {
		a.debounce.note(time.Now()) // the scan may have been too early for it
	}
	found := differences(a.reported, a.last)
	if a.isHeldBack(found, quiet) || a.hasLostRoot() {
		return
	}
	if a.busy == nil {
		a.report(host, found)
		return
	}
	for _, d := range found {
		a.unreported[d.path] = d
	}
}

// isHeldBack reports whether changes must not be reported yet. Then it is checked again later.
func (a *app) isHeldBack(found []difference, quiet bool) bool {
	now := time.Now()
	fault := a.holdback.check(now, a.debounce.quiet, func() []obstacle { return a.obstacles(found, quiet) })
	if fault != nil {
		a.log.Warn("files may be incomplete, they are used after waiting", "error", fault)
	}
	if a.holdback.retryAt.IsZero() {
		return false
	}
	a.debounce.note(now)
	return true
}

// poll scans for changes.
func (a *app) poll(ctx context.Context) {
	before := a.last
	a.scanAll(ctx)
	if len(differences(before, a.last)) > 0 {
		a.status.noteEvent(time.Now())
		a.debounce.note(time.Now())
	}
}

// report calls Changed with all differences from the reported state: found, and those before it.
func (a *app) report(host context.Context, found []difference) {
	for _, d := range found {
		a.unreported[d.path] = d
	}
	restored := a.noteRestored()
	a.reported = a.last
	a.reported.files.merge()
	if restored {
		a.updateStatus()
	}
	found = slices.Collect(maps.Values(a.unreported))
	clear(a.unreported)
	since := a.since
	a.since = time.Time{}
	if len(found) == 0 || host.Err() != nil {
		return
	}
	change, busy := changeOf(a.interest.Interest, found), make(chan struct{})
	change.Since = since
	a.busy = busy
	go func() {
		defer close(busy)
		a.changed(host, change)
	}()
}
