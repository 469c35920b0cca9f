package uwsgi

import (
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// Reasons that several options share.
const (
	stops         = "the host ends its processes on SIGTERM and removes its sockets"
	queues        = "the host gives each request to a free worker itself"
	metrics       = "modgw-host status shows what the workers do"
	embedded      = "Python runs as a process of its own, without plugins"
	interpret     = "each worker is an interpreter of its own, with threads"
	decidesNumber = "the host decides how many of the workers an app needs"
	upgrades      = "the host replaces workers without a restart of its own"
)

// options returns the table of uWSGI's options that have a value.
func (c *config) options() pyapp.Table {
	return slices.Concat(c.appOptions(), c.processOptions(), c.requestOptions(), c.fileOptions(), logOptions,
		c.reloadOptions(), c.serviceOptions(), c.emperorOptions())
}

// appOptions returns the options that describe the app and its surroundings.
func (c *config) appOptions() pyapp.Table {
	return pyapp.Table{
		{setField(&c.module, "entry"), "module wsgi"},
		{setField(&c.file, "entry"), "wsgi-file file"},
		{setField(&c.callable, "the callable of entry"), "callable"},
		{c.mountOption, "mount"},
		{c.paste, "ini-paste ini-paste-logged paste"},
		{c.gevent, "gevent"},
		{c.loop, "loop"},
		{pyapp.ManualWith("asynchronous cores need gevent, or an asgi app: %s"), "async"},
		{pyapp.Venv, "virtualenv venv home pyhome"},
		{pyapp.ModulePath, "pythonpath python-path pp"},
		{pyapp.Chdir, "chdir chdir2"},
		{pyapp.Variable, "env"},
		{pyapp.Drop("the app sees no variables but its own"), "unenv"},
		{c.plugins, "plugins plugin need-plugin need-plugins"},
		{pyapp.Drop(embedded), "plugins-dir plugin-dir"},
		{pyapp.ManualWith("import it in the program that runs the tasks: %s"), "spooler-import"},
		{pyapp.ManualWith("import %s in the module of the app"), "import pyimport shared-import py-import python-import shared-py-import shared-python-import shared-pyimport spooler-python-import"},
		{pyapp.ManualWith("put the code into a module and name it as entry: %s"), "eval"},
		{pyapp.ManualWith("set sys.argv in the app's module: %s"), "pyargv"},
		{c.optimize, "optimize"},
		{pyapp.ManualWith("run the script by a unit of systemd, or by an http block when it serves HTTP: %s"), "pyrun"},
		{pyapp.ManualWith("name a module that makes the app as entry: %s"), "pecan"},
		{pyapp.Drop("the kind of the app says so"), "php"},
		{c.psgi, "psgi"},
		{c.rack, "rack"},
		{pyapp.ManualWith("run the app by a program of its own in an http block: %s"), "rails"},
		{c.cgi, "cgi"},
		{pyapp.Drop(upgrades), "binary-path py-call-uwsgi-fork-hooks"},
		{pyapp.Manual("make the app an asgi app"), "asyncio"},
		{pyapp.Drop("each request has an environ of its own"), "wsgi-env-behaviour wsgi-env-behavior"},
	}
}

// processOptions returns the options of the processes of an app: how many, as whom, and within
// which limits.
func (c *config) processOptions() pyapp.Table {
	return pyapp.Table{
		{pyapp.Count("kind.workers", 1024), "processes workers p"},
		{pyapp.Count("kind.threads", 1024), "threads"},
		{pyapp.Account("user"), "uid"},
		{pyapp.Account("group"), "gid"},
		{c.addedGroups, "add-gid additional-gid"},
		{pyapp.Umask, "umask"},
		{pyapp.Seconds("timeouts.request", ""), "harakiri"},
		{pyapp.Seconds("timeouts.drain", ""), "reload-mercy worker-reload-mercy"},
		{pyapp.Count("recycle.requests", 2147483647), "max-requests"},
		{pyapp.Drop("recycle.jitter spreads the limits by a tenth"), "max-requests-delta max-worker-lifetime-delta"},
		{pyapp.Seconds("recycle.age", ""), "max-worker-lifetime"},
		{pyapp.Drop(pyapp.Supervises), "min-worker-lifetime sleep forkbomb-delay mountpoints-check lazy-apps-delay " +
			"reload-on-exception-type reload-on-exception-value"},
		{pyapp.Size("recycle.memory", 1<<20), "reload-on-rss evil-reload-on-rss reload-on-uss reload-on-pss"},
		{c.addressSpace, "reload-on-as evil-reload-on-as"},
		{pyapp.Size("limits.memory", 1<<20), "limit-as"},
		{pyapp.Count("limits.processes", 4194304), "limit-nproc"},
		{pyapp.Size("limits.body", 1), "limit-post"},
		{pyapp.Count("limits.files", 1073741824), "max-fd rlimit-nofile"},
		{pyapp.Size("limits.stack", 1<<10), "threads-stacksize thread-stacksize stack-size"},
		{pyapp.Count("nice", 19), "nice prio"},
		{pyapp.Seconds("idle.stop_after", ""), "idle"},
		{pyapp.Drop("the system places processes on CPUs"), "cpu-affinity"},
		{pyapp.Fewest, "cheaper"},
		{pyapp.Drop(decidesNumber), "cheaper-initial cheaper-step cheaper-algo cheaper-overload"},
		{pyapp.ManualWith("the host does not change the root folder: use a container: %s"), "chroot"},
		{pyapp.ManualWith("give the capabilities to the unit of systemd: %s"), "cap"},
		{pyapp.ManualWith("set limits { memory, cpu, processes }: %s"), "cgroup"},
		{pyapp.ManualWith("use a container: %s"), "pivot-root setns"},
		{pyapp.Manual("apps never run as root"), "as-root"},
		{pyapp.Drop(pyapp.NamesProcesses), "procname procname-prefix procname-prefix-spaced procname-append " +
			"procname-master auto-procname"},
		{pyapp.Drop(upgrades), "zerg zerg-server exit-on-reload"},
	}
}

// requestOptions returns the options of sockets, and of requests before they reach the app.
func (c *config) requestOptions() pyapp.Table {
	return pyapp.Table{
		{c.listen("uwsgi"), "socket uwsgi-socket suwsgi-socket unix-socket"},
		{c.listen("http"), "http-socket http http11-socket shared-socket undeferred-shared-socket"},
		{c.secure, "https https-socket"},
		{c.listen("fastcgi"), "fastcgi-socket fastcgi-nph-socket"},
		{c.listen("scgi"), "scgi-socket scgi-nph-socket"},
		{pyapp.Drop(pyapp.Connects), "http-to protocol http-modifier1"},
		{pyapp.ManualWith("set redirect_https in the listen block of the host's own file: %s"), "http-to-https"},
		{pyapp.Drop(queues), "map-socket so-reuseport"},
		{sockets("mode"), "chmod-socket chmod"},
		{sockets("owner and group"), "chown-socket"},
		{c.httpTimeout, "http-timeout"},
		{pyapp.Drop(pyapp.BoundsClients), "socket-timeout so-send-timeout socket-send-timeout socket-write-timeout " +
			"so-write-timeout body-read-warning response-header-limit response-headers-limit http-keepalive " +
			"http-auto-chunked http-backlog"},
		{pyapp.Count("queue.max", 1048576), "listen"},
		{c.bufferSize, "buffer-size http-buffer-size"},
		{pyapp.Drop("the host keeps bodies in memory and then in files: see spool"), "post-buffering " +
			"post-buffering-bufsize"},
		{pyapp.ManualWith("the host writes no progress of uploads: %s"), "upload-progress"},
		{pyapp.Seconds("queue.timeout", ""), "harakiri-queue-threshold"},
		{pyapp.Drop("the host keeps bodies in its state folder"), "upload-tmp tmpdir"},
		{pyapp.Drop("trusted_proxies of the host's own file"), "x-forwarded"},
		{pyapp.Drop("one host process serves all clients"), "http-processes http-workers"},
		{pyapp.Drop("the host opens its listeners before it gives up rights"), "http-uid http-gid"},
		{pyapp.Drop("the host speaks TLS 1.2 and newer"), "tls-server-min"},
	}
}

// fileOptions returns the options for files that uWSGI sends itself, and headers that it adds.
func (c *config) fileOptions() pyapp.Table {
	return pyapp.Table{
		{c.staticMap, "static-map static-map2"},
		{c.checkStatic, "check-static static-check"},
		{c.staticIndex, "static-index"},
		{pyapp.Manual("list the folders as alias blocks"), "check-static-docroot"},
		{pyapp.Drop("the host sends files itself; see sendfile for X-Sendfile and X-Accel-Redirect"), "file-serve-mode " +
			"fileserve-mode"},
		{pyapp.Drop("the host knows the usual types of files"), "mimefile mime-file"},
		{pyapp.ManualWith("write the header into the web server in front, or into the app: %s"), "add-header"},
		{pyapp.ManualWith("take the header off in the web server in front: %s"), "del-header"},
		{c.staticFolder, "static docroot"},
	}
}

// logOptions are the options of logs, and of running in the background.
var logOptions = pyapp.Table{
	{pyapp.Drop(pyapp.LogsRequests), "collect-header log-format logformat logformat-strftime log-slow"},
	{pyapp.Drop(pyapp.KeepsLogs), "logto logto2 log-to log-strftime syslog rsyslog log-maxsize log-backupname " +
		"touch-logrotate touch-logreopen threaded-logger log-date log-prefix logfile-chmod logfile-chown " +
		"log-reopen"},
	{pyapp.Drop("modgw-host runs under systemd, in the foreground; " + pyapp.KeepsLogs), "daemonize daemonize2"},
	{pyapp.Drop("modgw-host runs under systemd, in the foreground"), "d"},
	{pyapp.Drop("systemd, and the control socket, know the host's process"), "pidfile safe-pidfile pidfile2 " +
		"safe-pidfile2"},
}

// reloadOptions returns the options for files whose change restarts the app.
func (c *config) reloadOptions() pyapp.Table {
	return pyapp.Table{
		{pyapp.Drop("modgw-host reload and other commands take its place"), "master-fifo"},
		{c.watched, "touch-reload touch-workers-reload touch-chain-reload"},
		{pyapp.Drop("the host reloads an app when its files change"), "autoreload auto-reload py-autoreload " +
			"python-autoreload py-auto-reload python-auto-reload"},
		{pyapp.Drop("reload.ignore has globs of files that do not count"), "py-auto-reload-ignore"},
	}
}

// serviceOptions returns the options of companions of the app: daemons, tasks, cron, statistics.
func (c *config) serviceOptions() pyapp.Table {
	return pyapp.Table{
		{pyapp.Drop("it is for mules alone"), "mule-harakiri touch-mules-reload"},
		{pyapp.Drop("it is for the spooler alone"), "spooler-harakiri spooler-processes spooler-frequency " +
			"spooler-ordered spooler-max-tasks spooler-chdir"},
		{c.daemon, "attach-daemon attach-daemon2 smart-attach-daemon smart-attach-daemon2 legion-attach-daemon attach-control-daemon"},
		{pyapp.Drop(metrics), "stats stats-server memory-report m"},
		{c.crontab, "crons cron2"},
		{pyapp.ManualWith("run it by a timer of systemd: %s"), "timer rbtimer"},
		{pyapp.ManualWith("run the tasks of the spooler by a worker of their own, such as Celery or RQ, as a unit of systemd: %s"), " " +
			"spooler"},
		{pyapp.ManualWith("uWSGI's shared memory is not there: %s"), "sharedarea"},
		{pyapp.ManualWith("uWSGI's locks are not there: let the app lock files: %s"), "locks"},
		{pyapp.ManualWith("uWSGI's queue is not there: %s"), "queue"},
		{pyapp.ManualWith("uWSGI's signals are not there: %s"), "signal"},
		{pyapp.ManualWith("run it by a path unit of systemd: %s"), "hook-touch"},
		{pyapp.ManualWith("profile the app by its own means: %s"), "profiler"},
		{pyapp.Drop("it prints an option"), "get"},
		{pyapp.Manual("write the lines out"), "for-readline"},
	}
}

// emperorOptions returns the options of folders of configurations.
func (c *config) emperorOptions() pyapp.Table {
	return pyapp.Table{
		{c.emperor, "emperor"},
		{pyapp.ManualWith("put it into each vassal, or into defaults of the host's own file: %s"), "vassals-include " +
			"vassal-set vassals-set vassals-inherit"},
		{pyapp.Manual("set idle { start = \"on-demand\" } in the apps, or in defaults of the host's own file"), "emperor-on-demand-extension emperor-on-demand-directory"},
		{pyapp.ManualWith("the host starts no wrapper: %s"), "emperor-wrapper"},
	}
}

// flags are the options without a value, or with true and false.
var flags = pyapp.Table{
	{pyapp.Drop(pyapp.Supervises), "master M master-as-root no-orphans n lazy-apps lazy need-app strict reaper r " +
		"die-on-no-workers single-master harakiri-verbose harakiri-no-arh never-swap"},
	{pyapp.Drop(stops), "vacuum die-on-term"},
	{pyapp.Drop(pyapp.KeepsLogs), "disable-logging L log-master log-x-forwarded-for log-micros log-truncate log-zero " +
		"log-4xx log-5xx log-sendfile log-ioerror ignore-sigpipe ignore-write-errors disable-write-exception " +
		"write-errors-exception-only"},
	{pyapp.Drop(pyapp.NamesProcesses), "auto-procname"},
	{pyapp.Drop(queues), "thunder-lock disable-sendfile abstract-socket a reuse-port tcp-nodelay so-keepalive " +
		"tcp-fast-open freebind"},
	{pyapp.Drop(interpret), "enable-threads T single-interpreter i disable-threads no-default-app honour-stdin " +
		"close-on-exec close-on-exec2 pep3333-input wsgi-accept-buffer wsgi-accept-buffers " +
		"wsgi-manage-chunked-input wsgi-disable-file-wrapper gevent-monkey-patch gevent-wait-for-hub " +
		"gevent-early-monkey-patch"},
	{pyapp.Drop(pyapp.Connects), "manage-script-name wsgi-lite http-raw-body http-chunked-input http-auto-gzip " +
		"http-websockets enable-proxy-protocol http-enable-proxy-protocol"},
	{pyapp.Drop(metrics), "memory-report m stats-http stats-minified enable-metrics emperor-stats"},
	{pyapp.Drop(upgrades), "reload-on-exception exit-on-reload reload-os-env"},
	{pyapp.Manual("set user of each app to the owner of its file, or keep descriptors that their users own, whose apps run as these"), " " +
		"emperor-tyrant"},
	{pyapp.Manual("modgw-host dev shows tracebacks in the browser; in production they are in the log"), "catch-exceptions"},
	{pyapp.Manual("make a descriptor with hosts for each host"), "vhost virtualhost"},
	{pyapp.Drop("a request that takes too long leaves the stacks of its worker in the log"), "py-tracebacker"},
	{pyapp.Drop("the host keeps as many workers as the app has"), "cheap"},
	{pyapp.Drop("the host watches its folder of descriptors itself"), "emperor-nofollow"},
	{pyapp.Manual("the app sees the packages of its environment alone; set PYTHONNOUSERSITE and similar in env"), "no-site"},
}.ByName()

// groups returns further options, and beginnings of them, which end with "*". The first match
// counts.
func (c *config) groups() pyapp.Table {
	return slices.Concat(c.featureGroups(), languageGroups, otherOptions)
}

// featureGroups returns the groups of features, such as caches, routers and statistics.
func (c *config) featureGroups() pyapp.Table {
	return pyapp.Table{
		{pyapp.ManualWith("run what the hook did at the same moment, by a unit of systemd: %s"), "hook-*"},
		{pyapp.ManualWith("run this command at the same moment, by a unit of systemd: %s"), "exec-*"},
		{pyapp.ManualWith("a rule for requests: write it into the web server in front, or into the app: %s"), "route*"},
		{pyapp.ManualWith("a rule for errors: write it into the web server in front, or use error_pages: %s"), " " +
			"error-route*"},
		{pyapp.ManualWith("a rule for responses: write it into the web server in front: %s"), "response-route* " +
			"final-route*"},
		{pyapp.Drop(pyapp.KeepsLogs), "log-* logger*"},
		{pyapp.Drop(pyapp.LogsRequests), "req-logger*"},
		{pyapp.Drop("the host watches its folder of descriptors itself"), "emperor-*"},
		{pyapp.Drop(decidesNumber), "cheaper-*"},
		{pyapp.Drop("idle { stop_after } ends the workers of an app that is not used"), "cheap*"},
		{pyapp.Drop(pyapp.BoundsClients), "http-* https-*"},
		{pyapp.ManualWith("a router in front of several instances: list the hosts in the descriptors, which replaces it: %s"), " " +
			"fastrouter*"},
		{pyapp.ManualWith("raw connections are not routed by the host: use the web server in front: %s"), "rawrouter* " +
			"sslrouter*"},
		{pyapp.Drop("the host knows its apps by their descriptors"), "subscribe* subscription-*"},
		{pyapp.ManualWith("uWSGI's cache is not there: let the app use Redis or Memcached: %s"), "cache*"},
		{pyapp.ManualWith("run the tasks of the spooler by a worker of their own, such as Celery or RQ, as a unit of systemd: %s"), " " +
			"spooler*"},
		{pyapp.ManualWith("run the mule as a program of its own, as a unit of systemd: %s"), "mule*"},
		{pyapp.ManualWith("run the mules as programs of their own, as units of systemd: %s"), "farm*"},
		{c.crontab, "cron* unique-cron*"},
		{pyapp.ManualWith("the host has no clusters: %s"), "legion*"},
		{pyapp.ManualWith("set cache of the alias to how long browsers keep the files: %s"), "static-expires*"},
		{pyapp.ManualWith("no setting of an alias does this: write it into the web server in front: %s"), "static-*"},
		{c.phpOption, "php-*"},
		{pyapp.ManualWith("see the cgi block of the descriptor: %s"), "cgi-*"},
		{pyapp.Drop(metrics), "stats-*"},
		{pyapp.ManualWith("send the figures of modgw-host metrics to your monitoring: %s"), "carbon* metric* snmp*"},
		{pyapp.ManualWith("let your monitoring raise this alarm from the host's log: %s"), "alarm*"},
		{pyapp.ManualWith("the host does not log to a database: %s"), "mongodb*"},
		{c.watched, "touch-* fs-*"},
		{pyapp.ManualWith("set limits { memory, cpu, processes }: %s"), "cgroup*"},
		{pyapp.ManualWith("the host has no namespaces: use a container: %s"), "ns-* unshare*"},
		{pyapp.Drop("the host sends files and slow responses itself"), "offload*"},
		{pyapp.Drop(upgrades), "zerg* reload-os-env*"},
	}
}

// languageGroups are the groups of languages and of event loops.
var languageGroups = pyapp.Table{
	{pyapp.ManualWith("the host has no such gateway: %s"), "erlang*"},
	{pyapp.ManualWith("the host runs no Lua: run the app by a program of its own in an http block: %s"), "lua*"},
	{pyapp.ManualWith("run the Ruby app by a program of its own in an http block: %s"), "rb*"},
	{pyapp.ManualWith("set GEM_HOME in env: %s"), "gem*"},
	{pyapp.ManualWith("run the Perl app by a program of its own in an http block: %s"), "perl*"},
	{pyapp.Drop("certificates belong to the listen block of the host's own file, or to the web server in front"), " " +
		"ssl*"},
	{pyapp.ManualWith("uWSGI's own WebSockets need its module: make the app an asgi app: %s"), "websockets*"},
	{pyapp.Drop(pyapp.NamesProcesses), "auto-procname* procname* procname-*"},
	{pyapp.ManualWith("the host makes no networks: %s"), "tuntap*"},
	{pyapp.ManualWith("use asgi, or concurrency = \"gevent\": %s"), "ugreen*"},
	{pyapp.ManualWith("make the app an asgi app: %s"), "asyncio*"},
	{pyapp.ManualWith("run the app by a program of its own in an http block: %s"), "tornado*"},
	{pyapp.Drop("gevent brings what it needs"), "greenlet*"},
	{pyapp.Drop("the host makes the standard library cooperate with gevent before it imports the app"), "gevent-*"},
}

// otherOptions are the further options, most of which need nothing.
var otherOptions = pyapp.Table{
	{pyapp.Drop(pyapp.Supervises), "worker-*"},
	{pyapp.ManualWith("run it at the same moment, by a unit of systemd: %s"), "call-* mount-as-* mount-asap " +
		"mount-in-jail mount-post-* mount-pre-* umount-* after-request-* file-write file-write-append " +
		"vassals-start-hook vassals-stop-hook exception-handler"},
	{pyapp.ManualWith("let modgw.service wait for it, by After= and Requires=: %s"), "wait-for-* wait-iface* " +
		"wait-interface* flock* flock2 flock-wait*"},
	{pyapp.ManualWith("set env, or env_file, to these variables: %s"), "envdir early-envdir"},
	{pyapp.ManualWith("set error_pages: %s"), "error-page-*"},
	{pyapp.ManualWith("use a container: %s"), "setns-* jailed namespace* ns pivot* privileged-binary-patch* " +
		"unprivileged-binary-patch* re-fork* refork* ksm vassal-cap vassals-cap"},
	{pyapp.ManualWith("put it into each vassal, or into defaults of the host's own file: %s"), "vassals-include* " +
		"vassals-inherit* vassal-sos*"},
	{pyapp.ManualWith("see what the plugin did for the app: %s"), "autoload build-plugin dlopen early-emperor " +
		"heartbeat multicast* udp rpc-max raw-* mode config-py binary-append-data load-file-in-cache* " +
		"add-cache-item check-cache"},
	{pyapp.ManualWith("let your monitoring raise this alarm from the host's log: %s"), "backlog-alarm lq-alarm " +
		"listen-queue-alarm segfault-alarm not-alarm-log not-log-alarm"},
	{pyapp.ManualWith("write it into the web server in front: %s"), "rem-header pull-header " +
		"response-header-collect inject-* honour-range sni*"},
	{pyapp.Drop("it is a command for uWSGI, and no setting"), "build* cflags dot-h dump-options exit extract help " +
		"usage version print* iprint plugin-list plugins-list loop-list loops-list clock-list clocks-list " +
		"imperial-monitor* reload stop pause resume suspend show-config command-mode connect-and-read no-server " +
		"declare-option*"},
	{pyapp.Drop(pyapp.Supervises), "auto-weight weight backtrace-depth brutal-reload-on-fd reload-on-fd binsh " +
		"blacklist whitelist check-interval check-mount* mount-check mountpoint* clock die-on-idle drop-after-* " +
		"fallback-config fd-safe safe-fd ftok lock-engine max-apps mem-collector-freq no-fd-passing " +
		"no-threads-wait notify-socket pcre-jit persistent-ipcsem propagate-touch resolve signal-* signals-* " +
		"skip-atexit* skip-zero use-abort queue-* no-harakiri-* st immediate-* no-initgroups daemons-honour-stdin " +
		"reload-on-exception-repr"},
	{pyapp.Drop(pyapp.Connects), "allowed-modifiers fastcgi-modifier* scgi-modifier* remap-modifier " +
		"ignore-script-name socket-protocol vhost-host"},
	{pyapp.Drop(pyapp.BoundsClients), "chunked-input-* max-vars socket-rcvbuf socket-sndbuf tcp-fast* " +
		"no-defer-accept puwsgi-socket shutdown-sockets websocket-* write-errors-tolerance start-unsubscribed " +
		"unsubscribe-on-graceful-reload subscriptions-*"},
	{pyapp.Drop(pyapp.KeepsLogs), "logdate log"},
	{pyapp.Size("limits.stack", 1<<10), "thread-stack-size threads-stack-size"},
}

// grouped returns the rule of the group that has an option; nil for none.
func (c *config) grouped(name string) pyapp.Rule {
	for _, g := range c.groups() {
		for one := range strings.FieldsSeq(g.Names) {
			if beginning, ok := strings.CutSuffix(one, "*"); one == name || ok && strings.HasPrefix(name, beginning) {
				return g.Rule
			}
		}
	}
	return nil
}

// closest returns a known option that differs from a name by a letter or two; "" for none.
func (c *config) closest(name string) (best string) {
	if len(name) < 4 {
		return ""
	}
	least := 3
	for _, all := range []map[string]pyapp.Rule{c.rules, flags} {
		for known := range all {
			distance := levenshtein.Distance(name, known, nil)
			if len(known) > 3 && (distance < least || distance == least && known < best && best != "") {
				least, best = distance, known
			}
		}
	}
	return best
}
