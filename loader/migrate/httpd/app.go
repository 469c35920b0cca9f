package httpd

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
)

// app is a script at a URL, for one or more virtual hosts.
type app struct {
	*migrate.App

	url      string
	script   string
	callable string
	mounts   []*mount
	daemon   *daemon
	root     string
	anyHost  bool    // it answers on every host name
	outside  []*line // directives of sections for its script, for its <Location>
}

// first is the mount that the app was made from.
func (a *app) first() *mount { return a.mounts[0] }

// inHost reports whether a URL of a virtual host, or of the main server, can be one of the app's.
func (a *app) inHost(host *virtualHost) bool {
	return slices.ContainsFunc(a.mounts, func(m *mount) bool { return m.host == host || host.main() })
}

func (a *app) sharesHost(other *app) bool {
	return slices.ContainsFunc(a.mounts, func(m *mount) bool { return other.inHost(m.host) || m.host.main() })
}

// relative returns a path in the form of a descriptor: relative to root if it is below it.
func (a *app) relative(path string) string {
	if rest, ok := strings.CutPrefix(path, strings.TrimSuffix(a.root, "/")+"/"); ok && rest != "" {
		return rest
	}
	return path
}

// makeApps makes an app of the mounts that one app can have: the same script at the same URL, for
// virtual hosts that share a process group or a name.
func (c *configuration) makeApps() {
	for _, m := range c.mounts {
		if m.callable == "" {
			if f := c.effective(m, "wsgicallableobject"); f != nil {
				m.callable = f.arg(0)
			}
		}
		a := c.appLike(m)
		if a == nil {
			a = &app{url: m.url, script: m.script, callable: m.callable, daemon: m.daemon}
			c.apps = append(c.apps, a)
		}
		a.mounts = append(a.mounts, m)
		if m.daemon != nil && m.daemon != a.daemon && a.daemon != nil {
			c.sameApp(a, m)
		}
		if m.daemon != nil && !slices.Contains(m.daemon.users, a) {
			m.daemon.users = append(m.daemon.users, a)
		}
	}
	for _, a := range c.apps {
		a.App = c.plan.App(c.nameOf(a), a.first().fact.at)
	}
	for _, a := range c.apps {
		c.configure(a)
	}
	c.separateHosts()
	for _, a := range c.apps {
		c.publish(a)
	}
}

// appLike finds the app that a mount is another host of; nil for none.
func (c *configuration) appLike(m *mount) *app {
	for _, a := range c.apps {
		if a.url != m.url || a.script != m.script || a.callable != m.callable {
			continue
		}
		if a.daemon == m.daemon || slices.ContainsFunc(a.mounts, func(other *mount) bool { return sameNames(other.host, m.host) }) {
			return a
		}
	}
	return nil
}

// sameApp notes a group of an app that has the settings of another group already.
func (c *configuration) sameApp(a *app, m *mount) {
	d, same := m.daemon, a.daemon
	c.report.set(d.fact.node, "", migrate.NotNeeded, "it is for the same app as group %q, and one app answers for both virtual hosts", same.name)
	for _, o := range d.options {
		if value, ok := same.get(o.name); ok && value == o.value || o.name == "display-name" {
			c.report.set(d.fact.node, o.name, migrate.NotNeeded, "group %q of the same app says so too", same.name)
		} else {
			c.report.set(d.fact.node, o.name, migrate.ByHand, "group %q of the same app says %q: one app answers for both virtual hosts, and has that", same.name, value)
		}
	}
}

// sameNames reports whether two virtual hosts have a name in common, or none at all.
func sameNames(a, b *virtualHost) bool {
	if len(a.names()) == 0 || len(b.names()) == 0 {
		return len(a.names()) == len(b.names())
	}
	return slices.ContainsFunc(a.names(), func(name string) bool { return slices.Contains(b.names(), name) })
}

// nameOf returns a name for an app: that of its process group, if the group is its own, else that
// of its host or folder.
func (c *configuration) nameOf(a *app) string {
	last := a.url[strings.LastIndexByte(a.url, '/')+1:]
	switch d := a.daemon; {
	case d != nil && len(d.users) == 1 && d.name != "" && !strings.ContainsAny(d.name, "=%/"):
		return d.name
	case last != "":
		return last
	}
	if names := a.first().host.names(); len(names) > 0 && !strings.HasPrefix(names[0], "*") && names[0] != "localhost" {
		return names[0]
	}
	stem := strings.TrimSuffix(filepath.Base(a.script), filepath.Ext(a.script))
	if slices.Contains([]string{"wsgi", "app", "application", "index", "django", "main", "apache", "passenger_wsgi"}, stem) {
		return filepath.Base(filepath.Dir(a.script))
	}
	return stem
}

// configure writes the settings of an app.
func (c *configuration) configure(a *app) {
	m := a.first()
	a.Note("", fmt.Sprintf("From %s, line %d.", m.fact.at.File, m.fact.at.Line))
	p := c.pythonOf(a)
	a.root = c.rootOf(a, p)
	a.Set("root", a.root)
	if slices.Contains(systemFolders, a.root) {
		a.Set("reload.mode", "touch")
		a.Note("reload", "The script is in a folder of the system: only a change of the script itself reloads the app.")
	}
	if a.url != "/" {
		a.Set("mount", a.url)
	}
	c.hostsOf(a)
	c.processesOf(a)
	c.accountOf(a)
	c.entryOf(a, p)
	c.writePython(a, p)
	c.limitsOf(a)
	c.serverSettings(a)
	c.groupOutcomes(a)
	c.passengerOutcomes(a)
	a.outside = c.guard(m)
	for _, m := range a.mounts {
		c.report.set(m.fact.node, "", migrate.Translated, "app %q: %s", a.Name, described(a))
		c.mountOptions(a, m)
	}
}

// systemFolders contain programs of others next to a script.
var systemFolders = []string{"/usr/bin", "/usr/local/bin", "/usr/sbin", "/bin", "/usr/lib/cgi-bin", "/usr/share"}

// described describes the place and the program of an app.
func described(a *app) string {
	return fmt.Sprintf("mount %q, entry %q", a.url, a.script)
}

// mountOptions notes the options of a WSGIScriptAlias.
func (c *configuration) mountOptions(a *app, m *mount) {
	for _, o := range m.settings {
		switch o.name {
		case "process-group":
			c.report.set(m.fact.node, o.name, migrate.Translated, "app %q has processes of its own", a.Name)
		case "application-group":
			c.report.set(m.fact.node, o.name, migrate.NotNeeded, "each app has the main interpreter of processes of its own, as %{GLOBAL} has")
		case "callable-object":
			c.report.set(m.fact.node, o.name, migrate.Translated, "the callable of app %q", a.Name)
		case "request-timeout":
			span("timeouts.request")(c.givenTo(a, m.fact, o))
		case "user", "group", "processes", "threads", "python-path", "python-home", "home", "display-name":
			c.report.set(m.fact.node, o.name, migrate.ByHand, "it is an option of WSGIDaemonProcess, and mod_wsgi refuses it here: set it in the descriptor if it was meant")
		default:
			c.report.set(m.fact.node, o.name, migrate.ByHand, "mod_wsgi has no option of this name here")
		}
	}
}

// hostPattern matches a name that a descriptor can have.
var hostPattern = lazyregexp.New(`^(?:\*\.)?[a-z0-9_\x{E000}](?:[A-Za-z0-9_\x{E000}\x{E001}-]*[A-Za-z0-9\x{E001}])?(?:\.[a-z0-9_\x{E000}](?:[A-Za-z0-9_\x{E000}\x{E001}-]*[A-Za-z0-9\x{E001}])?)*$`)

// hostsOf gives an app the names of its virtual hosts.
func (c *configuration) hostsOf(a *app) {
	var names []string
	for _, m := range a.mounts {
		usable := 0
		for _, name := range m.host.names() {
			if hostPattern.MatchString(name) {
				usable++
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		a.anyHost = a.anyHost || m.host.main() || len(m.host.names()) == 0
		if usable == 0 && len(m.host.names()) > 0 {
			a.Note("hosts", fmt.Sprintf("Apache chooses this app for the host %s, which cannot be written here.", strings.Join(m.host.names(), ", ")))
		}
	}
	if !a.anyHost && len(names) > 0 {
		a.Set("hosts", names)
	} else {
		a.anyHost = true
	}
}

// separateHosts gives apps with the same host and mount, which Apache distinguishes by their ports,
// different hosts. Apache names the app that it means.
func (c *configuration) separateHosts() {
	type place struct{ host, url string }
	taken := map[place]*app{}
	for _, a := range c.apps {
		names := a.Hosts
		if a.anyHost {
			names = []string{""}
		}
		clash := slices.ContainsFunc(names, func(name string) bool { return taken[place{name, a.url}] != nil })
		if clash {
			other := taken[place{names[0], a.url}]
			text := "Apache tells this app from another one by something else than the host, such as the port, and names it"
			if other != nil {
				text = fmt.Sprintf("Apache tells this app from %q by something else than the host, such as the port, and names it", other.Name)
			}
			a.Note("hosts", text+" (MODGW_APP). No request has this name.")
			names = []string{strings.ToLower(hostLabel(a.Name)) + ".invalid"}
			a.Set("hosts", names)
			a.anyHost = false
		}
		for _, name := range names {
			taken[place{name, a.url}] = a
		}
	}
}

var notInHostLabel = lazyregexp.New(`[^A-Za-z0-9-]+`)

func hostLabel(name string) string {
	return strings.Trim(notInHostLabel.ReplaceAllString(name, "-"), "-")
}

// rootOf returns the folder of an app's project: the nearest folder above the script that the
// source names as one, else the one that looks like one, else that of the script.
func (c *configuration) rootOf(a *app, p *python) string {
	dir := filepath.Dir(a.script)
	if a.daemon != nil {
		if home, ok := a.daemon.get("home"); ok && below(a.script, c.absolute(home)) && home != "/" {
			return strings.TrimSuffix(c.absolute(home), "/")
		}
	}
	best := ""
	for _, entry := range slices.Concat(p.path, p.sourceDirs) {
		if below(a.script, entry) && strings.Count(entry, "/") > 1 && len(entry) > len(best) {
			best = entry
		}
	}
	if best != "" {
		return best
	}
	up := dir
	for range 3 {
		for _, mark := range []string{"manage.py", "pyproject.toml", "requirements.txt", "setup.py"} {
			if c.plan.Files.Exists(filepath.Join(up, mark)) {
				return up
			}
		}
		up = filepath.Dir(up)
	}
	return dir
}
