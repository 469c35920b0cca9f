package host

import (
	"context"
	"sync"
)

// startTracing exports spans until the function that it returns is called, when no request is in
// flight any more. Without tracing it does nothing.
func (h *Host) startTracing() (end func()) {
	if h.tracer == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var exporting sync.WaitGroup
	exporting.Go(func() { h.tracer.Run(ctx) })
	return func() {
		cancel()
		exporting.Wait()
	}
}

// telemetry are variables for the OpenTelemetry of apps. Requests are sampled by the host. Headers
// for the collector are the host's own: they may be secret.
func (h *Host) telemetry() map[string]string {
	settings := h.file.Tracing
	if settings == nil {
		return nil
	}
	return map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": settings.Endpoint,
		"OTEL_TRACES_SAMPLER":         "parentbased_always_off",
	}
}
