package host

import (
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/metrics"
)

// Metrics implements [control.Host].
func (h *Host) Metrics(may func(modgw.AppName) bool) http.Handler { return h.metrics.Of(may) }

func (h *Host) newMetrics() *metrics.Metrics {
	return metrics.New(metrics.Config{
		Gateway: h.gateway, Version: h.config.Version, Started: h.started, Host: h.measure,
	})
}

// measure returns the metrics of the host and its apps.
func (h *Host) measure() metrics.Host {
	status := h.Status()
	memory, disk := h.spool.Used()
	m := metrics.Host{
		Broken: len(status.Broken), SpoolMemory: memory, SpoolDisk: disk, LogDropped: h.budgets.Dropped(),
	}
	if status.Diagnosis != nil {
		m.Unwell = status.Diagnosis.Cause
	}
	state := diskAt(h.State())
	m.StateFree, m.StateSize = state.Free, state.Size
	if status.Upgrade != nil {
		m.Draining = status.Upgrade.Draining
	}
	limits := h.disks.limits()
	for user, used := range h.disks.usage() {
		m.Tenants = append(m.Tenants, metrics.Tenant{User: user, Used: used, Most: limits[user]})
	}
	for _, app := range status.Apps {
		a := metrics.App{AppStatus: app.AppStatus, Watch: metrics.Watch{
			Mode: app.Watch.Mode, Degraded: app.Watch.Degraded != "", Directories: app.Watch.Directories,
			LastEvent: app.Watch.LastEvent,
		}}
		if app.Diagnosis != nil {
			a.Unwell = app.Diagnosis.Cause
		}
		m.Apps = append(m.Apps, a)
	}
	if log := h.accessLog.Load(); log != nil {
		m.AccessLost = log.Lost()
	}
	if h.tracer != nil {
		m.SpansExported, m.SpansDropped = h.tracer.Exported(), h.tracer.Dropped()
	}
	return m
}
