package gunicorn

import (
	"cmp"
	"net"
	"path"
	"strings"
	"time"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

const (
	jitter      = "recycle.jitter spreads the limit by a tenth"
	certificate = "let the web server in front, or a listen block with tls in the host's own file, have this: %s"
)

func (s *server) app(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
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

func (s *server) isFactory(*pyapp.App, pyapp.Option) pyapp.Outcome {
	s.factory = true
	return pyapp.Translated("entry is a factory, with ()")
}

// workerClass decides the kind of the app.
func (s *server) workerClass(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	name := strings.TrimPrefix(o.Text(), "egg:gunicorn#")
	switch {
	case name == "sync" || name == "":
		return pyapp.NotNeeded("a worker has threads = 1 without threads, as here")
	case name == "gthread":
		return pyapp.Translated("threads")
	case strings.Contains(name, "gevent"):
		s.greenlets = true
		a.Set("kind.concurrency", "gevent")
		return pyapp.Translated("concurrency = \"gevent\"")
	case strings.Contains(strings.ToLower(name), "uvicorn") || name == "asgi" || strings.Contains(name, "hypercorn"):
		a.Kind = pyapp.ASGI
		return pyapp.Translated("asgi { }")
	case strings.Contains(name, "eventlet"):
		s.greenlets = true
		a.Set("kind.concurrency", "gevent")
		return pyapp.ByHand("eventlet is not there: concurrency = \"gevent\" is set, for which the environment needs gevent")
	case strings.Contains(strings.ToLower(name), "aiohttp"):
		return pyapp.ByHand("an aiohttp app serves HTTP itself: run it by an http block, with command = [\"python\", \"-m\", \"aiohttp.web\", \"-P\", \"$PORT\", \"MODULE:FUNCTION\"]")
	}
	return pyapp.ByHand("a class of workers that the host does not have: %s; see whether the app needs wsgi, asgi or http", migrate.Quote(name))
}

func (s *server) paste(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	s.Entry = pyapp.Paste(a, o.Text())
	return pyapp.Translated("entry = %q", s.Entry)
}

// items are the values of an option: a list, or text with commas between them.
func items(o pyapp.Option) []string {
	if list, isList := o.Value.([]string); isList {
		return list
	}
	return strings.Split(o.Text(), ",")
}

func rawEnv(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	var set []string
	for _, one := range items(o) {
		if out := pyapp.Variable(a, pyapp.Option{Value: one}); out.Became == migrate.ByHand {
			return out
		}
		name, _, _ := strings.Cut(one, "=")
		set = append(set, name)
	}
	return pyapp.Translated("env of %s", strings.Join(set, ", "))
}

func lifespan(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	switch o.Text() {
	case "auto", "":
		return pyapp.NotNeeded("it is the default")
	case "on", "off":
		a.Set("kind.lifespan", o.Text())
		return pyapp.Translated("lifespan = %q", o.Text())
	}
	return pyapp.ByHand("lifespan is auto, on or off, and not %s", migrate.Quote(o.Text()))
}

func mount(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	url := "/" + strings.Trim(o.Text(), "/")
	if url == "/" {
		return pyapp.NotNeeded("it is the default")
	}
	a.Set("mount", url)
	return pyapp.Translated("mount = %q", url)
}

// confFile is the outcome of the option for the file of settings, which was read before.
func (s *server) confFile(*pyapp.App, pyapp.Option) pyapp.Outcome {
	if s.conf == nil {
		return pyapp.ByHand("its settings could not be read: %s", s.confReason)
	}
	return pyapp.Translated("its settings are read")
}

func (s *server) setConnections(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	n, ok := pyapp.Number(o.Value)
	if !ok {
		return pyapp.ByHand("%s is not a whole number", migrate.Quote(o.Text()))
	}
	s.connections = n
	return pyapp.Translated("how many requests a worker has at once, with gevent, threads or asgi")
}

// timeout translates the time limit of a sync worker. For other workers it only detects hangs.
func timeout(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	out := pyapp.Seconds("timeouts.request", "no limit")(a, o)
	if d, ok := a.Get("timeouts.request").(time.Duration); ok && d == 0 {
		return pyapp.Translated("timeouts.request = \"0s\", no limit")
	}
	return out
}

func umask(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "0" {
		return pyapp.NotNeeded("0 is the default")
	}
	return pyapp.Umask(a, o)
}

func bind(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	worst := pyapp.NotNeeded("it is empty")
	for _, address := range items(o) {
		address = strings.TrimSpace(address)
		if address == "" {
			continue
		}
		if socket, ok := strings.CutPrefix(address, "unix:"); ok && !strings.HasPrefix(socket, "/") && a.Dir != "" {
			address = "unix:" + path.Join(a.Dir, socket)
		}
		a.Addresses = append(a.Addresses, pyapp.Address{Text: address, Place: o.Place})
		if out := pyapp.Listener("http", address); worst.Became != migrate.ByHand {
			worst = out
		}
	}
	return worst
}

func (s *server) setHost(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	s.host = o.Text()
	return pyapp.Listener("http", net.JoinHostPort(o.Text(), cmp.Or(s.port, usualPort)))
}

func (s *server) setPort(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	s.port = o.Text()
	return pyapp.NotNeeded("the listeners of the host have their own ports")
}

func proxyList(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	switch text := o.Text(); text {
	case "", "127.0.0.1", "127.0.0.1,::1", "127.0.0.1, ::1":
		return pyapp.NotNeeded("%s", proxies)
	case "*":
		return pyapp.ByHand("set trusted_proxies in the host's own file to the addresses of your proxies, for clients that do not connect by a web server on this machine")
	default:
		return pyapp.ByHand("set trusted_proxies in the host's own file to %s", migrate.Quote(text))
	}
}

func logLevel(_ *pyapp.App, o pyapp.Option) pyapp.Outcome {
	return pyapp.NotNeeded("the host writes what an app prints with the level that it has; the level %s was for Gunicorn's own messages", migrate.Quote(o.Text()))
}

func watched(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	list, isList := o.Value.([]string)
	if !isList {
		list = []string{o.Text()}
	}
	watch, _ := a.Get("reload.watch").([]string)
	for _, file := range list {
		if file != "" {
			watch = append(watch, a.Absolute(file))
		}
	}
	if len(watch) == 0 {
		return pyapp.NotNeeded("it is empty")
	}
	a.Set("reload.watch", watch)
	return pyapp.Translated("reload.watch = %q", watch)
}

// appDir is the folder where the app's module is.
func appDir(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "" || o.Text() == "." {
		return pyapp.NotNeeded("it is the working directory")
	}
	if a.Dir == "" {
		return pyapp.Chdir(a, o)
	}
	return pyapp.ModulePath(a, o)
}

func envFile(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	if a.Get("env_file") != nil {
		return pyapp.ByHand("a descriptor has one env_file: put the lines of %s into it", migrate.Quote(o.Text()))
	}
	a.Set("env_file", a.Absolute(o.Text()))
	return pyapp.Translated("env_file = %q", a.Absolute(o.Text()))
}

func interfaceOption(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	switch name := strings.ToLower(o.Text()); name {
	case "wsgi":
		a.Kind = pyapp.WSGI
	case "asgi", "asgi3", "asgi2", "asginl", "auto":
		a.Kind = pyapp.ASGI
		if name == "asginl" {
			a.Set("kind.lifespan", "off")
		}
	default:
		a.Kind = pyapp.ASGI
		return pyapp.ByHand("the host does not speak %s: make the app an asgi app", migrate.Quote(o.Text()))
	}
	return pyapp.Translated("%s { }", a.Kind)
}

// granianThreads are the threads of a wsgi app.
func granianThreads(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	if a.Kind != pyapp.WSGI {
		return pyapp.NotNeeded("it is for wsgi apps alone")
	}
	return pyapp.Count("kind.threads", 1024)(a, o)
}

func granianLifetime(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	if _, ok := pyapp.Number(o.Value); !ok {
		return pyapp.ByHand("set recycle.age to %s", migrate.Quote(o.Text()))
	}
	return pyapp.Seconds("recycle.age", "")(a, o)
}

func (s *server) staticRoute(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	s.staticURL = "/" + strings.Trim(o.Text(), "/")
	if s.staticDir != "" {
		a.Alias(s.staticURL, "dir", s.staticDir)
		s.staticDir = ""
	}
	return pyapp.Translated("alias %q", s.staticURL)
}

func (s *server) staticMount(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
	dir := a.Absolute(o.Text())
	if s.staticURL == "" {
		s.staticDir = dir
		return pyapp.Translated("alias \"/static\" { dir = %q }", dir)
	}
	a.Alias(s.staticURL, "dir", dir)
	return pyapp.Translated("alias %q { dir = %q }", s.staticURL, dir)
}
