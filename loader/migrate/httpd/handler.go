package httpd

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// handled is a folder or section in which a handler makes files scripts.
type handled struct {
	fact       *fact
	extensions []string // endings that AddHandler names; nil: all files, by SetHandler
	found      int      // scripts that became mounts
}

// collectHandlers finds scripts that a handler, and no WSGIScriptAlias, makes apps.
func (c *configuration) collectHandlers() {
	for _, f := range c.all("addhandler", "sethandler") {
		if !strings.EqualFold(f.arg(0), "wsgi-script") {
			c.otherHandler(f)
			continue
		}
		f.drop = true
		h := &handled{fact: f}
		if f.key() == "addhandler" {
			for _, e := range f.words[1:] {
				h.extensions = append(h.extensions, "."+strings.TrimPrefix(e, "."))
			}
		}
		c.scriptsOf(h)
		switch {
		case h.found == 0 && slices.ContainsFunc(c.mounts, func(m *mount) bool {
			return (m.host == f.host || f.host.main()) && h.covers(m)
		}):
			c.report.set(f.node, "", migrate.NotNeeded, "the script that it is for has a WSGIScriptAlias")
		case h.found > 0:
			c.report.set(f.node, "", migrate.Translated, "each script is an app with a descriptor of its own (%d); a new script needs one too", h.found)
		default:
			c.report.set(f.node, "", migrate.ByHand, "files are apps by this handler, and none of them is here: write a descriptor for each script, with mount = its URL path")
		}
	}
	for _, f := range c.all("wsgihandlerscript") {
		c.report.set(f.node, "", migrate.ByHand, "let Apache run the files by a script of its own: Action and a descriptor that is executed (#!/usr/bin/env -S modgw-host fcgi), or make an app of %q that reads them", f.arg(1))
	}
}

// otherHandler notes a handler that is not mod_wsgi's.
func (c *configuration) otherHandler(f *fact) {
	for _, h := range c.all("wsgihandlerscript") {
		if strings.EqualFold(h.arg(0), f.arg(0)) {
			f.drop = true
			c.report.set(f.node, "", migrate.ByHand, "its files are run by WSGIHandlerScript %s, line %d: see there", f.arg(0), h.at.Line)
			return
		}
	}
	c.stays(f.node)
}

// scriptsOf makes mounts of the scripts that a handler counts for.
func (c *configuration) scriptsOf(h *handled) {
	for _, f := range c.all("alias", "scriptalias") {
		if f.host == h.fact.host || h.fact.host.main() {
			c.aliasOfScripts(h, f, f.arg(0), c.absolute(f.arg(1)))
		}
	}
	for _, f := range c.all("documentroot") {
		if f.host == h.fact.host || h.fact.host.main() {
			c.aliasOfScripts(h, f, "/", c.absolute(f.arg(0)))
		}
	}
}

// aliasOfScripts makes mounts of the targets of an Alias or DocumentRoot.
func (c *configuration) aliasOfScripts(h *handled, f *fact, url, target string) {
	if target == "" || !strings.HasPrefix(url, "/") {
		return
	}
	if h.isScript(c, url, target) {
		m := &mount{fact: f, host: f.host, url: url, script: target}
		if h.covers(m) && c.cleanURL(m) {
			f.drop = true
			h.found++
			c.mounts = append(c.mounts, m)
		}
		return
	}
	for _, name := range c.plan.Files.List(target) {
		m := &mount{fact: f, host: f.host, url: strings.TrimSuffix(url, "/") + "/" + name, script: filepath.Join(target, name)}
		if h.extensions == nil && !isScript(name) || c.plan.Files.IsDir(m.script) || !h.covers(m) || !c.cleanURL(m) {
			continue
		}
		h.found++
		c.mounts = append(c.mounts, m)
	}
}

// isScript reports whether an Alias leads to a script, and not to a folder of them. A script need
// not be here, and need not have an ending when its own <Location> makes it one.
func (h *handled) isScript(c *configuration, url, target string) bool {
	if c.plan.Files.IsDir(target) || strings.HasSuffix(target, "/") {
		return false
	}
	if filepath.Ext(target) != "" || c.plan.Files.Exists(target) {
		return true
	}
	return len(h.fact.in) > 0 && h.fact.in[len(h.fact.in)-1].kind == "location" &&
		strings.Trim(h.fact.in[len(h.fact.in)-1].name, "/") == strings.Trim(url, "/")
}

// covers reports whether a script is run by the handler.
func (h *handled) covers(m *mount) bool {
	if h.extensions != nil && !slices.Contains(h.extensions, filepath.Ext(m.script)) {
		return false
	}
	for _, s := range h.fact.in {
		if !s.covers(m) {
			return false
		}
	}
	return true
}
