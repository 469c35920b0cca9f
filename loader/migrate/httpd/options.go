package httpd

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/modgw/modgw/loader/migrate"
)

// processesOf gives an app the processes of its group. If it has none, it ran in Apache's own.
func (c *configuration) processesOf(a *app) {
	d := a.daemon
	switch {
	case d == nil && a.first().missing != "":
		a.Note("wsgi.workers", fmt.Sprintf("Process group %q is defined elsewhere: set workers, threads and user as it says.", a.first().missing))
		return
	case d == nil:
		if c.loaded["mpm_prefork_module"] {
			a.Set("wsgi.threads", 1)
			a.Note("wsgi.workers", "It ran in Apache's processes (prefork), one request in each.")
		}
		return
	}
	a.Set("wsgi.workers", 1)
	a.Set("wsgi.threads", 15)
	for _, o := range d.options {
		g := c.givenTo(a, d.fact, o)
		switch rule := daemonOptions[o.name]; {
		case o.name == "home":
			c.home(a, g)
		case o.name == "socket-timeout":
			socketTimeout(a, g)
		case rule != nil:
			rule(g)
		default:
			g.note(migrate.ByHand, "mod_wsgi has no option of this name: it had no effect, or another one was meant")
		}
	}
	who := fmt.Sprintf("app %q", a.Name)
	if len(d.users) > 1 {
		who = fmt.Sprintf("%d apps, each of which has so many of its own", len(d.users))
	}
	if d.name != "" && strings.Contains(d.name, "=") {
		c.report.set(d.fact.node, "", migrate.ByHand, "the name of the group is missing, so that the option %q is its name: check the settings of app %q", d.name, a.Name)
	}
	c.report.set(d.fact.node, "", migrate.Translated, "the processes of %s", who)
	if a.first().adopted {
		c.report.set(d.fact.node, "", migrate.Translated, "nothing selects the group, so that the app ran in Apache's own processes; app %q has its settings, as was meant", a.Name)
		a.Note("wsgi.workers", "Nothing selected this process group: the app ran in Apache's own processes.")
	}
}

// givenTo is an option of a directive for an app.
func (c *configuration) givenTo(a *app, f *fact, o option) given {
	return given{a.App, []string{o.value}, func(became migrate.Became, reason string, args ...any) {
		c.report.set(f.node, o.name, became, reason, args...)
	}}
}

// daemonOptions are the options of WSGIDaemonProcess, except home and socket-timeout.
var daemonOptions = table{
	{number("wsgi.workers", 1, 1024), "processes"},
	{number("wsgi.threads", 1, 1024), "threads"},
	{account("user"), "user"},
	{account("group"), "group"},
	{groups, "supplementary-groups"},
	{umask, "umask"},
	{variable("LANG"), "lang"},
	{variable("LC_ALL"), "locale"},
	{variable("PYTHON_EGG_CACHE"), "python-eggs"},
	{number("nice", -20, 19), "cpu-priority"},
	{number("recycle.requests", 0, 1<<31-1), "maximum-requests"},
	{number("queue.max", 0, 1<<20), "listen-backlog"},
	{span("recycle.age"), "restart-interval"},
	{span("recycle.cpu"), "cpu-time-limit"},
	{span("idle.stop_after"), "inactivity-timeout"},
	{span("timeouts.request"), "request-timeout"},
	{span("timeouts.startup"), "startup-timeout"},
	{span("timeouts.drain"), "graceful-timeout eviction-timeout"},
	{span("timeouts.stop"), "shutdown-timeout"},
	{span("queue.timeout"), "queue-timeout"},
	{bytes("limits.memory"), "memory-limit virtual-memory-limit"},
	{bytes("limits.stack"), "stack-size"},
	{func(given) {}, "python-home python-path"}, // the app's Python has them
	{notNeeded("the command line of a process always has app, generation and number"), "display-name"},
	{notNeeded("timeouts.request ends a request that hangs, and its process is replaced"), "deadlock-timeout"},
	{notNeeded("a request beyond timeouts.request is answered 504, and its process is replaced"), "interrupt-timeout"},
	{notNeeded("a request waits in the queue of the host"), "connect-timeout"},
	{notNeeded("headers are not limited by a buffer"), "header-buffer-size"},
	{notNeeded("spool keeps responses for slow clients"), "response-buffer-size response-socket-timeout"},
	{notNeeded("what the app has written is passed on when it pauses"), "response-flush-delay"},
	{notNeeded("the buffers of the sockets are the system's"), "send-buffer-size receive-buffer-size"},
	{notNeeded("the listener in the host's own file says who may connect"), "socket-user"},
	{notNeeded("a descriptor belongs to who can change it, and its app runs as that user"), "script-user script-group"},
	{notNeeded("modgw-host status --json has them"), "server-metrics"},
	{notNeeded("there are no sub-interpreters"), "destroy-interpreter"},
	{byHand("run the host in a container or with RootDirectory= of its systemd unit"), "chroot"},
	{byHand("call sys.setswitchinterval in the app where it matters"), "switch-interval"},
	{byHand("it is a directive, WSGIPythonOptimize: set env PYTHONOPTIMIZE"), "python-optimize"},
}.ByName()

func (c *configuration) home(a *app, g given) {
	home := strings.TrimSuffix(c.absolute(g.value()), "/")
	if home == a.root {
		g.note(migrate.Translated, "root (%s)", g.value())
		return
	}
	g.set("home", cmp.Or(home, "/"))
}

// socketTimeout translates the time that Apache waits for a group. It is also the time limit of a
// request if it is longer.
func socketTimeout(a *app, g given) {
	d, ok := seconds(g.value())
	if _, has := a.daemon.get("request-timeout"); has || ok && d < time.Minute {
		g.note(migrate.NotNeeded, "Apache waits longer than the host, which has timeouts { request }")
		return
	}
	span("timeouts.request")(g)
}

// accountOf gives an app the user of Apache, as which a group without a user runs.
func (c *configuration) accountOf(a *app) {
	user, group := c.inServer(a.first().host, "user"), c.inServer(a.first().host, "group")
	if a.Value("user") != nil {
		if user != nil {
			c.stays(user.node)
		}
		return
	}
	name := apacheUser(a.first().fact.at.File)
	if user != nil && !strings.HasPrefix(user.arg(0), "#") {
		name = user.arg(0)
		if a.Value("group") == nil && group != nil && !strings.HasPrefix(group.arg(0), "#") && group.arg(0) != name {
			a.Set("group", group.arg(0))
		}
	}
	a.Set("user", name)
}

// apacheUser is the user of Apache on the system that a file is from.
func apacheUser(file string) string {
	if strings.Contains(file, "/etc/httpd/") {
		return "apache"
	}
	return "www-data"
}
