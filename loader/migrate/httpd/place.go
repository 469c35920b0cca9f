package httpd

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// placeApps puts the directives of apps into the new configuration: at the end of each virtual host
// that has apps, and for the main server after the last line that mounted one.
func (c *configuration) placeApps() {
	for _, host := range c.hosts {
		apps := c.appsIn(host)
		if len(apps) == 0 {
			continue
		}
		indent := host.innerIndent()
		parts := []migrate.Part{{Text: "\n"}}
		for _, a := range apps {
			parts = append(parts, c.ownLocation(a, indent)...)
		}
		parts = append(parts, c.exclusions(host, indent)...)
		insert := &migrate.Insert{Indent: indent}
		if names := host.names(); len(names) > 0 {
			insert.Host = names[0]
		}
		for _, a := range apps {
			insert.Apps = append(insert.Apps, a.Name)
		}
		parts = append(parts, migrate.Part{Insert: insert})
		if !host.main() {
			host.line.inside = append(host.line.inside, parts...)
			continue
		}
		last := c.mainPlace(apps)
		last.after = append(last.after, parts...)
	}
	c.modules()
}

// appsIn returns the apps of a virtual host, the longest mount first. A virtual host that mounts
// some also has those of the main server: its own sections would win over those of the main server.
func (c *configuration) appsIn(host *virtualHost) (apps []*app) {
	mounts := func(a *app, host *virtualHost) bool {
		return slices.ContainsFunc(a.mounts, func(m *mount) bool { return m.host == host })
	}
	for _, a := range c.apps {
		if mounts(a, host) {
			apps = append(apps, a)
		}
	}
	for _, a := range c.apps {
		if len(apps) > 0 && !host.main() && mounts(a, c.server) && !slices.ContainsFunc(apps, func(own *app) bool { return own.url == a.url }) {
			apps = append(apps, a)
		}
	}
	slices.SortStableFunc(apps, func(a, b *app) int { return len(b.url) - len(a.url) })
	return apps
}

// innerIndent returns the indentation of the lines in a virtual host.
func (v *virtualHost) innerIndent() string {
	if v.main() {
		return ""
	}
	for _, l := range v.line.children {
		if l.node.Name != "" {
			return indentOf(l.node)
		}
	}
	return indentOf(v.line.node) + "    "
}

// mainPlace returns the last line of the file in which the main server mounts the last of the apps:
// lines before it have priority there, as they had over mod_wsgi.
func (c *configuration) mainPlace(apps []*app) *line {
	mounted := c.lastMount(apps)
	var place *line
	collect(c.top, func(f *file) {
		if place == nil && holds(f.lines, mounted) {
			place = f.lines[len(f.lines)-1]
		}
	})
	if place == nil {
		return mounted // in a macro
	}
	return place
}

// holds reports whether a line is one of lines, or in one of them, but not in an included file.
func holds(lines []*line, wanted *line) bool {
	return slices.ContainsFunc(lines, func(l *line) bool {
		return l == wanted || holds(l.children, wanted) || holds(l.body, wanted)
	})
}

// lastMount is the last line of the main server that mounted one of the apps.
func (c *configuration) lastMount(apps []*app) (last *line) {
	for _, f := range c.facts {
		for _, a := range apps {
			if slices.ContainsFunc(a.mounts, func(m *mount) bool { return m.fact == f && m.host.main() }) {
				last = f.line
			}
		}
	}
	return last
}

// ownLocation has the directives of sections for the script of an app.
func (c *configuration) ownLocation(a *app, indent string) (parts []migrate.Part) {
	var b strings.Builder
	for _, l := range a.outside {
		b.WriteString(indented(l.whole(), indent+"    "))
	}
	if f := c.effective(a.first(), "wsgierroroverride"); f != nil && on(f) {
		b.WriteString(indent + "    ProxyErrorOverride On\n")
	}
	if b.Len() == 0 {
		return nil
	}
	section, name := "Location", word(a.url)
	if others := c.within(a); len(others) > 0 {
		section, name = "LocationMatch", word(a.patternWithout(others))
	}
	text := fmt.Sprintf("%s<%s %s>\n%s%s</%s>\n\n", indent, section, name, b.String(), indent, section)
	return []migrate.Part{{Text: text}}
}

// within returns the URLs below the mount of an app that are not the app's: those of other apps,
// and those that Apache answers itself.
func (c *configuration) within(a *app) (urls []string) {
	for _, other := range c.apps {
		if other != a && other.sharesHost(a) && below(other.url, a.url) && !slices.Contains(urls, other.url) {
			urls = append(urls, other.url)
		}
	}
	for _, s := range c.served {
		url := "/" + strings.Trim(s.url, "/")
		if !s.fact.drop && !s.regex && a.inHost(s.host) && url != a.url && below(url, a.url) && !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	return urls
}

// patternWithout matches the URLs of an app and none of the others.
func (a *app) patternWithout(others []string) string {
	for i, url := range others {
		others[i] = regexp.QuoteMeta(url)
	}
	pattern := "^(?!(?:" + strings.Join(others, "|") + ")(?:/|$))"
	if a.url == "/" {
		return pattern + "/"
	}
	return pattern + regexp.QuoteMeta(a.url) + "(?:/|$)"
}

// whole is the text of a line with all that is in it.
func (l *line) whole() string {
	var b strings.Builder
	b.WriteString(cmp.Or(l.other, l.text))
	for _, child := range l.children {
		if !child.drop {
			b.WriteString(child.whole())
		}
	}
	return b.String() + l.close
}

// indented is text with its lines moved so that the first one begins with indent.
func indented(text, indent string) string {
	first := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(indent + strings.TrimPrefix(line, first))
	}
	if !strings.HasSuffix(text, "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}

// exclusions keep Apache's own URLs from being passed on.
func (c *configuration) exclusions(host *virtualHost, indent string) []migrate.Part {
	var b strings.Builder
	written := map[string]bool{}
	for _, s := range c.served {
		if s.fact.drop || s.host != host && !s.host.main() || !c.withinApps(s, host) {
			continue
		}
		text := fmt.Sprintf("%sProxyPass %s \"!\"\n", indent, word(s.url))
		if s.regex {
			text = fmt.Sprintf("%sProxyPassMatch %s \"!\"\n", indent, word(s.url))
		}
		if !written[text] {
			written[text] = true
			b.WriteString(text)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return []migrate.Part{{Text: indent + "# Apache answers these itself.\n" + b.String() + "\n"}}
}

// withinApps reports whether a URL would be passed on to an app of a virtual host.
func (c *configuration) withinApps(s *served, host *virtualHost) bool {
	if s.regex {
		return true
	}
	return slices.ContainsFunc(c.appsIn(host), func(a *app) bool { return below(s.url, a.url) || below(a.url, s.url) })
}

// word quotes an argument for Apache.
func word(text string) string {
	return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
}

// module is a module of Apache with its file.
type module struct{ name, file string }

// proxyModules are the modules that the new configuration needs, with the file of each.
var proxyModules = []module{
	{"proxy_module", "mod_proxy.so"}, {"proxy_fcgi_module", "mod_proxy_fcgi.so"}, {"headers_module", "mod_headers.so"},
	{"env_module", "mod_env.so"},
}

// neededModules are those that the new configuration needs.
func (c *configuration) neededModules() []module {
	if c.authorizers == nil {
		return proxyModules
	}
	return append(slices.Clone(proxyModules), module{"authnz_fcgi_module", "mod_authnz_fcgi.so"})
}

// modules puts lines that load the modules for the apps in the place of the one that loads
// mod_wsgi.
func (c *configuration) modules() {
	for _, f := range c.all("loadmodule", "loadfile") {
		if f.key() == "loadfile" {
			if strings.Contains(strings.ToLower(f.arg(0)), "python") {
				f.drop = true
				c.report.replace(f.node, migrate.NotNeeded, "Python is not loaded into Apache")
			} else {
				c.stays(f.node)
			}
			continue
		}
		if !isReplacedModule(f.arg(0)) {
			c.stays(f.node)
			continue
		}
		f.drop = true
		if len(c.apps) == 0 {
			c.report.set(f.node, "", migrate.NotNeeded, "nothing in these sources runs by it")
			continue
		}
		dir := c.moduleFolder(f.arg(1))
		var b strings.Builder
		indent := indentOf(f.line.node)
		for _, m := range c.neededModules() {
			if c.loaded[m.name] {
				continue
			}
			fmt.Fprintf(&b, "%s<IfModule !%s>\n%s    LoadModule %s %s\n%s</IfModule>\n", indent, m.name, indent, m.name, quoteIfNeeded(dir+"/"+m.file), indent)
		}
		f.after = append([]migrate.Part{{Text: b.String()}}, f.after...)
		c.report.set(f.node, "", migrate.Translated, "in its place are the modules that the apps need: proxy, proxy_fcgi, headers and env")
	}
}

func quoteIfNeeded(path string) string {
	if strings.ContainsAny(path, " \t\"") {
		return word(path)
	}
	return path
}

// moduleFolder returns the folder of Apache's modules: that of mod_wsgi, or that of other modules
// if mod_wsgi is elsewhere.
func (c *configuration) moduleFolder(wsgi string) string {
	dir := wsgi[:max(strings.LastIndexByte(wsgi, '/'), 0)]
	count := map[string]int{}
	best := ""
	for _, f := range c.all("loadmodule") {
		if at := strings.LastIndexByte(f.arg(1), '/'); at > 0 && !isWSGIModule(f.arg(0)) {
			other := f.arg(1)[:at]
			if count[other]++; best == "" || count[other] > count[best] {
				best = other
			}
		}
	}
	switch {
	case best != "":
		return best
	case strings.Contains(dir, "-packages") || dir == "":
		if strings.HasPrefix(c.root, "/etc/apache2") {
			return "/usr/lib/apache2/modules"
		}
		return "modules"
	}
	return dir
}

// unused notes directives that no app has used.
func (c *configuration) unused() {
	for _, d := range c.daemons {
		if len(d.users) > 0 {
			continue
		}
		c.report.set(d.fact.node, "", migrate.NotNeeded, "no app of these sources selects group %q", d.name)
		for _, o := range d.options {
			c.report.set(d.fact.node, o.name, migrate.NotNeeded, "no app of these sources selects group %q", d.name)
		}
	}
	for _, f := range c.facts {
		if _, ok := c.report.found[f.node]; ok || f.node.Section {
			continue
		}
		switch f.key() {
		case "wsgiprocessgroup", "wsgicallableobject", "wsgiscriptreloading", "wsgierroroverride":
			c.report.set(f.node, "", migrate.NotNeeded, "no app of these sources is in this section")
		case "wsgipythonpath":
			c.report.set(f.node, "", migrate.NotNeeded, "mod_wsgi uses it only for apps that run in Apache's own processes, and there are none")
		case "wsgiimportscript":
			c.importScript(f)
		case "wsgitrustedproxies", "wsgitrustedproxyheaders":
			c.report.set(f.node, "", migrate.ByHand, "write the addresses into the host's own file: trusted_proxies = [%s]; it then believes X-Forwarded-For, -Proto, -Host and -Port of them", list(f.words))
		case "wsgifreethreading":
			c.report.set(f.node, "", migrate.ByHand, "name a free-threaded Python in the descriptor: python { version = \"3.14t\" }")
		default:
			if strings.HasPrefix(f.key(), "wsgi") || strings.HasPrefix(f.key(), "passenger") {
				c.report.set(f.node, "", migrate.NotNeeded, "no app of these sources needs it")
				continue
			}
			c.stays(f.node)
		}
	}
}

func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(quoted, ", ")
}

// importScript notes a script that is loaded when a process starts.
func (c *configuration) importScript(f *fact) {
	script := c.absolute(f.arg(0))
	became, reason := migrate.ByHand, fmt.Sprintf("import %q from the entry of its app: the entry runs when a worker starts, before it gets a request", script)
	for _, a := range c.apps {
		if a.script == script {
			became, reason = migrate.NotNeeded, fmt.Sprintf("app %q is loaded before it gets a request", a.Name)
		}
	}
	c.report.set(f.node, "", became, "%s", reason)
	for _, o := range options(f.words[min(1, len(f.words)):]) {
		c.report.set(f.node, o.name, migrate.NotNeeded, "see the directive")
	}
}
