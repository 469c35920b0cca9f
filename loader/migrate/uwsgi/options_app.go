package uwsgi

import (
	"fmt"
	"path"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// appOptions say what the app is, and what it finds around itself.
var appOptions = options{
	{setField(func(c *config) *string { return &c.module }, "entry"), "module wsgi"},
	{setField(func(c *config) *string { return &c.file }, "entry"), "wsgi-file file"},
	{setField(func(c *config) *string { return &c.callable }, "the callable of entry"), "callable"},
	{mountOption, "mount"},
	{paste, "ini-paste ini-paste-logged paste"},
	{gevent, "gevent"},
	{loop, "loop"},
	{manualWith("asynchronous cores need gevent, or an asgi app: %s"), "async"},
	{of(pyapp.Venv), "virtualenv venv home pyhome"},
	{of(pyapp.ModulePath), "pythonpath python-path pp"},
	{of(pyapp.Chdir), "chdir chdir2"},
	{of(pyapp.Variable), "env"},
	{unset, "unenv"},
	{plugins, "plugins plugin need-plugin need-plugins"},
	{drop(embedded), "plugins-dir plugin-dir"},
	{manualWith("import it in the program that runs the tasks: %s"), "spooler-import"},
	{imported, "import pyimport shared-import py-import python-import shared-py-import " +
		"shared-python-import shared-pyimport spooler-python-import"},
	{manualWith("put the code into a module and name it as entry: %s"), "eval"},
	{manualWith("set sys.argv in the app's module: %s"), "pyargv"},
	{optimize, "optimize"},
	{manualWith("run the script by a unit of systemd, or by an http block when it serves HTTP: %s"),
		"pyrun"},
	{manualWith("name a module that makes the app as entry: %s"), "pecan"},
	{drop("the kind of the app says so"), "php"},
	{psgi, "psgi"},
	{rack, "rack"},
	{manualWith("run the app by a program of its own in an http block: %s"), "rails"},
	{cgi, "cgi"},
	{drop(upgrades), "binary-path py-call-uwsgi-fork-hooks"},
	{manual("make the app an asgi app"), "asyncio"},
	{drop("each request has an environ of its own"), "wsgi-env-behaviour wsgi-env-behavior"},
}

// setField is the rule for what says which app it is.
func setField(field func(*config) *string, what string) rule {
	return func(c *config, o pyapp.Option) pyapp.Outcome {
		if o.Text() == "" {
			return pyapp.NotNeeded("it is empty")
		}
		*field(c) = o.Text()
		return pyapp.Translated("%s", what)
	}
}

func mountOption(c *config, o pyapp.Option) pyapp.Outcome {
	where, target, ok := strings.Cut(o.Text(), "=")
	if !ok || target == "" {
		return pyapp.ByHand("%s is not PATH=APP", migrate.Quote(o.Text()))
	}
	m := mount{target: target, place: o.Place}
	if m.host, m.path, ok = strings.Cut(where, "/"); m.host == "" || ok {
		m.path = "/" + strings.Trim(m.path, "/")
	} else {
		m.path = "/"
	}
	if strings.HasSuffix(target, ".ini") || strings.Contains(target, "://") {
		return pyapp.ByHand("the app has a configuration of its own: migrate %s, and set mount = %q in what becomes of it", migrate.Quote(target), m.path)
	}
	c.mounts = append(c.mounts, m)
	return pyapp.Translated("an app with mount = %q", m.path)
}

func paste(c *config, o pyapp.Option) pyapp.Outcome {
	file := strings.TrimPrefix(o.Text(), "config:")
	file = c.Absolute(file)
	c.module = fmt.Sprintf("paste.deploy:loadapp('config:%s')", file)
	c.startIn(path.Dir(file))
	return pyapp.Translated("entry = %q", c.module)
}

func gevent(c *config, o pyapp.Option) pyapp.Outcome {
	c.Set("kind.concurrency", "gevent")
	return pyapp.Count("kind.threads", 1024)(c.App, o)
}

func loop(c *config, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "gevent" {
		c.Set("kind.concurrency", "gevent")
		return pyapp.Translated("concurrency = \"gevent\"")
	}
	return pyapp.ByHand("the host has no loop %s: make the app an asgi app", migrate.Quote(o.Text()))
}

func unset(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.NotNeeded("the app sees no variables but its own")
}

func imported(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("import %s in the module of the app", migrate.Quote(o.Text()))
}

func optimize(c *config, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "0" || o.Text() == "" {
		return pyapp.NotNeeded("it is the default")
	}
	c.Env("PYTHONOPTIMIZE", o.Text())
	return pyapp.Translated("env.PYTHONOPTIMIZE")
}
