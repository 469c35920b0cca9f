package httpd

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
)

// python has the facts about the Python of an app in the sources.
type python struct {
	venv       string   // folder of a virtual environment, or of a whole Python; "": none is named
	path       []string // entries of sys.path
	sourceDirs []string // folders that the script itself puts into sys.path
	activated  bool     // the script names the virtual environment
	script2    string   // line of the script that is for Python 2 alone; "": none
	python2    string   // path that is of Python 2; "": none
	notes      []string // comments about unreadable parts of the script
}

var (
	sitePackages = lazyregexp.New(`^(.+?)/(?:lib|lib64|Lib)/(?:python[^/]*/)?(?:site|dist)-packages/?$`)
	binPython    = lazyregexp.New(`^(.+?)/bin(?:/python[^/]*|/activate_this\.py)?/?$`)
	ofPython2    = lazyregexp.New(`(?i)/python-?2(?:\.\d+)?(?:/|$)|mod_wsgi-py2\d`)
)

// pythonOf collects the facts about the Python of an app in the sources.
func (c *configuration) pythonOf(a *app) *python {
	p := &python{}
	if d := a.daemon; d != nil {
		for _, o := range d.options {
			switch o.name {
			case "python-home":
				p.home(c.absolute(o.value))
			case "python-path":
				p.entries(c, o.value)
			}
		}
	}
	if f := c.inServer(a.first().host, "wsgipythonpath"); f != nil && (a.daemon == nil || a.first().adopted) {
		p.entries(c, f.arg(0))
	}
	if f := c.passengerFact(a.first(), "passengerpython"); f != nil && filepath.IsAbs(f.arg(0)) {
		p.home(f.arg(0))
	}
	script := c.readScript(a.script)
	p.script(script)
	if f := c.inServer(a.first().host, "wsgipythonhome"); f != nil && p.venv == "" {
		p.home(c.absolute(f.arg(0)))
	}
	if p.venv == "" {
		p.module(c)
	}
	return p
}

// home takes the folder of a Python, or one within it that was named by mistake.
func (p *python) home(dir string) {
	if m := sitePackages.FindStringSubmatch(dir); m != nil {
		dir = m[1]
	} else if m := binPython.FindStringSubmatch(dir); m != nil {
		dir = m[1]
	}
	p.venv = strings.TrimSuffix(dir, "/")
	p.look(dir)
}

// entries takes a list of folders with ":" between them.
func (p *python) entries(c *configuration, list string) {
	for entry := range strings.SplitSeq(list, ":") {
		if entry = strings.TrimSpace(entry); entry != "" {
			p.entry(c.absolute(entry))
		}
	}
}

// entry takes a folder for sys.path. The packages of a virtual environment are the environment.
func (p *python) entry(dir string) {
	p.look(dir)
	if m := sitePackages.FindStringSubmatch(dir); m != nil {
		switch m[1] {
		case "/usr", "/usr/local":
			if p.venv == "" {
				p.venv = m[1]
			}
			return
		case p.venv:
			return
		}
		if p.venv == "" || p.venv == "/usr" || p.venv == "/usr/local" {
			p.venv = m[1]
			return
		}
	}
	if dir = cmp.Or(strings.TrimRight(dir, "/"), "/"); !slices.Contains(p.path, dir) {
		p.path = append(p.path, dir)
	}
}

// look remembers a path of Python 2.
func (p *python) look(dir string) {
	if p.python2 == "" && ofPython2.MatchString(dir) {
		p.python2 = dir
	}
}

// module takes the virtual environment that mod_wsgi is loaded from.
func (p *python) module(c *configuration) {
	for _, f := range c.all("loadmodule") {
		if !isWSGIModule(f.arg(0)) {
			continue
		}
		p.look(f.arg(1))
		before, _, found := strings.Cut(f.arg(1), "/lib/python")
		if found && strings.HasPrefix(before, "/") && before != "/usr" && before != "/usr/local" && strings.Contains(f.arg(1), "-packages/") {
			p.venv = before
		}
	}
}

// writePython writes the python block, and the outcomes of the directives that it was made of.
func (c *configuration) writePython(a *app, p *python) {
	for _, note := range p.notes {
		a.Note("python", note)
	}
	reason := ""
	switch {
	case p.python2 != "":
		reason = fmt.Sprintf("%q is of Python 2, which the host does not run: port the app to Python 3, make an environment for it, and name it in python { venv }", p.python2)
		a.Note("python", "Python 2: "+reason)
	case p.venv == "":
		a.Set("python.venv", "/usr")
		a.Note("python", "No source names an environment: the app ran with the system's own Python.")
	default:
		a.Set("python.venv", a.relative(p.venv))
		if p.activated {
			a.Note("python", "The script names this environment: "+a.script)
		}
	}
	var path []string
	for _, entry := range p.path {
		if p.python2 == "" || !ofPython2.MatchString(entry) {
			path = append(path, a.relative(entry))
		}
	}
	path = slices.DeleteFunc(path, func(entry string) bool { return entry == a.root && !filepath.IsAbs(entry) })
	if len(path) > 0 {
		for i, entry := range path {
			if entry == a.root {
				path[i] = "."
			}
		}
		a.Set("python.path", path)
	}
	if p.script2 != "" {
		a.Note("wsgi.entry", "Python 2: "+p.script2+".")
		c.report.set(a.first().fact.node, "", migrate.ByHand, "app %q: %s", a.Name, p.script2)
	}
	c.pythonOutcomes(a, reason)
}

// pythonOutcomes notes the outcomes of directives that name a Python.
func (c *configuration) pythonOutcomes(a *app, python2 string) {
	note := func(f *fact, option, became string) {
		if python2 != "" {
			c.report.set(f.node, option, migrate.ByHand, "%s", python2)
			return
		}
		c.report.set(f.node, option, migrate.Translated, "%s of app %q", became, a.Name)
	}
	if a.daemon != nil {
		for _, o := range a.daemon.options {
			switch o.name {
			case "python-home":
				note(a.daemon.fact, o.name, "python { venv }")
			case "python-path":
				note(a.daemon.fact, o.name, "python { path, venv }")
			}
		}
	}
	if f := c.inServer(a.first().host, "wsgipythonhome"); f != nil {
		note(f, "", "python { venv }")
	}
	if f := c.inServer(a.first().host, "wsgipythonpath"); f != nil && (a.daemon == nil || a.first().adopted) {
		note(f, "", "python { path }")
	}
}

// entryOf writes the entry of an app: its script, or a module where the callable has a name of its
// own.
func (c *configuration) entryOf(a *app, p *python) {
	script := a.relative(a.script)
	if !strings.Contains(script, "/") && filepath.Ext(script) != ".py" && filepath.Ext(script) != ".wsgi" {
		script = a.script
	}
	f := c.effective(a.first(), "wsgicallableobject")
	if a.callable == "" || a.callable == "application" {
		a.Set("wsgi.entry", script)
		if f != nil {
			c.report.set(f.node, "", migrate.NotNeeded, "it is the usual name of the callable")
		}
		return
	}
	stem, isModule := strings.CutSuffix(filepath.Base(a.script), ".py")
	if isModule && identifier.MatchString(stem) {
		dir := filepath.Dir(a.script)
		a.Set("wsgi.entry", stem+":"+a.callable)
		if dir != a.root && !slices.Contains(p.path, dir) {
			p.path = append([]string{dir}, p.path...)
		} else if dir == a.root && !slices.Contains(p.path, dir) {
			p.path = append(p.path, dir)
		}
		if f != nil {
			c.report.set(f.node, "", migrate.Translated, "wsgi { entry = %q } of app %q", stem+":"+a.callable, a.Name)
		}
		return
	}
	a.Set("wsgi.entry", script)
	a.Note("wsgi.entry", fmt.Sprintf("The callable of this script is %q: a file needs one that is called application, or app.", a.callable))
	if f != nil && a.callable != "app" {
		c.report.set(f.node, "", migrate.ByHand, "a script that is no module needs a callable that is called application, or app: add the line \"application = %s\" to %q", a.callable, a.script)
	} else if f != nil {
		c.report.set(f.node, "", migrate.Translated, "a script without application has app as its callable")
	}
}

var identifier = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
