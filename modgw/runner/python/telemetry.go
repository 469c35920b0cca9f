package python

import (
	"fmt"
	"maps"
)

// telemetry returns the environment variables with which a worker starts the app's own
// OpenTelemetry; nil: it does not.
func (r *Runner) telemetry(worker int) map[string]string {
	d := r.app.Descriptor
	if !d.Python.OpenTelemetry {
		return nil
	}
	variables := map[string]string{
		"OTEL_SERVICE_NAME": string(d.Name),
		"OTEL_RESOURCE_ATTRIBUTES": fmt.Sprintf("modgw.app=%s,modgw.generation=%d,modgw.worker=%d",
			d.Name, r.app.Generation, worker),
		"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
	}
	maps.Copy(variables, r.app.Telemetry)
	return variables
}
