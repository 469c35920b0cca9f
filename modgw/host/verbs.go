package host

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/probe"
	"github.com/modgw/modgw/reload"
)

// Descriptors implements [control.Host].
func (h *Host) Descriptors() []modgw.Descriptor {
	var all []modgw.Descriptor
	for _, m := range h.managedApps() {
		all = append(all, m.reconciler.descriptor())
	}
	slices.SortFunc(all, func(a, b modgw.Descriptor) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return all
}

// Reload implements [control.Host].
func (h *Host) Reload(ctx context.Context, app modgw.AppName) error {
	h.watcher.RetryEvents()
	known := app == "" || h.reconciler(app) != nil
	asked := h.reconcile("reload", func(d modgw.Descriptor) bool { return known && (app == "" || d.Name == app) })
	switch err := h.mistake(app); {
	case err != nil && ctx.Err() != nil: // the deploys are not awaited, and the mistakes are known
		return err
	case app == "":
		return errors.Join(h.await(ctx, asked), err)
	case err != nil:
		return err
	case !known: // its file has come since, or it is an error
		asked = h.requestDeployOf(app, "reload")
	}
	return h.await(ctx, asked)
}

// Restart implements [control.Host].
func (h *Host) Restart(ctx context.Context, app modgw.AppName) error {
	if err := h.await(ctx, h.requestDeployOf(app, "restart")); err != nil {
		return err
	}
	return h.mistake(app) // the workers are new, the descriptor is not in force
}

// Rollback implements [control.Host].
func (h *Host) Rollback(ctx context.Context, app modgw.AppName) error {
	return h.gateway.Rollback(ctx, app)
}

// StopApp implements [control.Host].
func (h *Host) StopApp(ctx context.Context, app modgw.AppName) error {
	return h.gateway.Stop(ctx, app)
}

// ArmProbes implements [control.Host].
func (h *Host) ArmProbes(lifetime time.Duration) probe.Key { return h.probes.Arm(lifetime) }

// ProbeReport implements [control.Host].
func (h *Host) ProbeReport(id string) (probe.Report, bool) { return h.probes.Report(id) }

// ContinueProbe implements [control.Host].
func (h *Host) ContinueProbe(id string) { h.probes.Continue(id) }

// Logs implements [control.Host].
func (h *Host) Logs(ctx context.Context, q control.LogQuery, yield func(control.LogRecord) bool) {
	h.book.Read(ctx, q, yield)
}

// requestDeployOf asks for a new generation of one app; an app that is not known fails at once.
func (h *Host) requestDeployOf(app modgw.AppName, cause string) []pendingDeploy {
	if r := h.reconciler(app); r != nil {
		return []pendingDeploy{{app, r.requestWithResult(deployRequest{class: reload.Descriptor, cause: cause})}}
	}
	err := h.mistake(app)
	if err == nil {
		err = modgw.UnknownApp(app)
	}
	failed := make(chan error, 1)
	failed <- err
	return []pendingDeploy{{app, failed}}
}

// await returns when all requested deploys have ended, with the errors of those that failed.
func (h *Host) await(ctx context.Context, asked []pendingDeploy) error {
	var failed []error
	for _, d := range asked {
		select {
		case err := <-d.ended:
			if err != nil {
				failed = append(failed, err)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return errors.Join(failed...)
}
