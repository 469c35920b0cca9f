package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// family is a metric with its series.
type family struct {
	name   string
	desc   *prometheus.Desc
	kind   prometheus.ValueType // kind of its values; not used by histograms
	labels []string
}

// families maps names to all families, for checks of texts that refer to them.
var families = map[string]*family{}

func newFamily(kind prometheus.ValueType, name, help string, labels ...string) *family {
	f := &family{name: name, desc: prometheus.NewDesc(name, help, labels, nil), kind: kind, labels: labels}
	families[name] = f
	return f
}

func counter(name, help string, labels ...string) *family {
	return newFamily(prometheus.CounterValue, name, help, labels...)
}

func gauge(name, help string, labels ...string) *family {
	return newFamily(prometheus.GaugeValue, name, help, labels...)
}

// value returns the metric of one series.
func (f *family) value(v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(f.desc, f.kind, v, labels...)
}

// Metrics of requests.
var (
	requestsTotal = counter("modgw_requests_total",
		"Requests that have ended, by status. none: the client got no response.", "app", "code")
	requestDuration = newFamily(0, "modgw_request_duration_seconds",
		"Time from the head of a request to the end of its response, without WebSockets and event streams.", "app")
	requestQueue = newFamily(0, "modgw_request_queue_seconds",
		"Time from the head of a request until a worker could begin it.", "app")
	requestFront = newFamily(0, "modgw_request_front_seconds",
		"Time between the web server in front and the host, where the web server sends X-Request-Start.", "app")
	requestsInFlight = gauge("modgw_requests_in_flight",
		"Requests that a generation of the app has, or that wait for its first one.", "app")
	requestsQueued = gauge("modgw_requests_queued",
		"Requests that wait for a worker.", "app")
	requestsRejected = counter("modgw_requests_rejected_total",
		"Requests that the host refused before a worker got them, by cause.", "app", "cause")
	requestsFailed = counter("modgw_requests_failed_total",
		"Requests that a worker got and that the host answered in its place or broke off, by cause.", "app", "cause")
	requestsBroken = counter("modgw_responses_broken_total",
		"Responses that were broken off after they had begun.", "app")
	requestRetries = counter("modgw_request_retries_total",
		"Times that a request was given to another worker.", "app")
	requestBytes = counter("modgw_request_body_bytes_total",
		"Bytes of request bodies that were read.", "app")
	responseBytes = counter("modgw_response_body_bytes_total",
		"Bytes of response bodies that were written.", "app")
	uploads = counter("modgw_uploads_total",
		"Requests with a body.", "app")
	webSockets = gauge("modgw_websockets",
		"Open connections that have become WebSockets or another protocol.", "app")
	webSocketsTotal = counter("modgw_websockets_total",
		"Connections that have become WebSockets or another protocol.", "app")
)

// Metrics of workers.
var (
	workers = gauge("modgw_workers",
		"Workers of the current generation, by state.", "app", "state")
	workersWanted = gauge("modgw_workers_wanted",
		"Workers that the app should have now; 0: it has no generation.", "app")
	workersMin = gauge("modgw_workers_min",
		"Workers that the app has without any load.", "app")
	workersMax = gauge("modgw_workers_max",
		"Workers that the app may have under load.", "app")
	workersHeld = gauge("modgw_workers_held",
		"1 while the load asks for more workers than there may be, by what keeps the app from them: max, limit, memory or processors.",
		"app", "cause")
	workerRestarts = counter("modgw_worker_restarts_total",
		"Workers of the current generation that were replaced because they ended unasked.", "app")
	sandboxDenials = counter("modgw_sandbox_denials_total",
		"What the sandbox of the current generation has denied, as far as it is known, by kind: files, network, processes or calls.",
		"app", "kind")
	workersBusy = gauge("modgw_worker_busy",
		"Requests that workers execute now.", "app")
	workersCapacity = gauge("modgw_worker_capacity",
		"Requests that workers could execute at once.", "app")
	workerRequests = counter("modgw_worker_requests_total",
		"Requests that the worker with a number has executed since its process started.", "app", "worker")
	workerCPU = counter("modgw_worker_cpu_seconds_total",
		"Processor time of the worker with a number since its process started.", "app", "worker")
	workerMemory = gauge("modgw_worker_memory_bytes",
		"Memory of a worker, with its share of what it shares with others (PSS).", "app", "worker")
	workerCollections = newFamily(0, "modgw_worker_gc_pause_seconds",
		"Pauses of the worker with a number for garbage collection since its process started.", "app", "worker")
	workerLock = newFamily(0, "modgw_worker_gil_wait_seconds",
		"Waits for the global interpreter lock of the worker with a number, tried 20 times a second while it has requests.", "app", "worker")
	workerLag = newFamily(0, "modgw_worker_event_loop_lag_seconds",
		"How late the event loop of the worker with a number was, tried ten times a second while it has requests.", "app", "worker")
	workerStart = gauge("modgw_worker_state_since_seconds",
		"When the worker with a number entered its state, since 1970.", "app", "worker")
)

// Metrics of generations, and of their environments.
var (
	appState = gauge("modgw_app_state",
		"1 for the state that the app is in: idle, starting, serving, failed or stopped.", "app", "state")
	appUnwell = gauge("modgw_app_unwell",
		"1 while the app is not well, with the cause that status says in a sentence.", "app", "cause")
	generation = gauge("modgw_generation",
		"Number of the generation that serves; 0: none.", "app")
	generationReady = gauge("modgw_generation_ready_timestamp_seconds",
		"When the generation that serves took over, since 1970.", "app")
	generationsDraining = gauge("modgw_generations_draining",
		"Replaced generations that still finish requests.", "app")
	reloads = counter("modgw_reloads_total",
		"Generations that took over (success) or were not started (failure), the first one included.", "app", "result")
	reloadCauses = counter("modgw_reload_causes_total",
		"Generations as in modgw_reloads_total, by cause and result.", "app", "cause", "result")
	reloadSeconds = gauge("modgw_reload_duration_seconds",
		"Time from the beginning of the last deploy that succeeded until its generation was ready.", "app")
	deployFailed = gauge("modgw_deploy_failed",
		"1 while the last deploy of the app has failed, 0 otherwise.", "app")
	environmentBuilds = counter("modgw_environment_builds_total",
		"Environments that were built, by result.", "app", "result")
	environmentSeconds = counter("modgw_environment_build_seconds_total",
		"Time that building environments took.", "app")
	watchMode = gauge("modgw_watch_mode",
		"1 for how the app's files are watched: inotify, poll, touch or off.", "app", "mode")
	watchDegraded = gauge("modgw_watch_degraded",
		"1 while some of the app's files cannot be watched, 0 otherwise.", "app")
	watchFolders = gauge("modgw_watch_folders",
		"Folders that are watched for the app.", "app")
	watchLastEvent = gauge("modgw_watch_last_event_timestamp_seconds",
		"When a file of the app was last seen to change, since 1970.", "app")
)

// Metrics that apps create themselves.
var (
	appSeries = gauge("modgw_app_series",
		"Series that the app makes with prometheus_client, over all its workers.", "app")
	appSeriesDropped = counter("modgw_app_values_dropped_total",
		"Values of the app's own metrics that were dropped: too many series, or names that cannot be used.", "app")
)

// Metrics of the host itself. Its memory and processor time are in process_* and go_*.
var (
	info = gauge("modgw_info",
		"1, with the version of the program.", "version")
	startTime = gauge("modgw_start_timestamp_seconds",
		"When the host began to run, since 1970.")
	hostUnwell = gauge("modgw_host_unwell",
		"1 while the host itself is not well, with the cause that status says in a sentence.", "cause")
	stateFree = gauge("modgw_state_free_bytes",
		"Bytes that are free for the host on the disk with its state folder.")
	stateSize = gauge("modgw_state_size_bytes",
		"Size of the disk with the host's state folder.")
	hostsDraining = gauge("modgw_hosts_draining",
		"Earlier hosts that have connections left since an upgrade.")
	tenantDisk = gauge("modgw_tenant_disk_bytes",
		"Bytes that the apps of a user with a bounded part of the disk have on it, by kind: environments, caches, private or spool.",
		"user", "kind")
	tenantDiskMax = gauge("modgw_tenant_disk_max_bytes",
		"Bytes that the apps of a user may have on the disk.", "user")
	brokenFiles = gauge("modgw_descriptors_broken",
		"Descriptor files that cannot be used.")
	spoolBytes = gauge("modgw_spool_bytes",
		"Bytes of bodies that are kept for slow clients, by place: memory or disk.", "place")
	logDropped = counter("modgw_log_records_dropped_total",
		"Log records that were dropped because there were too many.")
	accessLost = counter("modgw_access_log_lines_lost_total",
		"Lines of the access log that could not be written.")
	spansExported = counter("modgw_spans_exported_total",
		"Spans of requests that the collector of OpenTelemetry has taken.")
	spansDropped = counter("modgw_spans_dropped_total",
		"Spans of requests that the collector of OpenTelemetry did not take.")
)
