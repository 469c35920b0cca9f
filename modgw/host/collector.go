package host

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/modgw/modgw/internal/atomicfile"
	"github.com/modgw/modgw/venv"
)

const (
	// collectEvery is the interval at which unused environments are removed.
	collectEvery = 24 * time.Hour

	// keptNewest is the number of most recently used environments of each app that are kept in any
	// case.
	keptNewest = 2
)

// collector removes environments that nothing uses, once a day. After its first collection it has a
// timer only if something has happened since the last one that could have made one useless.
type collector struct {
	stamp   string                // file with the time of the last collection
	reason  chan struct{}         // has one element when an environment may have become useless
	collect func(context.Context) // removes them
}

func newCollector(state string, collect func(context.Context)) *collector {
	return &collector{stamp: filepath.Join(state, "collected"), reason: make(chan struct{}, 1), collect: collect}
}

// wake informs the collector that an environment may have become unused.
func (c *collector) wake() {
	select {
	case c.reason <- struct{}{}:
	default:
	}
}

// dropReasons drops the reasons until now, which the collection that follows covers.
func (c *collector) dropReasons() {
	select {
	case <-c.reason:
	default:
	}
}

// run collects until ctx is done.
func (c *collector) run(ctx context.Context) {
	for {
		due := time.NewTimer(time.Until(c.due()))
		select {
		case <-due.C:
		case <-ctx.Done():
			due.Stop()
			return
		}
		c.dropReasons()
		c.collect(ctx)
		c.noteCollected()
		select {
		case <-c.reason:
		case <-ctx.Done():
			return
		}
	}
}

// due returns when to collect next. Without a time of an earlier collection a day begins now.
func (c *collector) due() time.Time {
	text, err := os.ReadFile(c.stamp)
	if err == nil {
		var last time.Time
		if last, err = time.Parse(time.RFC3339, string(text)); err == nil && !last.After(time.Now()) {
			return last.Add(collectEvery)
		}
	}
	c.noteCollected()
	return time.Now().Add(collectEvery)
}

// noteCollected writes down that environments were collected now. If that fails, the day begins
// with the host.
func (c *collector) noteCollected() {
	_ = atomicfile.Write(c.stamp, []byte(time.Now().Format(time.RFC3339)), 0o600)
}

// collect removes the environments that no generation needs and no descriptor asks for.
func (h *Host) collect(ctx context.Context) {
	var keep []string
	for _, app := range h.gateway.Status() {
		keep = append(keep, app.Environments()...)
	}
	for _, d := range h.Descriptors() {
		// An environment whose fingerprint cannot be computed is among the newest of its app.
		if id, err := h.builder.Fingerprint(d); err == nil && id != "" {
			keep = append(keep, id)
		}
	}
	removed, err := h.builder.Collect(ctx, venv.Collection{Keep: keep, Newest: keptNewest})
	var size int64
	for _, r := range removed {
		size += r.Size
	}
	if len(removed) > 0 {
		h.log.Info("unused environments removed", "count", len(removed), "mebibytes", size>>20)
	}
	if err != nil && ctx.Err() == nil {
		h.log.Warn("unused environments not removed", "error", err.Error())
	}
}
