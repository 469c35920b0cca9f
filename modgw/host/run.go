package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/upgrade"
)

// Run reserves the state folder, opens the listeners, starts the apps and serves until ctx is done
// or Shutdown is called. Then it lets the requests in flight finish, ends everything it started,
// and returns nil. An error means that the host could not be started or that a listener failed. Run
// may be called once.
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

	unlock, err := h.reserveState()
	if err != nil {
		return err
	}
	defer unlock()
	defer h.keepLog()()
	if err := h.makeSpoolFolder(); err != nil {
		return stateFault(h.State(), err)
	}
	closeLog, err := h.openAccessLog()
	if err != nil {
		return err
	}
	defer closeLog()
	defer h.startTracing()()
	defer h.openLoops()()
	if h.worker, err = python.Unpack(h.State()); err != nil {
		return stateFault(h.State(), err)
	}
	if h.config.Dev == nil && !h.config.Script {
		end := proc.DelegateCgroups()
		defer func() {
			if h.succession.current() == nil { // else another host needs them
				end()
			}
		}()
	}
	h.warnWithoutCgroups()
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

// reserveState reserves the state folder for this host.
func (h *Host) reserveState() (unlock func(), err error) {
	if h.config.Predecessor != nil {
		return h.inheritLock()
	}
	if unlock, err = h.lockState(); err == nil {
		h.ownsState.Store(true)
	}
	return unlock, err
}

// openLoops makes the loops that serve ordinary requests, and returns a function that ends them.
// Without a loop goroutines serve all requests.
func (h *Host) openLoops() (end func()) {
	err := h.loops.open(h.config.Loops, h.config.Naps)
	if err != nil {
		h.log.Warn("requests cost more than they need", "error", err)
	}
	return h.loops.close
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
	for _, l := range s.others() {
		l.Close()
	}
}

// others are the open listeners that are no fronts.
func (s *sockets) others() []net.Listener {
	all := []net.Listener{s.control, s.metrics, s.dashboard}
	return slices.DeleteFunc(all, func(l net.Listener) bool { return l == nil })
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
		s.control, err = h.openOrInherit(upgrade.Control, "", modgw.Listener{Kind: "control", Address: address, Mode: 0o666})
	}
	if m := h.file.Metrics; err == nil && m != nil {
		s.metrics, err = h.openOrInherit(upgrade.Metrics, "", modgw.Listener{Kind: "metrics", Address: m.Address, Mode: 0o660})
	}
	if b := h.file.Dashboard; err == nil && b != nil {
		s.dashboard, err = h.openOrInherit(upgrade.Dashboard, "", modgw.Listener{Kind: "dashboard", Address: b.Address, Mode: 0o666})
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
	defer h.history.Close()
	h.startReconciling(keeping)
	watching.Go(func() { _ = h.watcher.Run(keeping) })
	others.Go(func() { h.scaling.Run(keeping) })
	h.reconcileLock.Lock()
	first := &firstDeploys{pending: h.apply(files, "start", func(modgw.Descriptor) bool { return false })}
	h.reconcileLock.Unlock()
	err := h.takeState(ctx, first, s)
	if err == nil {
		h.serveOthers(keeping, cancel, &others, s)
		h.dashboard.serve(keeping, s.dashboard, func(err error) { cancel(err) })
		// Requests until now wait in the backlogs of the sockets, since there was no app for them.
		for _, f := range s.fronts {
			fronts.Go(func() {
				if err := f.serve(ctx); err != nil {
					cancel(fmt.Errorf("cannot go on listening at %s: %w", f.address(), err))
				}
			})
		}
		err = h.beginServing(s, cancel)
	}
	if err != nil {
		cancel(err)
	}
	others.Go(func() {
		h.announce(ctx, first, s)
		if h.config.Environments == "" && ctx.Err() == nil { // others may use those of another host
			h.unused.run(ctx)
		}
	})

	<-ctx.Done()
	h.log.Info("stopping", "cause", stopCause(ctx))
	defer h.endStreams()()
	h.stopReconcilers()
	stopKeeping()
	watching.Wait()
	others.Go(h.endPredecessors)
	fronts.Wait()
	if next := h.succession.current(); next != nil {
		next.finish()
	}
	s.close()
	bounded, done := context.WithTimeout(context.Background(), h.drainLimit())
	defer done()
	h.gateway.Close(bounded)
	others.Wait()
	h.dashboard.wait()
	h.log.Info("stopped")
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, errReplaced) {
		return cause
	}
	return nil
}

// takeState returns when this host may serve and change the state folder.
func (h *Host) takeState(ctx context.Context, first *firstDeploys, s *sockets) error {
	if h.config.Predecessor != nil {
		if err := h.takeOver(ctx, first, s); err != nil {
			return err
		}
		h.ownsState.Store(true)
	}
	h.removeUnservedDescriptors()
	return nil
}

// serveOthers serves the control socket and metrics, and keeps the last good descriptors.
func (h *Host) serveOthers(ctx context.Context, cancel context.CancelCauseFunc, others *sync.WaitGroup, s *sockets) {
	others.Go(func() {
		if err := h.api.Serve(ctx, s.control); err != nil {
			cancel(fmt.Errorf("cannot go on listening at %s: %w", h.Control(), err))
		}
	})
	if s.metrics != nil {
		others.Go(func() {
			if err := h.metrics.Serve(ctx, s.metrics, h.log); err != nil {
				cancel(fmt.Errorf("cannot go on listening at %s: %w", h.file.Metrics.Address, err))
			}
		})
	}
	others.Go(func() { h.lastGood.run(ctx) })
}

// beginServing notes that all sockets are served.
func (h *Host) beginServing(s *sockets, replace context.CancelCauseFunc) error {
	h.succession.open(s, replace)
	if h.config.Predecessor == nil {
		return nil
	}
	return h.followPredecessors(s)
}

// endStreams ends streams after their apps' websocket_drain. A host that was replaced lets them
// continue until it must end. The returned function cancels it.
func (h *Host) endStreams() (cancel func()) {
	next := h.succession.current()
	if next == nil {
		return h.gateway.EndStreams()
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-next.hurry:
			cancel := h.gateway.EndStreams()
			<-ended
			cancel()
		case <-ended:
		}
	}()
	return func() { close(ended) }
}

// endPredecessors ends the hosts that this one replaced, unless another host has replaced it by
// now.
func (h *Host) endPredecessors() {
	if h.succession.current() == nil {
		h.predecessors.end()
	}
}

func stopCause(ctx context.Context) string {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause.Error()
	}
	return "asked to"
}

// firstDeploys are the deploys that the start of a host has requested.
type firstDeploys struct {
	pending []pendingDeploy
	failed  map[modgw.AppName]error // why apps do not serve; set by await
	ended   bool
}

// await returns when all have ended. The error is ctx's.
func (f *firstDeploys) await(ctx context.Context) error {
	if f.ended {
		return nil
	}
	f.failed = map[modgw.AppName]error{}
	for _, d := range f.pending {
		select {
		case err := <-d.ended:
			if err != nil {
				f.failed[d.app] = err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	f.ended = true
	return nil
}

// announce logs that the host is ready when the first deploy of every app has ended.
func (h *Host) announce(ctx context.Context, first *firstDeploys, s *sockets) {
	failed := h.failedApps()
	apps := maps.Clone(failed)
	if first.await(ctx) != nil || ctx.Err() != nil {
		return
	}
	for _, d := range first.pending {
		apps[string(d.app)] = true
		if first.failed[d.app] != nil {
			failed[string(d.app)] = true
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
	if h.config.Dev != nil {
		return devTimeout
	}
	limit := time.Second
	for _, d := range h.Descriptors() {
		limit = max(limit, d.Timeouts.Drain)
	}
	return limit + time.Second
}
