package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/dashboard"
	"github.com/modgw/modgw/modgw/history"
	"github.com/modgw/modgw/modgw/listen"
)

// History implements [control.Host].
func (h *Host) History(since time.Time, may func(modgw.AppName) bool) []history.App {
	return h.history.Read(since, may)
}

// RequestRecords implements [control.Host].
func (h *Host) RequestRecords(app modgw.AppName) (modgw.RequestRecords, error) {
	return h.gateway.RequestRecords(app)
}

// OpenDashboard implements [control.Host].
func (h *Host) OpenDashboard(uid uint32) (control.DashboardLink, error) {
	return h.dashboard.link(uid)
}

// openDashboard is the dashboard while the host runs. It listens at the address of the host's file,
// or at a free port of this machine as long as a browser is let in.
type openDashboard struct {
	pages *dashboard.Dashboard
	url   *url.URL
	fail  func(error) // called when it cannot go on listening

	mu       sync.Mutex
	ctx      context.Context // ends listening; nil: the host does not serve
	listener net.Listener    // nil: it does not listen
	serving  sync.WaitGroup

	// cancel closes a listener that was opened for a link, and unused does so when no browser uses
	// it any more. They are nil if there is none.
	cancel context.CancelFunc
	unused *time.Timer
}

// newDashboard makes the dashboard of the host. It does not listen yet.
func (h *Host) newDashboard(api *control.Server) *openDashboard {
	d := &openDashboard{}
	if settings := h.file.Dashboard; settings != nil && settings.URL != "" {
		d.url, _ = url.Parse(settings.URL) // the loader has read it
	}
	d.pages = dashboard.New(dashboard.Config{As: api.As, URL: d.url, Log: h.log})
	return d
}

// serve begins to answer at a listener, or when a link is asked for if l is nil, until ctx is done.
func (d *openDashboard) serve(ctx context.Context, l net.Listener, fail func(error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ctx, d.fail = ctx, fail
	if l != nil {
		d.start(ctx, l)
	}
}

// start answers the connections of a listener. The mutex is held.
func (d *openDashboard) start(ctx context.Context, l net.Listener) {
	d.listener = l
	d.serving.Go(func() {
		if err := d.pages.Serve(ctx, l); err != nil {
			d.fail(fmt.Errorf("cannot go on listening at %s: %w", addressOf(l), err))
		}
	})
}

// wait returns when nothing is answered any more, after the context of serve is done.
func (d *openDashboard) wait() {
	d.mu.Lock()
	if d.unused != nil {
		d.unused.Stop()
	}
	d.mu.Unlock()
	d.serving.Wait()
}

// link returns a link for a user, and opens a listener for it if there is none.
func (d *openDashboard) link(uid uint32) (link control.DashboardLink, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx == nil || d.ctx.Err() != nil {
		return link, errDashboardClosed
	}
	if d.listener == nil {
		if err := d.openForLink(); err != nil {
			return link, err
		}
	}
	link.Address = modgw.Address(addressOf(d.listener))
	if link.Address.Network() != "unix" || d.url != nil {
		link.URL, link.Expires = d.pages.Link(uid, link.Address.Target())
	}
	return link, nil
}

var errDashboardClosed = errors.New("cannot open the dashboard: the host starts or stops")

// openForLink listens at a free port until no browser is let in any more. The mutex is held.
func (d *openDashboard) openForLink() error {
	l, err := listen.Open(modgw.Listener{Kind: "dashboard", Address: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(d.ctx)
	d.start(ctx, l)
	d.cancel, d.unused = cancel, time.AfterFunc(dashboard.LinkLife, d.closeUnused)
	return nil
}

// closeUnused closes the listener that was opened for a link if no browser may use it any more.
func (d *openDashboard) closeUnused() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cancel == nil {
		return
	}
	if end := d.pages.InUse(); !end.IsZero() {
		d.unused.Reset(max(time.Until(end), 0) + time.Second)
		return
	}
	d.cancel()
	d.listener, d.cancel, d.unused = nil, nil, nil
}
