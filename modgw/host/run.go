package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/runner/python"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
)

// Run takes the state folder, opens the listeners, starts the apps and serves until ctx is done
// or Shutdown is called; then it lets the requests in flight finish, ends everything it started,
// and returns nil. An error means that the host could not be started or that a listener failed.
// Run may be called once.
func (h *Host) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, h.Shutdown)()
	if h.dev != nil {
		defer context.AfterFunc(ctx, h.dev.Close)()
	}
	go func() {
		select {
		case <-h.stop:
			cancel(nil)
		case <-ctx.Done():
		}
	}()

	unlock, err := lockState(h.State())
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.RemoveAll(h.programSockets()); err != nil { // those of a host that was killed
		return stateFault(h.State(), err)
	}
	if err := h.makeSpoolFolder(); err != nil {
		return stateFault(h.State(), err)
	}
	closeLog, err := h.openAccessLog()
	if err != nil {
		return err
	}
	defer closeLog()
	defer h.startTracing()()
	defer h.openLoop()()
	if h.worker, err = python.Unpack(h.State()); err != nil {
		return stateFault(h.State(), err)
	}
	if !h.config.Dev && !h.config.Script {
		defer proc.DelegateCgroups()()
	}
	h.reportScopes()
	h.worker.Zygotes, h.worker.Outside = new(zygote.Set), h.foundOutside
	files, err := h.load()
	if err != nil {
		return err
	}
	sockets, err := h.open()
	if err != nil {
		return err
	}
	return h.serve(ctx, cancel, files, sockets)
}

// openLoop makes the loop that serves ordinary requests, and returns a function that ends it.
// Without a loop goroutines serve all requests.
func (h *Host) openLoop() (end func()) {
	loop, err := eventloop.New()
	if err != nil {
		h.log.Warn("requests cost more than they need", "error", err)
		return func() {}
	}
	h.loop = loop
	return loop.Close
}

// sockets are the listeners of the host.
type sockets struct {
	fronts    []*openFront
	control   net.Listener
	metrics   net.Listener // nil: they are on the control socket alone
	dashboard net.Listener // nil: it listens when a link is asked for
}

func (s *sockets) close() {
	for _, f := range s.fronts {
		f.close()
	}
	for _, l := range []net.Listener{s.control, s.metrics, s.dashboard} {
		if l != nil {
			l.Close()
		}
	}
}

// open opens all listeners or none.
func (h *Host) open() (*sockets, error) {
	s := &sockets{}
	var err error
	if s.fronts, err = h.openFronts(); err != nil {
		return nil, err
	}
	address, err := modgw.ParseAddress(string(h.Control()))
	if err == nil && address.Network() != "unix" {
		err = &modgw.Fault{
			Code:    "MGW-HST-013",
			Summary: fmt.Sprintf("cannot use control address %q: it must be a Unix socket, whose users the kernel knows", address),
			Hint:    `write it as "unix:/run/modgw/control.sock"`,
		}
	}
	if err == nil {
		s.control, err = listen.Open(modgw.Listener{Kind: "control", Address: address, Mode: 0o666})
	}
	if m := h.file.Metrics; err == nil && m != nil {
		s.metrics, err = listen.Open(modgw.Listener{Kind: "metrics", Address: m.Address, Mode: 0o660})
	}
	if b := h.file.Dashboard; err == nil && b != nil {
		s.dashboard, err = listen.Open(modgw.Listener{Kind: "dashboard", Address: b.Address, Mode: 0o666})
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// serve runs everything until ctx is done. It ends things in an order that loses no request:
// changes first, then the fronts with their requests, then the apps.
func (h *Host) serve(ctx context.Context, cancel context.CancelCauseFunc, files []*file, s *sockets) error {
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	var fronts, others, watching sync.WaitGroup
	others.Go(func() {
		if err := h.api.Serve(keeping, s.control); err != nil {
			cancel(fmt.Errorf("cannot go on listening at %s: %w", h.Control(), err))
		}
	})
	if s.metrics != nil {
		others.Go(func() {
			if err := h.metrics.Serve(keeping, s.metrics, h.log); err != nil {
				cancel(fmt.Errorf("cannot go on listening at %s: %w", h.file.Metrics.Address, err))
			}
		})
	}
	h.dashboard.serve(keeping, s.dashboard, func(err error) { cancel(err) })
	defer h.history.Close()
	h.startReconciling(keeping)
	watching.Go(func() { _ = h.watcher.Run(keeping) })
	others.Go(func() { h.lastGood.run(keeping) })
	h.reconcileLock.Lock()
	first := h.apply(files, "start", func(modgw.Descriptor) bool { return false })
	h.reconcileLock.Unlock()
	h.removeUnservedDescriptors()
	// Requests until now wait in the backlogs of the sockets, since there was no app for them.
	for _, f := range s.fronts {
		fronts.Go(func() {
			if err := f.serve(ctx); err != nil {
				cancel(fmt.Errorf("cannot go on listening at %s: %w", f.address(), err))
			}
		})
	}
	others.Go(func() {
		h.announce(ctx, first, s)
		if h.config.Environments == "" { // others may use those of another host
			h.unused.run(ctx)
		}
	})

	<-ctx.Done()
	h.log.Info("stopping", "cause", stopCause(ctx))
	defer h.gateway.EndStreams()()
	h.stopReconcilers()
	stopKeeping()
	watching.Wait()
	fronts.Wait()
	for _, f := range s.fronts {
		f.close()
	}
	bounded, done := context.WithTimeout(context.Background(), h.drainLimit())
	defer done()
	h.gateway.Close(bounded)
	others.Wait()
	h.dashboard.wait()
	h.log.Info("stopped")
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func stopCause(ctx context.Context) string {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause.Error()
	}
	return "asked to"
}

// announce logs that the host is ready when the first deploy of every app has ended.
func (h *Host) announce(ctx context.Context, first []pendingDeploy, s *sockets) {
	failed := h.failedApps()
	apps := maps.Clone(failed)
	for _, d := range first {
		apps[string(d.app)] = true
		select {
		case err := <-d.ended:
			if err != nil {
				failed[string(d.app)] = true
			}
		case <-ctx.Done():
			return
		}
	}
	attrs := []any{"apps", len(apps), "failed", len(failed)}
	for _, f := range s.fronts {
		attrs = append(attrs, f.settings.Protocol(), f.address())
	}
	if s.metrics != nil {
		attrs = append(attrs, "metrics", addressOf(s.metrics))
	}
	if s.dashboard != nil {
		attrs = append(attrs, "dashboard", addressOf(s.dashboard))
	}
	h.log.Info("ready", append(attrs, "control", string(h.Control()))...)
	if h.config.Ready != nil {
		h.config.Ready()
	}
}

// drainLimit is a little longer than the longest drain timeout of any app.
func (h *Host) drainLimit() time.Duration {
	if h.config.Dev {
		return devTimeout
	}
	limit := time.Second
	for _, d := range h.Descriptors() {
		limit = max(limit, d.Timeouts.Drain)
	}
	return limit + time.Second
}
