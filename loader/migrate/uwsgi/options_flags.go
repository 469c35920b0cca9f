package uwsgi

// flags are the options without a value, or with true and false.
var flags = options{
	{drop(supervises), "master M master-as-root no-orphans n lazy-apps lazy need-app strict reaper r " +
		"die-on-no-workers single-master harakiri-verbose harakiri-no-arh never-swap"},
	{drop(stops), "vacuum die-on-term"},
	{drop(logs), "disable-logging L log-master log-x-forwarded-for log-micros log-truncate log-zero " +
		"log-4xx log-5xx log-sendfile log-ioerror ignore-sigpipe ignore-write-errors " +
		"disable-write-exception write-errors-exception-only"},
	{drop(names), "auto-procname"},
	{drop(queues), "thunder-lock disable-sendfile abstract-socket a reuse-port tcp-nodelay " +
		"so-keepalive tcp-fast-open freebind"},
	{drop(interpret), "enable-threads T single-interpreter i disable-threads no-default-app " +
		"honour-stdin close-on-exec close-on-exec2 pep3333-input wsgi-accept-buffer " +
		"wsgi-accept-buffers wsgi-manage-chunked-input wsgi-disable-file-wrapper " +
		"gevent-monkey-patch gevent-wait-for-hub gevent-early-monkey-patch"},
	{drop(frontend), "manage-script-name wsgi-lite http-raw-body http-chunked-input http-auto-gzip " +
		"http-websockets enable-proxy-protocol http-enable-proxy-protocol"},
	{drop(metrics), "memory-report m stats-http stats-minified enable-metrics emperor-stats"},
	{drop(upgrades), "reload-on-exception exit-on-reload reload-os-env"},
	{manual("set user of each app to the owner of its file, or keep descriptors that their users " +
		"own, whose apps run as these"), "emperor-tyrant"},
	{manual("modgw-host dev shows tracebacks in the browser; in production they are in the log"),
		"catch-exceptions"},
	{manual("make a descriptor with hosts for each host"), "vhost virtualhost"},
	{drop("a request that takes too long leaves the stacks of its worker in the log"),
		"py-tracebacker"},
	{drop("the host keeps as many workers as the app has"), "cheap"},
	{drop("the host watches its folder of descriptors itself"), "emperor-nofollow"},
	{manual("the app sees the packages of its environment alone; set PYTHONNOUSERSITE and similar " +
		"in env"), "no-site"},
}.byName()
