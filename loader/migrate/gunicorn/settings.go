package gunicorn

import (
	"path"
	"strings"
	"time"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// rule follows a setting of Gunicorn.
type rule func(s *server, o pyapp.Option) pyapp.Outcome

func of(shared pyapp.Rule) rule {
	return func(s *server, o pyapp.Option) pyapp.Outcome { return shared(s.App, o) }
}

func drop(reason string) rule { return of(pyapp.Drop(reason)) }

// manualWith has the value for %s in the task.
func manualWith(task string) rule {
	return func(_ *server, o pyapp.Option) pyapp.Outcome { return pyapp.ByHand(task, migrate.Quote(o.Text())) }
}

// Reasons that several settings share.
const (
	supervises = "the host always supervises the processes of its apps"
	foreground = "modgw-host runs under systemd, in the foreground"
	logs       = "the host keeps the logs of its apps: modgw-host logs shows them"
	accessLogs = "requests are logged by the access_log block of the host's own file"
	clients    = "timeouts and limits of clients belong to the listen block of the host's own file"
	reloads    = "the host reloads an app when its files change, and proves the new workers first"
	proxies    = "trusted_proxies of the host's own file says whose headers are believed"
	names      = "the host names the processes of its apps"
	hooks      = "a hook in the process of Gunicorn: do it in the app, or by a unit of systemd"
)

// settings are those of gunicorn.conf.py; options of a command line have dashes for underscores.
var settings map[string]rule

func init() {
	settings = map[string]rule{
		"wsgi_app":           entry,
		"chdir":              of(pyapp.Chdir),
		"pythonpath":         of(pyapp.ModulePath),
		"raw_env":            rawEnv,
		"env":                of(pyapp.Variable),
		"workers":            of(pyapp.Count("kind.workers", 1024)),
		"threads":            of(pyapp.Count("kind.threads", 1024)),
		"worker_class":       workerClass,
		"worker_connections": connections,
		"timeout":            timeout,
		"graceful_timeout":   of(pyapp.Seconds("timeouts.drain", "")),
		"max_requests":       of(pyapp.Count("recycle.requests", 2147483647)), "max_requests_jitter": jitter,
		"user":                    of(pyapp.Account("user")),
		"group":                   of(pyapp.Account("group")),
		"umask":                   umask,
		"initgroups":              drop("the groups of the user are kept, unless groups says others"),
		"bind":                    bind,
		"backlog":                 drop("the host queues requests itself: see queue"),
		"reuse_port":              drop("the host gives each request to a free worker itself"),
		"certfile":                certificate,
		"keyfile":                 certificate,
		"ca_certs":                certificate,
		"cert_reqs":               certificate,
		"ciphers":                 certificate,
		"ssl_version":             certificate,
		"do_handshake_on_connect": certificate,
		"suppress_ragged_eofs":    certificate,
		"ssl_context":             certificate,
		"preload_app":             drop("workers are forked from a process that has the modules of the environment loaded; the app's own code is loaded by each"),
		"reload":                  drop(reloads),
		"reload_engine":           drop(reloads),
		"reload_extra_files":      watched,
		"reload_extra_file":       watched,
		"spew":                    drop("it prints each line that is executed"),
		"check_config":            drop("modgw-host check does"), "print_config": drop("modgw-host check does"),
		"daemon":                             drop(foreground),
		"pidfile":                            drop("systemd, and the control socket, know the host's process"),
		"pid":                                drop("systemd, and the control socket, know the host's process"),
		"worker_tmp_dir":                     drop("the host needs no files to see whether workers are alive"),
		"tmp_upload_dir":                     drop("the host keeps bodies in its state folder"),
		"control_socket":                     drop("modgw-host has a control socket of its own"),
		"no_control_socket":                  drop("modgw-host has a control socket of its own"),
		"loglevel":                           logLevel,
		"log_level":                          logLevel,
		"logfile":                            drop(logs),
		"errorlog":                           drop(logs),
		"error_logfile":                      drop(logs),
		"log_file":                           drop(logs),
		"capture_output":                     drop(logs),
		"logger_class":                       manualWith("the host writes the logs: configure the loggers in the app instead of by %s"),
		"logconfig":                          manualWith("the host writes the logs: load this configuration of loggers in the app: %s"),
		"log_config":                         manualWith("the host writes the logs: load this configuration of loggers in the app: %s"),
		"logconfig_dict":                     manualWith("the host writes the logs: configure the loggers in the app: %s"),
		"logconfig_json":                     manualWith("the host writes the logs: load this configuration of loggers in the app: %s"),
		"log_config_json":                    manualWith("the host writes the logs: load this configuration of loggers in the app: %s"),
		"enable_stdio_inheritance":           drop(logs),
		"syslog":                             drop(logs),
		"log_syslog":                         drop(logs),
		"syslog_addr":                        drop(logs),
		"log_syslog_to":                      drop(logs),
		"syslog_prefix":                      drop(logs),
		"log_syslog_prefix":                  drop(logs),
		"syslog_facility":                    drop(logs),
		"log_syslog_facility":                drop(logs),
		"accesslog":                          drop(accessLogs),
		"access_logfile":                     drop(accessLogs),
		"access_log_format":                  drop(accessLogs),
		"access_logformat":                   drop(accessLogs),
		"disable_redirect_access_to_syslog":  drop(accessLogs),
		"statsd_host":                        manualWith("send the figures of modgw-host metrics to your monitoring, instead of to %s"),
		"statsd_prefix":                      drop("it is for statsd alone"),
		"dogstatsd_tags":                     drop("it is for statsd alone"),
		"enable_backlog_metric":              drop("modgw-host status shows how many requests wait"),
		"keepalive":                          drop(clients),
		"keep_alive":                         drop(clients),
		"limit_request_line":                 drop(clients),
		"limit_request_fields":               drop(clients),
		"limit_request_field_size":           drop(clients),
		"sendfile":                           drop("the host sends files itself"),
		"no_sendfile":                        drop("the host sends files itself"),
		"proc_name":                          drop(names),
		"name":                               drop(names),
		"default_proc_name":                  drop(names),
		"strip_header_spaces":                drop("the host refuses such headers"),
		"permit_unconventional_http_method":  drop(clients),
		"permit_unconventional_http_version": drop(clients),
		"permit_obsolete_folding":            drop("the host refuses such headers"),
		"casefold_http_method":               drop(clients),
		"header_map":                         drop("headers with an underscore are dropped"),
		"forwarder_headers":                  drop(proxies),
		"forwarded_allow_ips":                proxyList,
		"proxy_allow_ips":                    proxyList,
		"secure_scheme_headers":              drop(proxies),
		"proxy_protocol":                     manualWith("set proxy_protocol in the listen block of the host's own file: %s"),
		"paste":                              paste,
		"paster":                             paste,
		"raw_paste_global_conf":              manualWith("name a module that makes the app as entry: %s"),
		"paste_global":                       manualWith("name a module that makes the app as entry: %s"),
		"config":                             conf,
		"dirty_apps":                         manualWith("run it as a program of its own: %s"),
		"dirty_workers":                      manualWith("run it as a program of its own: %s"),
		"http_protocols":                     drop(clients),
		"asgi_loop":                          drop("the host chooses the loop of asgi apps"),
		"asgi_lifespan":                      lifespan,
		"root_path":                          mount,
		"protocol":                           drop("the web server in front connects to a listener of the host"),
		"uwsgi_allow_ips":                    drop(proxies),
		"factory":                            factory,
	}
	for name := range strings.FieldsSeq("on_starting on_reload when_ready pre_fork post_fork post_worker_init worker_int worker_abort pre_exec pre_request " +
		"post_request child_exit worker_exit nworkers_changed on_exit") {
		settings[name] = of(pyapp.Manual(hooks))
	}
}

// valueless are options of the command line without a value.
var valueless = map[string]bool{"reload": true, "preload": true, "preload-app": true, "daemon": true, "spew": true, "check-config": true, "print-config": true, "no-sendfile": true,
	"reuse-port":                         true,
	"initgroups":                         true,
	"capture-output":                     true,
	"log-syslog":                         true,
	"enable-stdio-inheritance":           true,
	"proxy-protocol":                     true,
	"strip-header-spaces":                true,
	"permit-unconventional-http-method":  true,
	"permit-unconventional-http-version": true,
	"permit-obsolete-folding":            true,
	"casefold-http-method":               true,
	"disable-redirect-access-to-syslog":  true,
	"do-handshake-on-connect":            true,
	"suppress-ragged-eofs":               true,
	"no-control-socket":                  true,
	"enable-backlog-metric":              true,
	"factory":                            true}

// short are the options of one letter.
var short = map[byte]string{'b': "bind", 'w': "workers", 'k': "worker-class", 't': "timeout", 'c': "config", 'D': "daemon", 'p': "pid", 'u': "user", 'g': "group", 'm': "umask",
	'e': "env", 'n': "name", 'R': "enable-stdio-inheritance"}

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

func connections(s *server, o pyapp.Option) pyapp.Outcome {
	n, ok := pyapp.Number(o.Value)
	if !ok {
		return pyapp.ByHand("%s is not a whole number", migrate.Quote(o.Text()))
	}
	s.connections = n
	return pyapp.Translated("how many requests a worker has at once, with gevent, threads or asgi")
}

// timeout is how long a sync worker may be busy; that of others is only alive.
func timeout(s *server, o pyapp.Option) pyapp.Outcome {
	out := pyapp.Seconds("timeouts.request", "no limit")(s.App, o)
	if d, ok := s.Get("timeouts.request").(time.Duration); ok && d == 0 {
		return pyapp.Translated("timeouts.request = \"0s\", no limit")
	}
	return out
}

func jitter(s *server, o pyapp.Option) pyapp.Outcome {
	return pyapp.NotNeeded("recycle.jitter spreads the limit by a tenth")
}

func umask(s *server, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "0" {
		return pyapp.NotNeeded("0 is the default")
	}
	return pyapp.Umask(s.App, o)
}

func bind(s *server, o pyapp.Option) pyapp.Outcome {
	list, isList := o.Value.([]string)
	if !isList {
		list = strings.Split(o.Text(), ",")
	}
	worst := pyapp.NotNeeded("it is empty")
	for _, address := range list {
		address = strings.TrimSpace(address)
		if address == "" {
			continue
		}
		if socket, ok := strings.CutPrefix(address, "unix:"); ok && !strings.HasPrefix(socket, "/") && s.Dir != "" {
			address = "unix:" + path.Join(s.Dir, socket)
		}
		s.Addresses = append(s.Addresses, pyapp.Address{Text: address, Place: o.Place})
		if out := pyapp.Listener("http", address); worst.Became != migrate.ByHand {
			worst = out
		}
	}
	return worst
}

func certificate(_ *server, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("let the web server in front, or a listen block with tls in the host's own file, have this: %s", migrate.Quote(o.Text()))
}

func watched(s *server, o pyapp.Option) pyapp.Outcome {
	list, isList := o.Value.([]string)
	if !isList {
		list = []string{o.Text()}
	}
	watch, _ := s.Get("reload.watch").([]string)
	for _, file := range list {
		if file != "" {
			watch = append(watch, s.Absolute(file))
		}
	}
	if len(watch) == 0 {
		return pyapp.NotNeeded("it is empty")
	}
	s.Set("reload.watch", watch)
	return pyapp.Translated("reload.watch = %q", watch)
}

func logLevel(_ *server, o pyapp.Option) pyapp.Outcome {
	return pyapp.NotNeeded("the host writes what an app prints with the level that it has; the level %s was for Gunicorn's own messages", migrate.Quote(o.Text()))
}

func proxyList(_ *server, o pyapp.Option) pyapp.Outcome {
	switch text := o.Text(); text {
	case "", "127.0.0.1", "127.0.0.1,::1", "127.0.0.1, ::1":
		return pyapp.NotNeeded("%s", proxies)
	case "*":
		return pyapp.ByHand("set trusted_proxies in the host's own file to the addresses of your proxies, for clients that do not connect by a web server on this machine")
	default:
		return pyapp.ByHand("set trusted_proxies in the host's own file to %s", migrate.Quote(text))
	}
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
