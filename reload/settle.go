package reload

import (
	"context"
	"maps"
	"slices"
	"time"
)

// settled compares when nothing has changed for a while.
// The report is made with host, the work of looking with ctx.
func (a *app) settled(ctx, host context.Context) {
	if a.read(ctx, a.inbox.take()) && time.Now().Before(a.due()) {
		return
	}
	quiet := a.lull.quietAt(time.Now())
	a.lookAtDirty(ctx)
	if ctx.Err() != nil {
		return
	}
	late := a.read(ctx, a.inbox.take())
	if late && time.Now().Before(a.due()) {
		return
	}
	if a.since.IsZero() {
		a.since = a.lull.first
	}
	if a.lull.over(); late {
		a.lull.noted(time.Now()) // the look may have come too early for it
	}
	found := differences(a.reported, a.last)
	if a.held(found, quiet) || a.rootless() {
		return
	}
	if a.busy == nil {
		a.report(host, found)
		return
	}
	for _, d := range found {
		a.missed[d.path] = d
	}
}

// held reports whether what changed must not go live yet, and has it looked at again later.
func (a *app) held(found []difference, quiet bool) bool {
	now := time.Now()
	fault := a.barrier.judge(now, a.lull.quiet, func() []obstacle { return a.obstacles(found, quiet) })
	if fault != nil {
		a.log.Warn("did not wait any longer for files to be complete", "err", fault)
	}
	if a.barrier.again.IsZero() {
		return false
	}
	a.lull.noted(now)
	return true
}

// poll looks whether anything changed.
func (a *app) poll(ctx context.Context) {
	before := a.last
	a.look(ctx)
	if len(differences(before, a.last)) > 0 {
		a.status.event(time.Now())
		a.lull.noted(time.Now())
	}
}

// report hands what was missed and found, which are all differences from what was reported, to the consumer.
func (a *app) report(host context.Context, found []difference) {
	for _, d := range found {
		a.missed[d.path] = d
	}
	restored := a.restored()
	a.reported = a.last
	a.reported.files.merge()
	if restored {
		a.show()
	}
	found = slices.Collect(maps.Values(a.missed))
	clear(a.missed)
	since := a.since
	a.since = time.Time{}
	if len(found) == 0 || host.Err() != nil {
		return
	}
	change, busy := changeOf(a.now.Interest, found), make(chan struct{})
	change.Since = since
	a.busy = busy
	go func() {
		defer close(busy)
		a.changed(host, change)
	}()
}
