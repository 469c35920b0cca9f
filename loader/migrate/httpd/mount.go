package httpd

import (
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
)

// mount is a URL at which a script answers.
type mount struct {
	fact   *fact
	host   *virtualHost
	url    string // "/" or "/blog", without a slash at its end
	script string // absolute path

	group    string // group that the directive itself names; "": sections name it
	callable string // callable that the directive itself names; "": sections name it

	daemon   *daemon // nil: embedded in Apache, or not defined
	embedded bool
	adopted  bool   // daemon is an unused one
	missing  string // name of a group that nothing defines

	passenger bool // Passenger runs it

	settings []option // options of the directive that the app has
}

// collectMounts finds the URLs at which scripts answer.
func (c *configuration) collectMounts() {
	for _, f := range c.all("wsgiscriptalias", "wsgiscriptaliasmatch") {
		c.scriptAlias(f)
	}
	c.collectHandlers()
}

// scriptAlias reads one WSGIScriptAlias.
func (c *configuration) scriptAlias(f *fact) {
	if len(f.words) < 2 {
		c.plan.Problem(f.at, "cannot read %s: it takes a URL path and a script", f.node.Name)
		c.report.set(f.node, "", migrate.ByHand, "it takes a URL path and a script")
		return
	}
	m := &mount{fact: f, host: f.host, url: f.arg(0), script: c.absolute(f.arg(1))}
	m.settings = options(f.words[2:])
	for _, o := range m.settings {
		switch o.name {
		case "process-group":
			m.group = o.value
		case "callable-object":
			m.callable = o.value
		}
	}
	if f.key() == "wsgiscriptaliasmatch" && !c.literalMatch(m) {
		return
	}
	if !c.cleanURL(m) {
		return
	}
	if c.isFolder(m) {
		c.folderOfScripts(m)
		return
	}
	if script, info, ok := cutPathInfo(m.script); ok {
		c.report.set(f.node, "", migrate.ByHand,
			"%q is put before the path that the app sees: make the entry a WSGI app that does so, or mount it at %q", info, info)
		m.script = script
	}
	c.mounts = append(c.mounts, m)
}

// cleanURL brings the URL of a mount into its usual form.
func (c *configuration) cleanURL(m *mount) bool {
	if !strings.HasPrefix(m.url, "/") {
		c.report.set(m.fact.node, "", migrate.ByHand, "%q is no URL path: it must begin with a slash", m.url)
		c.plan.Problem(m.fact.at, "cannot use %q as a URL path: it does not begin with a slash", m.url)
		return false
	}
	m.url = strings.TrimRight(m.url, "/")
	for strings.Contains(m.url, "//") {
		m.url = strings.ReplaceAll(m.url, "//", "/")
	}
	if m.url == "" {
		m.url = "/"
	}
	return true
}

// literalBeginning matches a regular expression that is a plain URL path and all below it.
var literalBeginning = lazyregexp.New(`^\^(?:\(\?i\))?((?:/[A-Za-z0-9_~%-]+(?:\\?\.[A-Za-z0-9_-]+)*)*/?)(?:\(/\.\*\|\$\)|\(\?:/\|\$\)|\(/\|\$\)|\(/\.\*\)\??|\(\.\*\)|\.\*)?\$?$`)

// literalMatch reads a regular expression that means one URL path and all below it. Others cannot
// be a mount.
func (c *configuration) literalMatch(m *mount) bool {
	if c.capturedSites(m) {
		return false // each site is a mount of its own
	}
	found := literalBeginning.FindStringSubmatch(m.url)
	script, rest, hasRest := strings.Cut(m.script, "/$")
	if found == nil || strings.Contains(script, "$") || hasRest && rest != "1" {
		c.report.set(m.fact.node, "", migrate.ByHand,
			"a mount is a fixed path: write a descriptor for each script that %q stands for, or rewrite the URLs in Apache to a fixed path (RewriteRule … [PT])", m.fact.arg(0))
		return false
	}
	m.url, m.script = strings.ReplaceAll(found[1], `\`, ""), strings.TrimSuffix(script, "$1")
	if m.url == "" {
		m.url = "/"
	}
	return true
}

// capturing matches a regular expression that takes a segment of the URL into the path of the
// script.
var capturing = lazyregexp.New(`^\^((?:/[A-Za-z0-9_~-]+)*/)\((?:\[\^/\][+*]|\\w\+|\.\+|\.\*|\[A-Za-z0-9_-]+\+)\)`)

// capturedSites makes a mount of each existing script that a regular expression matches.
func (c *configuration) capturedSites(m *mount) (found bool) {
	pattern := capturing.FindStringSubmatch(m.url)
	before, after, ok := strings.Cut(m.script, "$1")
	if pattern == nil || !ok || strings.Contains(after, "$") || !strings.HasPrefix(after, "/") {
		return false
	}
	count := 0
	for _, path := range c.plan.Files.Glob(before + "*" + after) {
		name := strings.TrimSuffix(strings.TrimPrefix(path, before), after)
		one := *m
		one.url, one.script = pattern[1]+name, path
		if name != "" && c.cleanURL(&one) {
			count++
			c.mounts = append(c.mounts, &one)
		}
	}
	if count == 0 {
		return false
	}
	c.report.set(m.fact.node, "", migrate.Translated, "an app for each of the %d scripts that are here; a new one needs a descriptor of its own", count)
	return true
}

// isFolder reports whether the target of a mount is a folder of scripts.
func (c *configuration) isFolder(m *mount) bool {
	return strings.HasSuffix(m.fact.arg(1), "/") || c.plan.Files.IsDir(m.script)
}

// folderOfScripts makes a mount of each script in a folder.
func (c *configuration) folderOfScripts(m *mount) {
	found := 0
	for _, name := range c.plan.Files.List(m.script) {
		if strings.HasPrefix(name, ".") || !isScript(name) {
			continue
		}
		found++
		one := *m
		one.url, one.script = strings.TrimSuffix(m.url, "/")+"/"+name, filepath.Join(m.script, name)
		c.mounts = append(c.mounts, &one)
	}
	if found == 0 {
		c.report.set(m.fact.node, "", migrate.ByHand, "%q is a folder of scripts, which are not here: write a descriptor for each, with mount = %q", m.script, strings.TrimSuffix(m.url, "/")+"/NAME")
		return
	}
	c.report.set(m.fact.node, "", migrate.Translated, "an app for each of the %d scripts in %q; a new script needs a descriptor of its own", found, m.script)
}

func isScript(name string) bool {
	switch filepath.Ext(name) {
	case ".wsgi", ".py":
		return true
	}
	return false
}

// cutPathInfo splits the path of a script that has more after the name of the file.
func cutPathInfo(path string) (script, info string, ok bool) {
	for _, ending := range []string{".wsgi/", ".py/"} {
		if at := strings.Index(path, ending); at >= 0 {
			at += len(ending) - 1
			return path[:at], path[at:], path[at:] != "/"
		}
	}
	return path, "", false
}
