package contest

import (
	"fmt"
	"path/filepath"
	"strings"
)

// importing returns a script whose application is the site's.
func importing(s Site) string {
	module, name, _ := strings.Cut(s.Entry, ":")
	return fmt.Sprintf("from %s import %s as application\n", module, name)
}

var uWSGI = Contestant{
	Name: "uWSGI", serves: wsgiOnly,
	missing: func(k *Kit) string { return k.need(k.uWSGI()[0], "uwsgi-plugin-python3") },
	launch: func(k *Kit, s Setting, p Place) (Launch, error) {
		command := append(k.uWSGI(),
			"--master", "--need-app", "--die-on-term", "--disable-logging",
			"--virtualenv", k.venv, "--chdir", p.Dir, "--module", s.Site.Entry, "--listen", "4096",
			"--processes", fmt.Sprint(s.Workers),
		)
		if s.Threads > 1 {
			command = append(command, "--threads", fmt.Sprint(s.Threads))
		}
		if s.Front == Direct {
			return Launch{Command: append(command, "--http-socket", p.address())}, nil
		}
		return Launch{
			Command: append(command, "--socket", p.Socket, "--chmod-socket=666"),
			Apache:  httpd{Lines: fmt.Sprintf("ProxyPass / \"unix:%s|uwsgi://app/\"\n", p.Socket)},
		}, nil
	},
}

// uWSGI returns the command of the newest uWSGI, which the package builds, or of Debian's, which
// needs its plugin for Python.
func (k *Kit) uWSGI() []string {
	const debian = "/usr/bin/uwsgi"
	program := k.newest("bin/uwsgi", debian)
	if program == debian {
		return []string{program, "--plugin", "python3"}
	}
	return []string{program}
}

var gunicornSync = Contestant{Name: "gunicorn sync", serves: oneThread, missing: needVenv, launch: launchGunicorn("sync")}

var gunicornThreads = Contestant{Name: "gunicorn gthread", serves: moreThreads, missing: needVenv, launch: launchGunicorn("gthread")}

func launchGunicorn(class string) func(*Kit, Setting, Place) (Launch, error) {
	return func(k *Kit, s Setting, p Place) (Launch, error) {
		command := []string{
			k.program("gunicorn"), "--worker-class", class, "--workers", fmt.Sprint(s.Workers), "--chdir", p.Dir,
			"--backlog", "4096", "--umask", "0", "--keep-alive", "60", "--worker-connections", fmt.Sprint(mostConnections),
		}
		if class == "gthread" {
			command = append(command, "--threads", fmt.Sprint(s.Threads))
		}
		return httpServer(append(command, "--bind", bind(s, p), s.Site.Entry), s, p), nil
	}
}

// bind returns the listening address for servers that accept it in gunicorn's format.
func bind(s Setting, p Place) string {
	if s.Front == Apache {
		return "unix:" + p.Socket
	}
	return p.address()
}

func httpServer(command []string, s Setting, p Place) Launch {
	launch := Launch{Command: command}
	if s.Front == Apache {
		launch.Apache = proxyHTTP(p.Socket)
	}
	return launch
}

var granian = Contestant{
	Name: "Granian", serves: anything, missing: needVenv,
	launch: func(k *Kit, s Setting, p Place) (Launch, error) {
		command := []string{
			k.program("granian"), "--interface", string(s.Site.Kind), "--workers", fmt.Sprint(s.Workers),
			// this also limits the number of connections
			"--backlog", fmt.Sprint(s.Workers * mostConnections),
			"--working-dir", p.Dir, "--no-access-log", "--log-level", "warning",
		}
		if s.Site.Kind == WSGI {
			command = append(command, "--blocking-threads", fmt.Sprint(s.Threads))
		} else {
			command = append(command, "--loop", "uvloop")
		}
		if s.Front == Apache {
			command = append(command, "--uds", p.Socket, "--uds-permissions", "666")
		} else {
			command = append(command, "--host", "127.0.0.1", "--port", fmt.Sprint(p.Port))
		}
		return httpServer(append(command, s.Site.Entry), s, p), nil
	},
}

func asgiOnly(s Setting) bool { return s.Site.Kind == ASGI }

var uvicorn = Contestant{
	Name: "uvicorn", serves: asgiOnly, missing: needVenv,
	launch: func(k *Kit, s Setting, p Place) (Launch, error) {
		command := []string{
			k.program("uvicorn"), "--loop", "uvloop", "--http", "httptools", "--workers", fmt.Sprint(s.Workers),
			"--app-dir", p.Dir, "--no-access-log", "--log-level", "warning", "--backlog", "4096", "--timeout-keep-alive", "60",
		}
		if s.Front == Apache {
			command = append(command, "--uds", p.Socket)
		} else {
			command = append(command, "--host", "127.0.0.1", "--port", fmt.Sprint(p.Port))
		}
		return httpServer(append(command, s.Site.Entry), s, p), nil
	},
}

var hypercorn = Contestant{
	Name: "hypercorn", serves: asgiOnly, missing: needVenv,
	launch: func(k *Kit, s Setting, p Place) (Launch, error) {
		command := []string{
			k.program("hypercorn"), "--worker-class", "uvloop", "--workers", fmt.Sprint(s.Workers), "--backlog", "4096",
			"--umask", "0", "--keep-alive", "60", "--bind", bind(s, p), s.Site.Entry,
		}
		return httpServer(command, s, p), nil
	},
}

// stdlib requires only Python. It is the peer of the smallest run.
var stdlib = Contestant{
	Name: Stdlib, serves: both(direct, both(wsgiOnly, func(s Setting) bool { return s.Workers == 1 })),
	launch: func(k *Kit, s Setting, p Place) (Launch, error) {
		return Launch{Command: []string{k.python(), filepath.Join(p.Dir, "stdlib.py"), p.address(), s.Site.Entry}}, nil
	},
}
