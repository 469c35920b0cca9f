package gunicorn

import (
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// appSettings say what the app is, and what it finds around itself.
var appSettings = table{
	{entry, "wsgi_app"},
	{of(pyapp.Chdir), "chdir"},
	{of(pyapp.ModulePath), "pythonpath"},
	{rawEnv, "raw_env"},
	{of(pyapp.Variable), "env"},
	{workerClass, "worker_class"},
	{paste, "paste paster"},
	{manualWith("name a module that makes the app as entry: %s"),
		"raw_paste_global_conf paste_global"},
	{conf, "config"},
	{manualWith("run it as a program of its own: %s"), "dirty_apps dirty_workers"},
	{drop("the host chooses the loop of asgi apps"), "asgi_loop"},
	{lifespan, "asgi_lifespan"},
	{mount, "root_path"},
	{factory, "factory"},
}

func entry(s *server, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "" {
		return pyapp.NotNeeded("it is empty")
	}
	s.Entry = o.Text()
	return pyapp.Translated("entry = %q", s.entry())
}

// entry is the entry in the form of descriptors.
func (s *server) entry() string {
	text := s.Entry
	if text != "" && !strings.Contains(text, ":") {
		text += ":application"
	}
	if s.factory && !strings.HasSuffix(text, ")") {
		text += "()"
	}
	return text
}

func factory(s *server, _ pyapp.Option) pyapp.Outcome {
	s.factory = true
	return pyapp.Translated("entry is a factory, with ()")
}

// workerClass decides the kind of the app.
func workerClass(s *server, o pyapp.Option) pyapp.Outcome {
	name := strings.TrimPrefix(o.Text(), "egg:gunicorn#")
	switch {
	case name == "sync" || name == "":
		return pyapp.NotNeeded("a worker has threads = 1 without threads, as here")
	case name == "gthread":
		return pyapp.Translated("threads")
	case strings.Contains(name, "gevent"):
		s.greenlets = true
		s.Set("kind.concurrency", "gevent")
		return pyapp.Translated("concurrency = \"gevent\"")
	case strings.Contains(strings.ToLower(name), "uvicorn") || name == "asgi" || strings.Contains(name, "hypercorn"):
		s.Kind = pyapp.ASGI
		return pyapp.Translated("asgi { }")
	case strings.Contains(name, "eventlet"):
		s.greenlets = true
		s.Set("kind.concurrency", "gevent")
		return pyapp.ByHand("eventlet is not there: concurrency = \"gevent\" is set, for which the environment needs gevent")
	case strings.Contains(strings.ToLower(name), "aiohttp"):
		return pyapp.ByHand("an aiohttp app serves HTTP itself: run it by an http block, with command = [\"python\", \"-m\", \"aiohttp.web\", \"-P\", \"$PORT\", \"MODULE:FUNCTION\"]")
	}
	return pyapp.ByHand("a class of workers that the host does not have: %s; see whether the app needs wsgi, asgi or http", migrate.Quote(name))
}

func paste(s *server, o pyapp.Option) pyapp.Outcome {
	file := s.Absolute(strings.TrimPrefix(o.Text(), "config:"))
	s.Entry = "paste.deploy:loadapp('config:" + file + "')"
	return pyapp.Translated("entry = %q", s.Entry)
}

func rawEnv(s *server, o pyapp.Option) pyapp.Outcome {
	list, isList := o.Value.([]string)
	if !isList {
		list = strings.Split(o.Text(), ",")
	}
	var set []string
	for _, one := range list {
		if out := pyapp.Variable(s.App, pyapp.Option{Value: one}); out.Became == migrate.ByHand {
			return out
		}
		name, _, _ := strings.Cut(one, "=")
		set = append(set, name)
	}
	return pyapp.Translated("env of %s", strings.Join(set, ", "))
}

func lifespan(s *server, o pyapp.Option) pyapp.Outcome {
	switch o.Text() {
	case "auto", "":
		return pyapp.NotNeeded("it is the default")
	case "on", "off":
		s.Set("kind.lifespan", o.Text())
		return pyapp.Translated("lifespan = %q", o.Text())
	}
	return pyapp.ByHand("lifespan is auto, on or off, and not %s", migrate.Quote(o.Text()))
}

func mount(s *server, o pyapp.Option) pyapp.Outcome {
	url := "/" + strings.Trim(o.Text(), "/")
	if url == "/" {
		return pyapp.NotNeeded("it is the default")
	}
	s.Set("mount", url)
	return pyapp.Translated("mount = %q", url)
}

// conf is the file of settings, which was read before.
func conf(s *server, o pyapp.Option) pyapp.Outcome {
	if s.conf == nil {
		return pyapp.ByHand("its settings could not be read: %s", s.confReason)
	}
	return pyapp.Translated("its settings are read")
}
