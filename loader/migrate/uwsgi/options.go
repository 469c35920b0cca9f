package uwsgi

import (
	"fmt"
	"path"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// rule follows an option of uWSGI.
type rule func(c *config, o pyapp.Option) pyapp.Outcome

// of makes a rule of one that all servers share.
func of(shared pyapp.Rule) rule {
	return func(c *config, o pyapp.Option) pyapp.Outcome {
		o.Value = number(o.Value)
		return shared(c.App, o)
	}
}

func drop(reason string) rule { return of(pyapp.Drop(reason)) }

func manual(task string) rule { return of(pyapp.Manual(task)) }

// manualWith has the value of the option for %s in the task.
func manualWith(task string) rule {
	return func(c *config, o pyapp.Option) pyapp.Outcome {
		return pyapp.ByHand(task, migrate.Quote(c.reading.plan.Written(o.Text())))
	}
}

// Reasons that several options share.
const (
	supervises = "the host always supervises the processes of its apps"
	stops      = "the host ends its processes on SIGTERM and removes its sockets"
	logs       = "the host keeps the logs of its apps: modgw-host logs shows them"
	accessLogs = "requests are logged by the access_log block of the host's own file"
	names      = "the host names the processes of its apps"
	queues     = "the host gives each request to a free worker itself"
	frontend   = "the web server in front connects to a listener of the host"
	gateways   = "timeouts and limits of clients belong to the listen block of the host's own file"
	metrics    = "modgw-host status shows what the workers do"
	embedded   = "Python runs as a process of its own, without plugins"
	interpret  = "each worker is an interpreter of its own, with threads"
	upgrades   = "the host replaces workers without a restart of its own"
)

// rules are the options that have a value.
var rules map[string]rule

// flags are those without one, or with true and false.
var flags map[string]rule

// families are groups of options that begin alike.
var families = []struct {
	prefix string
	rule   rule
}{
	{"hook-", manualWith("run what the hook did at the same moment, by a unit of systemd: %s")},
	{"exec-", manualWith("run this command at the same moment, by a unit of systemd: %s")},
	{"route", manualWith("a rule for requests: write it into the web server in front, or into the app: %s")},
	{"error-route", manualWith("a rule for errors: write it into the web server in front, or use error_pages: %s")},
	{"response-route", manualWith("a rule for responses: write it into the web server in front: %s")},
	{"final-route", manualWith("a rule for responses: write it into the web server in front: %s")},
	{"log-", drop(logs)},
	{"logger", drop(logs)},
	{"req-logger", drop(accessLogs)},
	{"emperor-", drop("the host watches its folder of descriptors itself")},
	{"cheaper-", drop("the host keeps as many workers as the app has, and does not change their number under load")},
	{"cheap", drop("the host keeps as many workers as the app has")},
	{"http-", drop(gateways)},
	{"https-", drop(gateways)},
	{"fastrouter", manualWith("a router in front of several instances: list the hosts in the descriptors, which replaces it: %s")},
	{"rawrouter", manualWith("raw connections are not routed by the host: use the web server in front: %s")},
	{"sslrouter", manualWith("raw connections are not routed by the host: use the web server in front: %s")},
	{"subscribe", drop("the host knows its apps by their descriptors")},
	{"subscription-", drop("the host knows its apps by their descriptors")},
	{"cache", manualWith("uWSGI's cache is not there: let the app use Redis or Memcached: %s")},
	{"spooler", manualWith("run the tasks of the spooler by a worker of their own, such as Celery or RQ, as a unit of systemd: %s")},
	{"mule", manualWith("run the mule as a program of its own, as a unit of systemd: %s")},
	{"farm", manualWith("run the mules as programs of their own, as units of systemd: %s")},
	{"cron", crontab}, {"unique-cron", crontab}, {"legion", manualWith("the host has no clusters: %s")},
	{"static-expires", manualWith("set cache of the alias to how long browsers keep the files: %s")},
	{"static-", manualWith("no setting of an alias does this: write it into the web server in front: %s")},
	{"php-", phpOption},
	{"cgi-", manualWith("see the cgi block of the descriptor: %s")},
	{"stats-", drop(metrics)},
	{"carbon", manualWith("send the figures of modgw-host metrics to your monitoring: %s")},
	{"metric", manualWith("send the figures of modgw-host metrics to your monitoring: %s")},
	{"snmp", manualWith("send the figures of modgw-host metrics to your monitoring: %s")},
	{"alarm", manualWith("let your monitoring raise this alarm from the host's log: %s")},
	{"mongodb", manualWith("the host does not log to a database: %s")},
	{"touch-", watched}, {"fs-", watched},
	{"cgroup", manualWith("set limits { memory, cpu, processes }: %s")},
	{"ns-", manualWith("the host has no namespaces: use a container: %s")},
	{"unshare", manualWith("the host has no namespaces: use a container: %s")},
	{"offload", drop("the host sends files and slow responses itself")},
	{"zerg", drop(upgrades)},
	{"erlang", manualWith("the host has no such gateway: %s")},
	{"lua", manualWith("the host runs no Lua: run the app by a program of its own in an http block: %s")},
	{"rb", manualWith("run the Ruby app by a program of its own in an http block: %s")},
	{"gem", manualWith("set GEM_HOME in env: %s")},
	{"perl", manualWith("run the Perl app by a program of its own in an http block: %s")},
	{"ssl", drop("certificates belong to the listen block of the host's own file, or to the web server in front")},
	{"websockets", manualWith("uWSGI's own WebSockets need its module: make the app an asgi app: %s")},
	{"auto-procname", drop(names)}, {"procname", drop(names)},
	{"procname-", drop(names)},
	{"tuntap", manualWith("the host makes no networks: %s")},
	{"ugreen", manualWith("use asgi, or concurrency = \"gevent\": %s")},
	{"asyncio", manualWith("make the app an asgi app: %s")},
	{"tornado", manualWith("run the app by a program of its own in an http block: %s")},
	{"greenlet", drop("gevent brings what it needs")},
	{"gevent-", drop("the host makes the standard library cooperate with gevent before it imports the app")},
	{"worker-", drop(supervises)},
	{"reload-os-env", drop(upgrades)},
}

// groups are further options and beginnings of them, by what they become. A beginning ends with
// "*".
var groups = []struct {
	rule  rule
	names string
}{
	{manualWith("run it at the same moment, by a unit of systemd: %s"), "call-* mount-as-* mount-asap mount-in-jail mount-post-* mount-pre-* " +
		"umount-* after-request-* file-write file-write-append vassals-start-hook vassals-stop-hook exception-handler"},
	{manualWith("let modgw.service wait for it, by After= and Requires=: %s"), "wait-for-* wait-iface* wait-interface* flock* flock2 " +
		"flock-wait*"},
	{manualWith("set env, or env_file, to these variables: %s"), "envdir early-envdir"},
	{manualWith("set error_pages: %s"), "error-page-*"},
	{manualWith("use a container: %s"), "setns-* jailed namespace* ns pivot* privileged-binary-patch* unprivileged-binary-patch* re-fork* refork* " +
		"ksm vassal-cap vassals-cap"},
	{manualWith("put it into each vassal, or into defaults of the host's own file: %s"), "vassals-include* vassals-inherit* vassal-sos*"},
	{manualWith("see what the plugin did for the app: %s"), "autoload build-plugin dlopen early-emperor heartbeat multicast* udp rpc-max raw-* " +
		"mode config-py binary-append-data load-file-in-cache* add-cache-item check-cache"},
	{manualWith("let your monitoring raise this alarm from the host's log: %s"), "backlog-alarm lq-alarm listen-queue-alarm segfault-alarm " +
		"not-alarm-log not-log-alarm"},
	{manualWith("write it into the web server in front: %s"), "rem-header pull-header response-header-collect inject-* honour-range sni*"},
	{drop("it is a command for uWSGI, and no setting"), "build* cflags dot-h dump-options exit extract help usage version print* iprint " +
		"plugin-list plugins-list loop-list loops-list clock-list clocks-list imperial-monitor* reload stop pause resume suspend show-config " +
		"command-mode connect-and-read no-server declare-option*"},
	{drop(supervises), "auto-weight weight backtrace-depth brutal-reload-on-fd reload-on-fd binsh blacklist whitelist check-interval check-mount* " +
		"mount-check mountpoint* clock die-on-idle drop-after-* fallback-config fd-safe safe-fd ftok lock-engine max-apps mem-collector-freq " +
		"no-fd-passing no-threads-wait notify-socket pcre-jit persistent-ipcsem propagate-touch resolve signal-* signals-* skip-atexit* " +
		"skip-zero use-abort queue-* no-harakiri-* st immediate-* no-initgroups daemons-honour-stdin reload-on-exception-repr"},
	{drop(frontend), "allowed-modifiers fastcgi-modifier* scgi-modifier* remap-modifier ignore-script-name socket-protocol vhost-host"},
	{drop(gateways), "chunked-input-* max-vars socket-rcvbuf socket-sndbuf tcp-fast* no-defer-accept puwsgi-socket shutdown-sockets " +
		"websocket-* write-errors-tolerance start-unsubscribed unsubscribe-on-graceful-reload subscriptions-*"},
	{drop(logs), "logdate log"},
	{of(pyapp.Size("limits.stack", 1<<10)), "thread-stack-size threads-stack-size"},
}

// grouped returns the rule of a group that has an option.
func grouped(name string) rule {
	for _, g := range groups {
		for one := range strings.FieldsSeq(g.names) {
			if beginning, ok := strings.CutSuffix(one, "*"); one == name || ok && strings.HasPrefix(name, beginning) {
				return g.rule
			}
		}
	}
	return nil
}

func init() {
	rules = map[string]rule{
		"module":    setField(func(c *config) *string { return &c.module }, "entry"),
		"wsgi":      setField(func(c *config) *string { return &c.module }, "entry"),
		"wsgi-file": setField(func(c *config) *string { return &c.file }, "entry"),
		"file":      setField(func(c *config) *string { return &c.file }, "entry"),
		"callable":  setField(func(c *config) *string { return &c.callable }, "the callable of entry"),
		"mount":     mountOption, "ini-paste": paste, "ini-paste-logged": paste, "paste": paste,
		"processes":   of(pyapp.Count("kind.workers", 1024)),
		"workers":     of(pyapp.Count("kind.workers", 1024)),
		"p":           of(pyapp.Count("kind.workers", 1024)),
		"threads":     of(pyapp.Count("kind.threads", 1024)),
		"gevent":      gevent,
		"loop":        loop,
		"async":       manualWith("asynchronous cores need gevent, or an asgi app: %s"),
		"virtualenv":  of(pyapp.Venv),
		"venv":        of(pyapp.Venv),
		"home":        of(pyapp.Venv),
		"pyhome":      of(pyapp.Venv),
		"pythonpath":  of(pyapp.ModulePath),
		"python-path": of(pyapp.ModulePath),
		"pp":          of(pyapp.ModulePath),
		"chdir":       of(pyapp.Chdir), "chdir2": of(pyapp.Chdir), "env": of(pyapp.Variable), "unenv": unset,
		"uid":                         of(pyapp.Account("user")),
		"gid":                         of(pyapp.Account("group")),
		"add-gid":                     addedGroups,
		"additional-gid":              addedGroups,
		"umask":                       of(pyapp.Umask),
		"socket":                      listen("uwsgi"),
		"uwsgi-socket":                listen("uwsgi"),
		"suwsgi-socket":               listen("uwsgi"),
		"http-socket":                 listen("http"),
		"http":                        listen("http"),
		"https":                       secure,
		"https-socket":                secure,
		"http11-socket":               listen("http"),
		"fastcgi-socket":              listen("fastcgi"),
		"fastcgi-nph-socket":          listen("fastcgi"),
		"scgi-socket":                 listen("scgi"),
		"scgi-nph-socket":             listen("scgi"),
		"shared-socket":               listen("http"),
		"http-to":                     drop(frontend),
		"protocol":                    drop(frontend),
		"http-to-https":               manualWith("set redirect_https in the listen block of the host's own file: %s"),
		"http-modifier1":              drop(frontend),
		"undeferred-shared-socket":    listen("http"),
		"map-socket":                  drop(queues),
		"chmod-socket":                sockets("mode"),
		"chown-socket":                sockets("owner and group"),
		"chmod":                       sockets("mode"),
		"harakiri":                    of(pyapp.Seconds("timeouts.request", "")),
		"http-timeout":                httpTimeout,
		"socket-timeout":              drop(gateways),
		"so-send-timeout":             drop(gateways),
		"socket-send-timeout":         drop(gateways),
		"socket-write-timeout":        drop(gateways),
		"so-write-timeout":            drop(gateways),
		"mule-harakiri":               drop("it is for mules alone"),
		"spooler-harakiri":            drop("it is for the spooler alone"),
		"reload-mercy":                of(pyapp.Seconds("timeouts.drain", "")),
		"worker-reload-mercy":         of(pyapp.Seconds("timeouts.drain", "")),
		"max-requests":                of(pyapp.Count("recycle.requests", 2147483647)),
		"max-requests-delta":          drop("recycle.jitter spreads the limits by a tenth"),
		"max-worker-lifetime":         of(pyapp.Seconds("recycle.age", "")),
		"min-worker-lifetime":         drop(supervises),
		"max-worker-lifetime-delta":   drop("recycle.jitter spreads the limits by a tenth"),
		"reload-on-rss":               of(pyapp.Size("recycle.memory", 1<<20)),
		"evil-reload-on-rss":          of(pyapp.Size("recycle.memory", 1<<20)),
		"reload-on-uss":               of(pyapp.Size("recycle.memory", 1<<20)),
		"reload-on-pss":               of(pyapp.Size("recycle.memory", 1<<20)),
		"reload-on-as":                addressSpace,
		"evil-reload-on-as":           addressSpace,
		"limit-as":                    of(pyapp.Size("limits.memory", 1<<20)),
		"limit-nproc":                 of(pyapp.Count("limits.processes", 4194304)),
		"limit-post":                  of(pyapp.Size("limits.body", 1)),
		"max-fd":                      of(pyapp.Count("limits.files", 1073741824)),
		"rlimit-nofile":               of(pyapp.Count("limits.files", 1073741824)),
		"threads-stacksize":           of(pyapp.Size("limits.stack", 1<<10)),
		"thread-stacksize":            of(pyapp.Size("limits.stack", 1<<10)),
		"stack-size":                  of(pyapp.Size("limits.stack", 1<<10)),
		"nice":                        of(pyapp.Count("nice", 19)),
		"prio":                        of(pyapp.Count("nice", 19)),
		"idle":                        of(pyapp.Seconds("idle.stop_after", "")),
		"listen":                      of(pyapp.Count("queue.max", 1048576)),
		"buffer-size":                 bufferSize,
		"post-buffering":              drop("the host keeps bodies in memory and then in files: see spool"),
		"post-buffering-bufsize":      drop("the host keeps bodies in memory and then in files: see spool"),
		"upload-progress":             manualWith("the host writes no progress of uploads: %s"),
		"body-read-warning":           drop(gateways),
		"sleep":                       drop(supervises),
		"cpu-affinity":                drop("the system places processes on CPUs"),
		"static-map":                  staticMap,
		"static-map2":                 staticMap,
		"check-static":                checkStatic,
		"static-index":                staticIndex,
		"static-check":                checkStatic,
		"check-static-docroot":        manual("list the folders as alias blocks"),
		"file-serve-mode":             drop("the host sends files itself; see sendfile for X-Sendfile and X-Accel-Redirect"),
		"fileserve-mode":              drop("the host sends files itself; see sendfile for X-Sendfile and X-Accel-Redirect"),
		"mimefile":                    drop("the host knows the usual types of files"),
		"mime-file":                   drop("the host knows the usual types of files"),
		"add-header":                  manualWith("write the header into the web server in front, or into the app: %s"),
		"del-header":                  manualWith("take the header off in the web server in front: %s"),
		"collect-header":              drop(accessLogs),
		"response-header-limit":       drop(gateways),
		"response-headers-limit":      drop(gateways),
		"logto":                       drop(logs),
		"logto2":                      drop(logs),
		"log-to":                      drop(logs),
		"daemonize":                   drop("modgw-host runs under systemd, in the foreground; " + logs),
		"daemonize2":                  drop("modgw-host runs under systemd, in the foreground; " + logs),
		"d":                           drop("modgw-host runs under systemd, in the foreground"),
		"pidfile":                     drop("systemd, and the control socket, know the host's process"),
		"safe-pidfile":                drop("systemd, and the control socket, know the host's process"),
		"pidfile2":                    drop("systemd, and the control socket, know the host's process"),
		"safe-pidfile2":               drop("systemd, and the control socket, know the host's process"),
		"log-format":                  drop(accessLogs),
		"logformat":                   drop(accessLogs),
		"log-strftime":                drop(logs),
		"logformat-strftime":          drop(accessLogs),
		"syslog":                      drop(logs),
		"rsyslog":                     drop(logs),
		"log-maxsize":                 drop(logs),
		"log-backupname":              drop(logs),
		"touch-logrotate":             drop(logs),
		"touch-logreopen":             drop(logs),
		"log-slow":                    drop(accessLogs),
		"threaded-logger":             drop(logs),
		"log-date":                    drop(logs),
		"log-prefix":                  drop(logs),
		"logfile-chmod":               drop(logs),
		"logfile-chown":               drop(logs),
		"log-reopen":                  drop(logs),
		"attach-daemon":               daemon,
		"attach-daemon2":              daemon,
		"smart-attach-daemon":         daemon,
		"smart-attach-daemon2":        daemon,
		"legion-attach-daemon":        daemon,
		"attach-control-daemon":       daemon,
		"master-fifo":                 drop("modgw-host reload and other commands take its place"),
		"touch-reload":                watched,
		"touch-workers-reload":        watched,
		"touch-chain-reload":          watched,
		"touch-mules-reload":          drop("it is for mules alone"),
		"autoreload":                  drop("the host reloads an app when its files change"),
		"auto-reload":                 drop("the host reloads an app when its files change"),
		"py-autoreload":               drop("the host reloads an app when its files change"),
		"python-autoreload":           drop("the host reloads an app when its files change"),
		"py-auto-reload":              drop("the host reloads an app when its files change"),
		"python-auto-reload":          drop("the host reloads an app when its files change"),
		"py-auto-reload-ignore":       drop("reload.ignore has globs of files that do not count"),
		"cheaper":                     drop("the host keeps as many workers as the app has, and does not change their number under load"),
		"cheaper-initial":             drop("the host starts all workers"),
		"cheaper-step":                drop("the host starts all workers"),
		"cheaper-algo":                drop("the host starts all workers"),
		"cheaper-overload":            drop("the host starts all workers"),
		"stats":                       drop(metrics),
		"stats-server":                drop(metrics),
		"plugins":                     plugins,
		"plugin":                      plugins,
		"need-plugin":                 plugins,
		"need-plugins":                plugins,
		"plugins-dir":                 drop(embedded),
		"plugin-dir":                  drop(embedded),
		"emperor":                     emperor,
		"vassals-include":             manualWith("put it into each vassal, or into defaults of the host's own file: %s"),
		"vassal-set":                  manualWith("put it into each vassal, or into defaults of the host's own file: %s"),
		"vassals-set":                 manualWith("put it into each vassal, or into defaults of the host's own file: %s"),
		"vassals-inherit":             manualWith("put it into each vassal, or into defaults of the host's own file: %s"),
		"emperor-on-demand-extension": onDemand,
		"emperor-on-demand-directory": onDemand,
		"emperor-wrapper":             manualWith("the host starts no wrapper: %s"),
		"crons":                       crontab,
		"cron2":                       crontab,
		"timer":                       manualWith("run it by a timer of systemd: %s"),
		"rbtimer":                     manualWith("run it by a timer of systemd: %s"),
		"spooler":                     manualWith("run the tasks of the spooler by a worker of their own, such as Celery or RQ, as a unit of systemd: %s"),
		"spooler-processes":           drop("it is for the spooler alone"),
		"spooler-frequency":           drop("it is for the spooler alone"),
		"spooler-ordered":             drop("it is for the spooler alone"),
		"spooler-import":              manualWith("import it in the program that runs the tasks: %s"),
		"spooler-max-tasks":           drop("it is for the spooler alone"),
		"spooler-chdir":               drop("it is for the spooler alone"),
		"import":                      imported,
		"pyimport":                    imported,
		"shared-import":               imported,
		"py-import":                   imported,
		"python-import":               imported,
		"shared-py-import":            imported,
		"shared-python-import":        imported,
		"shared-pyimport":             imported,
		"spooler-python-import":       imported,
		"eval":                        manualWith("put the code into a module and name it as entry: %s"),
		"pyargv":                      manualWith("set sys.argv in the app's module: %s"),
		"optimize":                    optimize,
		"pyrun":                       manualWith("run the script by a unit of systemd, or by an http block when it serves HTTP: %s"),
		"sharedarea":                  manualWith("uWSGI's shared memory is not there: %s"),
		"locks":                       manualWith("uWSGI's locks are not there: let the app lock files: %s"),
		"queue":                       manualWith("uWSGI's queue is not there: %s"),
		"signal":                      manualWith("uWSGI's signals are not there: %s"),
		"pecan":                       manualWith("name a module that makes the app as entry: %s"),
		"chroot":                      manualWith("the host does not change the root folder: use a container: %s"),
		"cap":                         manualWith("give the capabilities to the unit of systemd: %s"),
		"cgroup":                      manualWith("set limits { memory, cpu, processes }: %s"),
		"pivot-root":                  manualWith("use a container: %s"),
		"setns":                       manualWith("use a container: %s"),
		"as-root":                     manual("apps never run as root"),
		"php":                         drop("the kind of the app says so"),
		"psgi":                        psgi,
		"rack":                        rack,
		"rails":                       manualWith("run the app by a program of its own in an http block: %s"),
		"cgi":                         cgi,
		"static":                      staticFolder,
		"docroot":                     staticFolder,
		"binary-path":                 drop(upgrades),
		"procname":                    drop(names),
		"procname-prefix":             drop(names),
		"procname-prefix-spaced":      drop(names),
		"procname-append":             drop(names),
		"procname-master":             drop(names),
		"auto-procname":               drop(names),
		"unix-socket":                 listen("uwsgi"),
		"forkbomb-delay":              drop(supervises),
		"mountpoints-check":           drop(supervises),
		"zerg":                        drop(upgrades),
		"zerg-server":                 drop(upgrades),
		"harakiri-queue-threshold":    of(pyapp.Seconds("queue.timeout", "")),
		"exit-on-reload":              drop(upgrades),
		"asyncio":                     manual("make the app an asgi app"),
		"lazy-apps-delay":             drop(supervises),
		"reload-on-exception-type":    drop(supervises),
		"reload-on-exception-value":   drop(supervises),
		"hook-touch":                  manualWith("run it by a path unit of systemd: %s"),
		"profiler":                    manualWith("profile the app by its own means: %s"),
		"get":                         drop("it prints an option"),
		"memory-report":               drop(metrics),
		"m":                           drop(metrics),
		"upload-tmp":                  drop("the host keeps bodies in its state folder"),
		"tmpdir":                      drop("the host keeps bodies in its state folder"),
		"x-forwarded":                 drop("trusted_proxies of the host's own file"),
		"so-reuseport":                drop(queues),
		"http-keepalive":              drop(gateways),
		"http-auto-chunked":           drop(gateways),
		"http-buffer-size":            bufferSize,
		"http-processes":              drop("one host process serves all clients"),
		"http-workers":                drop("one host process serves all clients"),
		"http-backlog":                drop(gateways),
		"http-uid":                    drop("the host opens its listeners before it gives up rights"),
		"http-gid":                    drop("the host opens its listeners before it gives up rights"),
		"for-readline":                manual("write the lines out"),
		"wsgi-env-behaviour":          drop("each request has an environ of its own"),
		"wsgi-env-behavior":           drop("each request has an environ of its own"),
		"py-call-uwsgi-fork-hooks":    drop(upgrades),
		"tls-server-min":              drop("the host speaks TLS 1.2 and newer"),
	}
	flags = map[string]rule{}
	for reason, list := range map[string]string{
		supervises: "master M master-as-root no-orphans n lazy-apps lazy need-app strict reaper r die-on-no-workers " +
			"single-master harakiri-verbose harakiri-no-arh never-swap",
		stops: "vacuum die-on-term",
		logs: "disable-logging L log-master log-x-forwarded-for log-micros log-truncate log-zero log-4xx log-5xx log-sendfile " +
			"log-ioerror ignore-sigpipe ignore-write-errors disable-write-exception write-errors-exception-only",
		names:  "auto-procname",
		queues: "thunder-lock disable-sendfile abstract-socket a reuse-port tcp-nodelay so-keepalive tcp-fast-open freebind",
		interpret: "enable-threads T single-interpreter i disable-threads no-default-app honour-stdin close-on-exec " +
			"close-on-exec2 pep3333-input wsgi-accept-buffer wsgi-accept-buffers wsgi-manage-chunked-input " +
			"wsgi-disable-file-wrapper gevent-monkey-patch gevent-wait-for-hub gevent-early-monkey-patch",
		frontend: "manage-script-name wsgi-lite http-raw-body http-chunked-input http-auto-gzip http-websockets " +
			"enable-proxy-protocol http-enable-proxy-protocol",
		metrics:  "memory-report m stats-http stats-minified enable-metrics emperor-stats",
		upgrades: "reload-on-exception exit-on-reload reload-os-env",
	} {
		for _, name := range strings.Fields(list) {
			flags[name] = drop(reason)
		}
	}
	flags["emperor-tyrant"] = manual("set user of each app to the owner of its file, or keep descriptors that their " +
		"users own, whose apps run as these")
	flags["catch-exceptions"] = manual("modgw-host dev shows tracebacks in the browser; in production they are in the log")
	flags["vhost"] = manual("make a descriptor with hosts for each host")
	flags["virtualhost"] = flags["vhost"]
	flags["py-tracebacker"] = drop("a request that takes too long leaves the stacks of its worker in the log")
	flags["cheap"] = drop("the host keeps as many workers as the app has")
	flags["emperor-nofollow"] = drop("the host watches its folder of descriptors itself")
	flags["no-site"] = manual("the app sees the packages of its environment alone; set PYTHONNOUSERSITE and similar in env")
}

// setField is the rule for what says which app it is.
func setField(field func(*config) *string, what string) rule {
	return func(c *config, o pyapp.Option) pyapp.Outcome {
		if o.Text() == "" {
			return pyapp.NotNeeded("it is empty")
		}
		*field(c) = o.Text()
		return pyapp.Translated("%s", what)
	}
}

func mountOption(c *config, o pyapp.Option) pyapp.Outcome {
	where, target, ok := strings.Cut(o.Text(), "=")
	if !ok || target == "" {
		return pyapp.ByHand("%s is not PATH=APP", migrate.Quote(o.Text()))
	}
	m := mount{target: target, place: o.Place}
	if m.host, m.path, ok = strings.Cut(where, "/"); m.host == "" || ok {
		m.path = "/" + strings.Trim(m.path, "/")
	} else {
		m.path = "/"
	}
	if strings.HasSuffix(target, ".ini") || strings.Contains(target, "://") {
		return pyapp.ByHand("the app has a configuration of its own: migrate %s, and set mount = %q in what becomes of it", migrate.Quote(target), m.path)
	}
	c.mounts = append(c.mounts, m)
	return pyapp.Translated("an app with mount = %q", m.path)
}

func paste(c *config, o pyapp.Option) pyapp.Outcome {
	file := strings.TrimPrefix(o.Text(), "config:")
	file = c.Absolute(file)
	c.module = fmt.Sprintf("paste.deploy:loadapp('config:%s')", file)
	c.startIn(path.Dir(file))
	return pyapp.Translated("entry = %q", c.module)
}

func gevent(c *config, o pyapp.Option) pyapp.Outcome {
	c.Set("kind.concurrency", "gevent")
	return pyapp.Count("kind.threads", 1024)(c.App, o)
}

func loop(c *config, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "gevent" {
		c.Set("kind.concurrency", "gevent")
		return pyapp.Translated("concurrency = \"gevent\"")
	}
	return pyapp.ByHand("the host has no loop %s: make the app an asgi app", migrate.Quote(o.Text()))
}

func unset(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.NotNeeded("the app sees no variables but its own")
}

func addedGroups(c *config, o pyapp.Option) pyapp.Outcome {
	list, _ := c.Get("groups").([]string)
	c.Set("groups", append(list, strings.Fields(o.Text())...))
	return pyapp.Translated("groups")
}

// listen is the rule for an address. Clients of http may be browsers, those of other protocols are
// web servers.
func listen(protocol string) rule {
	return func(c *config, o pyapp.Option) pyapp.Outcome {
		address, _, _ := strings.Cut(o.Text(), ",") // certificates and keys
		if address == "" {
			return pyapp.NotNeeded("it is empty")
		}
		if !strings.Contains(address, ":") && !path.IsAbs(address) && !strings.HasPrefix(address, "@") {
			address = c.Absolute(address)
		}
		c.Addresses = append(c.Addresses, pyapp.Address{Text: address, Place: o.Place})
		return pyapp.Listener(protocol, address)
	}
}

func secure(c *config, o pyapp.Option) pyapp.Outcome {
	parts := strings.Split(o.Text(), ",")
	c.Addresses = append(c.Addresses, pyapp.Address{Text: parts[0], Place: o.Place})
	if len(parts) < 3 {
		return pyapp.ByHand("let the web server in front, or a listen block with tls in the host's own file, have the certificate: %s", migrate.Quote(o.Text()))
	}
	return pyapp.ByHand("add to the host's own file: listen \"http\" { address = %q, tls { certificate = %q, key = %q } }",
		pyapp.WithHost(parts[0]), c.Absolute(parts[1]), c.Absolute(parts[2]))
}

func sockets(what string) rule {
	return drop("the listen block of the host's own file has the " + what + " of its socket")
}

func httpTimeout(c *config, o pyapp.Option) pyapp.Outcome {
	if c.Get("timeouts.request") != nil {
		return pyapp.NotNeeded("timeouts.request is set already")
	}
	return pyapp.Seconds("timeouts.request", "")(c.App, o)
}

func addressSpace(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("the host counts resident memory, which is less than the address space: set recycle { memory } to what a worker may use, instead of %s MiB", o.Text())
}

func bufferSize(c *config, o pyapp.Option) pyapp.Outcome {
	n, ok := pyapp.Number(o.Value)
	switch {
	case !ok:
		return pyapp.ByHand("%s is not a number", migrate.Quote(o.Text()))
	case n > 64<<10:
		return pyapp.ByHand("a listener takes heads of requests up to 64 KiB: set limits { header = \"%dKiB\" } in the listen block of the host's own file", n>>10)
	}
	return pyapp.NotNeeded("the host takes heads of requests up to 64 KiB")
}

func staticMap(c *config, o pyapp.Option) pyapp.Outcome {
	url, target, ok := strings.Cut(o.Text(), "=")
	if !ok || target == "" {
		return pyapp.ByHand("%s is not PATH=FOLDER", migrate.Quote(o.Text()))
	}
	url = "/" + strings.Trim(url, "/")
	target = c.Absolute(target)
	if url == "/" {
		return pyapp.ByHand("files in %s came before the app: name them by alias blocks", migrate.Quote(target))
	}
	argument := "dir"
	if path.Ext(url) != "" && path.Ext(url) == path.Ext(target) {
		argument = "file"
	}
	c.Alias(url, argument, target)
	return pyapp.Translated("alias %q { %s = %q }", url, argument, target)
}

func checkStatic(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("files in %s came before the app: name those that are public by alias blocks", migrate.Quote(c.Absolute(o.Text())))
}

func staticIndex(c *config, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "index.html" {
		return pyapp.NotNeeded("it is the default of an alias")
	}
	return pyapp.ByHand("set index = [%q] in the alias blocks", o.Text())
}

func staticFolder(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("make an app with static { dir = %q } or alias blocks of it", c.Absolute(o.Text()))
}

func daemon(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("run it as a unit of systemd: ExecStart=%s", migrate.Show(o.Text()))
}

// crontab is the rule for commands at certain times: minute, hour, day, month, weekday, command.
func crontab(c *config, o pyapp.Option) pyapp.Outcome {
	words := strings.Fields(o.Text())
	if len(words) < 6 {
		return pyapp.ByHand("run it by cron, or by a timer of systemd: %s", migrate.Show(o.Text()))
	}
	for i, w := range words[:5] {
		if rest, every := strings.CutPrefix(w, "-"); every {
			words[i] = "*/" + rest
			if rest == "1" {
				words[i] = "*"
			}
		}
	}
	return pyapp.ByHand("add to the user's crontab: %s", migrate.Show(strings.Join(words, " ")))
}

// watched is the rule for files whose change restarts the app.
func watched(c *config, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "" {
		return pyapp.NotNeeded("the host reloads an app when its files change")
	}
	list, _ := c.Get("reload.watch").([]string)
	c.Set("reload.watch", append(list, c.Absolute(o.Text())))
	return pyapp.Translated("reload.watch has %q", c.Absolute(o.Text()))
}

// plugins is the rule for plugins. Those of another language make an app of another kind.
func plugins(c *config, o pyapp.Option) pyapp.Outcome {
	var unknown []string
	for _, name := range strings.FieldsFunc(o.Text(), func(r rune) bool { return r == ',' || r == ' ' }) {
		base := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(path.Base(name), "0:"), "_plugin.so"))
		switch {
		case strings.HasPrefix(base, "python"), strings.HasPrefix(base, "pypy"), base == "http", base == "logfile", base == "syslog", base == "corerouter",
			base == "gevent", base == "greenlet", base == "transformation_gzip", base == "router_static", base == "stats_pusher_file", base == "cheaper_busyness", base == "logsocket":
		case base == "php":
			c.Kind = pyapp.PHP
			if c.Get("kind.command") == nil {
				c.Set("kind.command", []string{"php-cgi"})
			}
		case base == "psgi", base == "rack", base == "cgi":
			return pyapp.NotNeeded("the kind of the app says so")
		default:
			unknown = append(unknown, name)
		}
	}
	switch {
	case len(unknown) > 0:
		return pyapp.ByHand("see what the plugin did for the app: %s", strings.Join(unknown, ", "))
	case c.Kind == pyapp.PHP:
		return pyapp.Translated("fastcgi { command = [\"php-cgi\"] }")
	}
	return pyapp.NotNeeded("%s", embedded)
}

func phpOption(c *config, o pyapp.Option) pyapp.Outcome {
	c.Kind = pyapp.PHP
	if c.Get("kind.command") == nil {
		c.Set("kind.command", []string{"php-cgi"})
	}
	switch o.Name {
	case "php-docroot":
		c.Set("kind.script_root", c.Absolute(o.Text()))
		c.startIn(c.Absolute(o.Text()))
		return pyapp.Translated("fastcgi.script_root = %q", c.Absolute(o.Text()))
	case "php-index":
		if c.Get("kind.index") == nil {
			c.Set("kind.index", o.Text())
		}
		return pyapp.Translated("fastcgi.index = %q", o.Text())
	case "php-set":
		name, value, _ := strings.Cut(o.Text(), "=")
		ini, _ := c.Get("kind.php_ini").(map[string]string)
		if ini == nil {
			ini = map[string]string{}
		}
		ini[strings.TrimSpace(name)] = strings.TrimSpace(value)
		c.Set("kind.php_ini", ini)
		return pyapp.Translated("fastcgi.php_ini.%s", strings.TrimSpace(name))
	case "php-allowed-ext":
		if o.Text() == ".php" || o.Text() == "php" {
			return pyapp.NotNeeded("scripts are *.php")
		}
	}
	return pyapp.ByHand("see the fastcgi block of the descriptor: %s", migrate.Quote(o.Text()))
}

// startIn takes a folder for the working directory of an app that has none.
func (c *config) startIn(dir string) {
	if c.Dir == "" && path.IsAbs(dir) {
		c.Dir = dir
	}
}

func psgi(c *config, o pyapp.Option) pyapp.Outcome {
	c.startIn(path.Dir(c.Absolute(o.Text())))
	return c.program("plackup", "--host", "127.0.0.1", "--port", "$PORT", c.Absolute(o.Text()))
}

func rack(c *config, o pyapp.Option) pyapp.Outcome {
	c.startIn(path.Dir(c.Absolute(o.Text())))
	return c.program("rackup", "--host", "127.0.0.1", "--port", "$PORT", c.Absolute(o.Text()))
}

func (c *config) program(command ...string) pyapp.Outcome {
	c.Kind = pyapp.HTTP
	c.Set("kind.command", command)
	return pyapp.Translated("http { command = %q }", command)
}

func cgi(c *config, o pyapp.Option) pyapp.Outcome {
	url, target, ok := strings.Cut(o.Text(), "=")
	if !ok {
		url, target = "/", o.Text()
	}
	c.Kind = pyapp.CGI
	name := "script"
	if c.reading.plan.Files.IsDir(c.Absolute(target)) || path.Ext(target) == "" {
		name = "dir"
	}
	c.Set("kind."+name, c.Absolute(target))
	if url = "/" + strings.Trim(url, "/"); url != "/" {
		c.Set("mount", url)
	}
	return pyapp.Translated("cgi { %s = %q }", name, c.Absolute(target))
}

func emperor(c *config, o pyapp.Option) pyapp.Outcome {
	n, reason := c.reading.emperor(o.Text())
	if reason != "" {
		return pyapp.ByHand("%s", reason)
	}
	return pyapp.Translated("%s, each a descriptor of its own; the host watches the folder of descriptors", plural(n, "vassal"))
}

func onDemand(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("set idle { start = \"on-demand\" } in the apps, or in defaults of the host's own file")
}

func imported(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("import %s in the module of the app", migrate.Quote(o.Text()))
}

func optimize(c *config, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "0" || o.Text() == "" {
		return pyapp.NotNeeded("it is the default")
	}
	c.Env("PYTHONOPTIMIZE", o.Text())
	return pyapp.Translated("env.PYTHONOPTIMIZE")
}

// closest returns a known option that differs from a name by a letter or two; "" for none.
func closest(name string) (best string) {
	if len(name) < 4 {
		return ""
	}
	least := 3
	for _, all := range []map[string]rule{rules, flags} {
		for known := range all {
			distance := levenshtein.Distance(name, known, nil)
			if len(known) > 3 && (distance < least || distance == least && known < best && best != "") {
				least, best = distance, known
			}
		}
	}
	return best
}
