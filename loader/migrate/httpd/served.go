package httpd

import (
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// served is a URL that Apache answers without asking an app: a folder, a redirect, a handler.
type served struct {
	fact   *fact
	host   *virtualHost
	url    string // path, or a regular expression
	regex  bool
	target string // folder or file of an Alias; "" for others
}

// collectServed finds the URLs that Apache answers itself. mod_wsgi lets all of them pass, and
// ProxyPass does not.
func (c *configuration) collectServed() {
	for _, f := range c.facts {
		if f.node.Section {
			continue
		}
		s := &served{fact: f, host: f.host}
		switch f.key() {
		case "alias", "scriptalias":
			s.url, s.target = f.arg(0), c.absolute(f.arg(1))
		case "aliasmatch", "scriptaliasmatch":
			s.url, s.regex = f.arg(0), true
		case "redirect", "redirectmatch", "redirectpermanent", "redirecttemp":
			if len(f.in) > 0 {
				c.stays(f.node)
				continue // Apache does these after it has chosen who answers
			}
			s.url, s.regex = redirected(f), f.key() == "redirectmatch"
		case "sethandler":
			if !s.handler(f) {
				continue
			}
		default:
			continue
		}
		if s.url == "" || !s.regex && !strings.HasPrefix(s.url, "/") {
			c.stays(f.node)
			continue
		}
		c.served = append(c.served, s)
	}
}

// redirected returns the URL path of a redirect, which a status may precede.
func redirected(f *fact) string {
	if len(f.words) > 1 && !strings.HasPrefix(f.words[0], "/") && !strings.HasPrefix(f.words[0], "^") && isStatus(f.words[0]) {
		return f.words[1]
	}
	return f.arg(0)
}

func isStatus(word string) bool {
	switch strings.ToLower(word) {
	case "permanent", "temp", "seeother", "gone":
		return true
	}
	return strings.Trim(word, "0123456789") == ""
}

// handler reads a SetHandler in a <Location>, such as that of server-status.
func (s *served) handler(f *fact) bool {
	handler := strings.ToLower(f.arg(0))
	if len(f.in) != 1 || handler == "none" || handler == "wsgi-script" || strings.HasPrefix(handler, "default-") {
		return false
	}
	in := f.in[0]
	if in.kind != "location" && in.kind != "locationmatch" {
		return false
	}
	s.url, s.regex = in.name, in.regex
	return true
}

// isFile reports whether the target of an Alias is a file.
func (c *configuration) isFile(target string) bool {
	if c.plan.Files.Exists(target) {
		return !c.plan.Files.IsDir(target)
	}
	return !strings.HasSuffix(target, "/") && filepath.Ext(target) != ""
}

// publish gives an app the folders that Apache serves below its mount, so that the host serves them
// too. Folders with restricted access are left to Apache.
func (c *configuration) publish(a *app) {
	for _, s := range c.served {
		if s.target == "" || s.regex || !isAlias(s.fact) || !a.inHost(s.host) || s.fact.drop {
			continue
		}
		url := "/" + strings.Trim(s.url, "/")
		if !below(url, a.url) || url == a.url || c.ownerOf(a, url) != a {
			continue
		}
		if c.guarded(s) {
			c.report.set(s.fact.node, "", migrate.Translated, "stays in Apache's configuration, which also says who may see it")
			continue
		}
		argument := "dir"
		if c.isFile(s.target) {
			argument = "file"
		}
		label := strings.TrimPrefix(url, strings.TrimSuffix(a.url, "/"))
		a.Alias(label, argument, a.relative(strings.TrimSuffix(s.target, "/")))
		c.report.set(s.fact.node, "", migrate.Translated, "alias %q of app %q; stays in Apache's configuration, too", label, a.Name)
	}
}

func isAlias(f *fact) bool { return f.key() == "alias" }

// ownerOf returns the app with the longest mount above a URL, among those with the same hosts as a.
func (c *configuration) ownerOf(a *app, url string) *app {
	owner := a
	for _, other := range c.apps {
		if other.sharesHost(a) && below(url, other.url) && len(other.url) > len(owner.url) {
			owner = other
		}
	}
	return owner
}
