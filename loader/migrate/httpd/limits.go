package httpd

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
)

// usualBody is the largest body that Apache accepts without LimitRequestBody.
const usualBody = 1 << 30

// limitsOf writes Apache's own limits of an app's requests.
func (c *configuration) limitsOf(a *app) {
	m := a.first()
	body := loader.Bytes(usualBody)
	if f := c.effective(m, "limitrequestbody"); f != nil {
		if n, err := strconv.ParseInt(f.arg(0), 10, 64); err == nil && n >= 0 {
			body = loader.Bytes(n)
			c.report.set(f.node, "", migrate.Translated, "limits { body } of app %q; stays in Apache's configuration for all else", a.Name)
		}
	} else {
		a.Note("limits.body", "As Apache has it.")
	}
	a.Set("limits.body", body)
	f := c.inServer(m.host, "timeout")
	if f == nil || a.Value("timeouts.request") != nil {
		return
	}
	if d, ok := seconds(f.arg(0)); ok && d >= time.Minute {
		a.Set("timeouts.request", d)
		c.report.set(f.node, "", migrate.Translated, "timeouts { request } of app %q; stays in Apache's configuration, too", a.Name)
	}
}

// serverSettings writes the directives of the server that affect all Pythons.
func (c *configuration) serverSettings(a *app) {
	host := a.first().host
	for name, env := range map[string]string{
		"wsgipythoneggs": "PYTHON_EGG_CACHE", "wsgipythonoptimize": "PYTHONOPTIMIZE", "wsgipythonhashseed": "PYTHONHASHSEED",
	} {
		if f := c.inServer(host, name); f != nil {
			a.Env(env, f.arg(0))
			c.report.set(f.node, "", migrate.Translated, "env %s of app %q", env, a.Name)
		}
	}
	if f := c.inServer(host, "wsgidontwritebytecode"); f != nil {
		if on(f) {
			a.Env("PYTHONDONTWRITEBYTECODE", "1")
		}
		c.report.set(f.node, "", migrate.Translated, "env PYTHONDONTWRITEBYTECODE of app %q", a.Name)
	}
	var warnings []string
	for _, f := range c.all("wsgipythonwarnings") {
		warnings = append(warnings, f.arg(0))
		c.report.set(f.node, "", migrate.Translated, "env PYTHONWARNINGS of app %q", a.Name)
	}
	if len(warnings) > 0 {
		a.Env("PYTHONWARNINGS", strings.Join(warnings, ","))
	}
	if f := c.effective(a.first(), "wsgiscriptreloading"); f != nil {
		if on(f) {
			c.report.set(f.node, "", migrate.NotNeeded, "on, for all code of an app and not its script alone")
		} else {
			a.Set("reload.mode", "off")
			c.report.set(f.node, "", migrate.Translated, "reload { mode = \"off\" } of app %q", a.Name)
		}
	}
	c.sendfiles(a)
}

func on(f *fact) bool { return strings.EqualFold(f.arg(0), "on") }

// sendfiles lets an app name files that Apache's mod_xsendfile sends.
func (c *configuration) sendfiles(a *app) {
	for i, f := range c.all("xsendfilepath") {
		if !c.applies(f, a.first()) {
			continue
		}
		label := "/x-sendfile"
		if i > 0 {
			label += "-" + strconv.Itoa(i+1)
		}
		a.SetIn("sendfile", label, "dir", a.relative(strings.TrimSuffix(c.absolute(f.arg(0)), "/")))
		a.SetIn("sendfile", label, "front", true)
		c.report.set(f.node, "", migrate.Translated, "sendfile %q of app %q; stays in Apache's configuration, too", label, a.Name)
	}
}

// groupOutcomes notes the directives that choose a group for an app.
func (c *configuration) groupOutcomes(a *app) {
	for _, m := range a.mounts {
		for _, f := range c.all("wsgiprocessgroup") {
			switch {
			case c.applies(f, m):
				c.report.set(f.node, "", migrate.Translated, "app %q has processes of its own", a.Name)
			case slices.ContainsFunc(c.mounts, func(other *mount) bool { return c.applies(f, other) }):
				// It belongs to another app.
			case (f.host == m.host || f.host.main()) && len(f.in) > 0 && f.in[len(f.in)-1].touches(m):
				c.report.set(f.node, "", migrate.ByHand, "it is for a part of app %q (%s): write a second descriptor with that mount for processes of its own; SCRIPT_NAME is another then", a.Name, f.in[len(f.in)-1].name)
			}
		}
	}
	if f := c.effective(a.first(), "wsgierroroverride"); f != nil {
		c.report.set(f.node, "", migrate.Translated, "ProxyErrorOverride of app %q", a.Name)
	}
}
