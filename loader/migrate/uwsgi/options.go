package uwsgi

import (
	"slices"
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

// options are options of uWSGI by what they become.
type options []struct {
	rule  rule
	names string // names with spaces between them
}

// byName returns the rules of the options by their names.
func (all options) byName() map[string]rule {
	rules := map[string]rule{}
	for _, o := range all {
		for name := range strings.FieldsSeq(o.names) {
			rules[name] = o.rule
		}
	}
	return rules
}

// valued are the options that have a value.
func valued() options {
	return slices.Concat(appOptions, processOptions, listenerOptions, fileOptions, logOptions,
		reloadOptions, serviceOptions, emperorOptions)
}

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

// groups are further options and beginnings of them. A beginning ends with "*".
var groups = options{
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

// closest returns a known option that differs from a name by a letter or two; "" for none.
func (r *reading) closest(name string) (best string) {
	if len(name) < 4 {
		return ""
	}
	least := 3
	for _, all := range []map[string]rule{r.rules, flags} {
		for known := range all {
			distance := levenshtein.Distance(name, known, nil)
			if len(known) > 3 && (distance < least || distance == least && known < best && best != "") {
				least, best = distance, known
			}
		}
	}
	return best
}
