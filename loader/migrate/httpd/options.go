package httpd

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
)

// processesOf gives an app the processes of its group. Without one it ran in Apache's own.
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
		if translate, ok := daemonOptions[o.name]; ok {
			translate(c, a, d.fact, o)
		} else {
			c.report.set(d.fact.node, o.name, migrate.ByHand, "mod_wsgi has no option of this name: it had no effect, or another one was meant")
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

type translateOption func(*configuration, *app, *fact, option)

// daemonOptions are those of WSGIDaemonProcess.
var daemonOptions = map[string]translateOption{
	"processes":               number("wsgi.workers", 1, 1024),
	"threads":                 number("wsgi.threads", 1, 1024),
	"user":                    account("user"),
	"group":                   account("group"),
	"supplementary-groups":    (*configuration).groups,
	"umask":                   (*configuration).umask,
	"home":                    (*configuration).home,
	"lang":                    variable("LANG"),
	"locale":                  variable("LC_ALL"),
	"python-eggs":             variable("PYTHON_EGG_CACHE"),
	"cpu-priority":            number("nice", -20, 19),
	"maximum-requests":        number("recycle.requests", 0, 1<<31-1),
	"listen-backlog":          number("queue.max", 0, 1<<20),
	"restart-interval":        span("recycle.age"),
	"cpu-time-limit":          span("recycle.cpu"),
	"inactivity-timeout":      span("idle.stop_after"),
	"request-timeout":         span("timeouts.request"),
	"startup-timeout":         span("timeouts.startup"),
	"graceful-timeout":        span("timeouts.drain"),
	"eviction-timeout":        span("timeouts.drain"),
	"shutdown-timeout":        span("timeouts.stop"),
	"queue-timeout":           span("queue.timeout"),
	"socket-timeout":          (*configuration).socketTimeout,
	"memory-limit":            bytes("limits.memory"),
	"virtual-memory-limit":    bytes("limits.memory"),
	"stack-size":              bytes("limits.stack"),
	"python-home":             python3(),
	"python-path":             python3(),
	"display-name":            notNeeded("the command line of a process always has app, generation and number"),
	"deadlock-timeout":        notNeeded("timeouts.request ends a request that hangs, and its process is replaced"),
	"interrupt-timeout":       notNeeded("a request beyond timeouts.request is answered 504, and its process is replaced"),
	"connect-timeout":         notNeeded("a request waits in the queue of the host"),
	"header-buffer-size":      notNeeded("headers are not limited by a buffer"),
	"response-buffer-size":    notNeeded("spool keeps responses for slow clients"),
	"response-socket-timeout": notNeeded("spool keeps responses for slow clients"),
	"response-flush-delay":    notNeeded("what the app has written is passed on when it pauses"),
	"send-buffer-size":        notNeeded("the buffers of the sockets are the system's"),
	"receive-buffer-size":     notNeeded("the buffers of the sockets are the system's"),
	"socket-user":             notNeeded("the listener in the host's own file says who may connect"),
	"script-user":             notNeeded("a descriptor belongs to who can change it, and its app runs as that user"),
	"script-group":            notNeeded("a descriptor belongs to who can change it, and its app runs as that user"),
	"server-metrics":          notNeeded("modgw-host status --json has them"),
	"destroy-interpreter":     notNeeded("there are no sub-interpreters"),
	"chroot":                  byHand("run the host in a container or with RootDirectory= of its systemd unit"),
	"switch-interval":         byHand("call sys.setswitchinterval in the app where it matters"),
	"python-optimize":         byHand("it is a directive, WSGIPythonOptimize: set env PYTHONOPTIMIZE"),
}

func notNeeded(reason string) translateOption { return fixed(migrate.NotNeeded, reason) }
func byHand(reason string) translateOption    { return fixed(migrate.ByHand, reason) }

func fixed(became migrate.Became, reason string) translateOption {
	return func(c *configuration, _ *app, f *fact, o option) { c.report.set(f.node, o.name, became, "%s", reason) }
}

// python3 leaves an option to the app's Python.
func python3() translateOption { return func(*configuration, *app, *fact, option) {} }

// written notes that an option has become a setting.
func (c *configuration) written(a *app, f *fact, o option, setting string, value any) {
	a.Set(setting, value)
	c.report.set(f.node, o.name, migrate.Translated, "%s", settingText(setting, o.value))
}

// settingText is a setting with its value as people find it in a descriptor: "wsgi { threads }
// (5)".
func settingText(setting, value string) string {
	return fmt.Sprintf("%s (%s)", settingName(setting), value)
}

func settingName(setting string) string {
	block, name, ok := strings.Cut(setting, ".")
	if !ok {
		return setting
	}
	return fmt.Sprintf("%s { %s }", block, name)
}

func number(setting string, lo, hi int) translateOption {
	return func(c *configuration, a *app, f *fact, o option) {
		if migrate.HasVariables(o.value) {
			a.SetNumber(setting, o.value)
			c.report.set(f.node, o.name, migrate.Translated, "%s", settingText(setting, o.value))
			return
		}
		n, err := strconv.Atoi(o.value)
		if err != nil || n < lo || n > hi {
			c.report.set(f.node, o.name, migrate.ByHand, "%q is no number from %d to %d: set %s yourself", o.value, lo, hi, settingName(setting))
			return
		}
		c.written(a, f, o, setting, n)
	}
}

func span(setting string) translateOption {
	return func(c *configuration, a *app, f *fact, o option) { c.duration(a, f, o, setting) }
}

// duration reads seconds, or a number with a unit.
func (c *configuration) duration(a *app, f *fact, o option, setting string) {
	if migrate.HasVariables(o.value) {
		a.SetNumber(setting, o.value+"s")
		c.report.set(f.node, o.name, migrate.Translated, "%s", settingText(setting, o.value))
		return
	}
	d, ok := seconds(o.value)
	if !ok {
		c.report.set(f.node, o.name, migrate.ByHand, "%q is no number of seconds: set %s yourself", o.value, settingName(setting))
		return
	}
	if d == 0 && (setting == "timeouts.startup" || setting == "timeouts.drain" || setting == "timeouts.stop") {
		c.report.set(f.node, o.name, migrate.NotNeeded, "0 means that there is none, and the host keeps its default of %s", settingName(setting))
		return
	}
	c.written(a, f, o, setting, d)
}

var secondsPattern = lazyregexp.New(`^(\d{1,9})(s|min|mi|m|h|ms|d|w)?$`)

// seconds reads a time as Apache does: seconds, or with the unit ms, s, min, h or d.
func seconds(text string) (time.Duration, bool) {
	m := secondsPattern.FindStringSubmatch(strings.ToLower(text))
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	unit := map[string]time.Duration{
		"": time.Second, "s": time.Second, "ms": time.Millisecond, "min": time.Minute, "mi": time.Minute, "m": time.Minute,
		"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}[m[2]]
	return time.Duration(n) * unit, err == nil
}

func bytes(setting string) translateOption {
	return func(c *configuration, a *app, f *fact, o option) {
		n, err := strconv.ParseInt(o.value, 10, 64)
		if err != nil || n < 0 {
			c.report.set(f.node, o.name, migrate.ByHand, "%q is no number of bytes: set %s yourself", o.value, settingName(setting))
			return
		}
		c.written(a, f, o, setting, loader.Bytes(n))
	}
}

func account(setting string) translateOption {
	return func(c *configuration, a *app, f *fact, o option) {
		if strings.HasPrefix(o.value, "#") || o.value == "" {
			c.report.set(f.node, o.name, migrate.ByHand, "a descriptor names a %s, and no number: set %s to the name of %s", setting, setting, cmp.Or(o.value, "one"))
			return
		}
		c.written(a, f, o, setting, o.value)
	}
}

func variable(name string) translateOption {
	return func(c *configuration, a *app, f *fact, o option) {
		a.Env(name, o.value)
		c.report.set(f.node, o.name, migrate.Translated, "env %s", name)
	}
}

func (c *configuration) groups(a *app, f *fact, o option) {
	c.written(a, f, o, "groups", strings.FieldsFunc(o.value, func(r rune) bool { return r == ',' || r == ' ' }))
}

var octal = lazyregexp.New(`^0*([0-7]{1,3})$`)

func (c *configuration) umask(a *app, f *fact, o option) {
	m := octal.FindStringSubmatch(o.value)
	if m == nil {
		c.report.set(f.node, o.name, migrate.ByHand, "%q is no file mode mask: set umask yourself", o.value)
		return
	}
	c.written(a, f, o, "umask", fmt.Sprintf("%04s", m[1]))
}

func (c *configuration) home(a *app, f *fact, o option) {
	home := strings.TrimSuffix(c.absolute(o.value), "/")
	if home == a.root {
		c.report.set(f.node, o.name, migrate.Translated, "root (%s)", o.value)
		return
	}
	c.written(a, f, o, "home", cmp.Or(home, "/"))
}

// socketTimeout is how long Apache waits for a group. The time limit of a request is longer only
// if it says so.
func (c *configuration) socketTimeout(a *app, f *fact, o option) {
	d, ok := seconds(o.value)
	if _, has := a.daemon.get("request-timeout"); has || ok && d < time.Minute {
		c.report.set(f.node, o.name, migrate.NotNeeded, "Apache waits longer than the host, which has timeouts { request }")
		return
	}
	c.duration(a, f, o, "timeouts.request")
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
