package uwsgi

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// config has the options of one configuration.
type config struct {
	*pyapp.App
	reading  *reading
	rules    map[string]pyapp.Rule // rules of options that have a value
	module   string
	callable string
	file     string
	mounts   []mount
}

// mount is an app below a URL path, or of a host.
type mount struct {
	host, path, target string
	place              migrate.Place
}

// early are the options that others depend on, so that they are read first.
var early = []string{"chdir", "chdir2", "virtualenv", "venv", "home", "pyhome", "processes", "workers", "p"}

// finish makes apps of the options, and adds an entry for each line. file is the configuration,
// empty for a command line; dir is its working directory, empty when it is not known.
func (r *reading) finish(file, dir string, at migrate.Place) {
	c := r.config
	c.Place, c.Dir = at, dir
	if file != "" {
		c.Beside, c.System = path.Dir(file), true
	}
	c.System = c.System || strings.HasPrefix(r.program, "/usr/")
	for _, first := range []bool{true, false} {
		for i, o := range r.options {
			if slices.Contains(early, o.Name) != first {
				continue
			}
			if again := r.again(i); again != nil {
				r.set(o.line, pyapp.NotNeeded("line %d says it again, which counts", again.Place.Line))
				continue
			}
			r.set(o.line, c.apply(o.Option))
		}
	}
	for _, l := range r.inherited {
		c.apply(pyapp.Option{Place: l.place, Name: l.name, Value: l.value})
	}
	c.write(cmp.Or(r.name, strings.TrimSuffix(path.Base(file), path.Ext(file))))
	r.report()
}

// single are the options of which the last one counts.
var single = strings.Fields("module wsgi wsgi-file file callable processes workers threads gevent chdir virtualenv venv home " +
	"pyhome uid gid umask harakiri max-requests reload-on-rss limit-as limit-post listen buffer-size idle")

// again returns a later option that counts in place of one.
func (r *reading) again(i int) *option {
	if !slices.Contains(single, r.options[i].Name) {
		return nil
	}
	for j := len(r.options) - 1; j > i; j-- {
		if r.options[j].Name == r.options[i].Name && r.options[j].line != r.options[i].line {
			if _, ok := pyapp.Number(r.options[j].Value); ok || !slices.Contains(numeric, r.options[j].Name) {
				return &r.options[j]
			}
		}
	}
	return nil
}

// numeric are the options that are numbers; an invalid number is ignored.
var numeric = []string{"processes", "workers", "threads", "gevent", "harakiri", "max-requests", "reload-on-rss", "listen"}

// apply follows one option by its rule.
func (c *config) apply(o pyapp.Option) pyapp.Outcome {
	for _, prefix := range []string{"py-", "python-"} {
		if short := strings.TrimPrefix(o.Name, prefix); c.rules[o.Name] == nil && c.rules[short] != nil {
			o.Name = short
		}
	}
	o.Value = number(o.Value)
	if rule := c.rules[o.Name]; rule != nil {
		return rule(c.App, o)
	}
	if rule, ok := flags[o.Name]; ok {
		if on, known := truth(o.Text()); known && !on {
			return pyapp.NotNeeded("it is switched off")
		} else if !known {
			return pyapp.ByHand("%s is neither true nor false: %s", migrate.Quote(o.Text()), rule(c.App, o).Reason)
		}
		return rule(c.App, o)
	}
	if rule := c.grouped(o.Name); rule != nil {
		return rule(c.App, o)
	}
	if c.reading.used[o.Name] {
		return pyapp.Translated("its value is put in where %%(%s) stands", o.Name)
	}
	like, seen := c.reading.similar[o.Name]
	if !seen {
		like = c.closest(o.Name)
		c.reading.similar[o.Name] = like
	}
	if like != "" {
		return pyapp.ByHand("uWSGI has no such option and ignores it; perhaps %s was meant", like)
	}
	return pyapp.ByHand("no option of uWSGI that is known, so that it may be ignored: see what it is for")
}

func truth(text string) (on, known bool) {
	switch strings.ToLower(text) {
	case "", "true", "yes", "1", "on", "enable", "enabled", "y":
		return true, true
	case "false", "no", "0", "off", "disable", "n":
		return false, true
	}
	return false, false
}

// isVariable reports whether a name is no option of uWSGI, but a variable.
func (r *reading) isVariable(name string) bool {
	return r.config.rules[name] == nil && flags[name] == nil
}

// write adds the apps to the plan.
func (c *config) write(stem string) {
	p := c.reading.plan
	entry := c.entryOf(c.module, c.file)
	if c.App.Kind == "" && (entry != "" || len(c.mounts) > 0) {
		c.App.Kind = pyapp.WSGI
	}
	if c.App.Kind == "" {
		return
	}
	if !usual[stem] {
		c.Name = stem
	}
	if c.App.Kind == pyapp.WSGI { // uWSGI's defaults
		c.SetDefault("kind.workers", 1)
		c.SetDefault("kind.threads", 1)
	}
	if entry != "" || c.App.Kind != pyapp.WSGI {
		c.Entry = entry
		c.App.Write(p)
	}
	for _, m := range c.mounts {
		one := c.Clone()
		one.Place = m.place
		one.Name = ""
		if m.path != "/" {
			one.Name = strings.Trim(strings.ReplaceAll(m.path, "/", "-"), "-")
		}
		module, file := m.target, ""
		if strings.HasSuffix(m.target, ".py") || strings.HasSuffix(m.target, ".wsgi") || strings.Contains(m.target, "/") {
			module, file = "", m.target
		}
		inner := &config{App: one, callable: c.callable}
		one.Entry = inner.entryOf(module, file)
		one.Set("mount", m.path)
		if m.host != "" {
			one.Set("hosts", []string{m.host})
		}
		one.Write(p)
	}
}

// usual are uninformative names of configurations.
var usual = map[string]bool{"uwsgi": true, "wsgi": true, "config": true, "app": true, ".": true, "": true, "conf": true, "prod": true, "production": true}

// entryOf returns the entry for a module or a file, with the callable that the configuration names.
func (c *config) entryOf(module, file string) string {
	callable := c.callable
	if module != "" {
		name, own, has := strings.Cut(module, ":")
		if has && own != "" {
			callable = own
		}
		if callable == "" {
			callable = "application"
		}
		return name + ":" + callable
	}
	if file == "" || callable == "" || callable == "application" {
		return file
	}
	// A file has the callable "application", or else "app". Another one needs the module.
	dir, base := path.Split(file)
	stem, isModule := strings.CutSuffix(base, ".py")
	if !isModule || strings.ContainsAny(stem, ".- ") {
		c.Note("uWSGI took the callable " + callable + " of " + file + ": the file must have it as application.")
		return file
	}
	dir = strings.TrimSuffix(dir, "/")
	switch {
	case dir == "" || dir == c.Dir:
	case !path.IsAbs(dir):
		return strings.ReplaceAll(path.Join(dir, stem), "/", ".") + ":" + callable
	case c.Dir == "":
		c.Dir = dir
	default:
		c.Path = append(c.Path, dir)
	}
	return stem + ":" + callable
}

// number is a value in which %k, the number of CPUs, is an expression.
func number(value any) any {
	text, _ := value.(string)
	m := plainSum.FindStringSubmatch(text)
	switch {
	case m == nil:
		return value
	case m[1] == "":
		return loader.Expression("host.cpus")
	case m[1] == "/":
		return loader.Expression("max(1, floor(host.cpus / " + m[2] + "))")
	}
	return loader.Expression("host.cpus " + m[1] + " " + m[2])
}
