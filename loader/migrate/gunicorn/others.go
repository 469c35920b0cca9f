package gunicorn

import (
	"maps"
	"net"
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// Other reads command lines of another server.
type Other struct {
	name      string
	binaries  []string
	kind      string
	short     map[byte]string
	valueless string // options without a value, with spaces between them
	options   map[string]rule
}

// Others are the servers beside Gunicorn, in the order of their names.
func Others() []migrate.Program {
	var all []migrate.Program
	for _, o := range others {
		all = append(all, o)
	}
	return all
}

// Name is the program.
func (o Other) Name() string { return o.name }

// Runs reports whether the program is the server.
func (o Other) Runs(args []string) bool { return slices.Contains(o.binaries, path.Base(args[0])) }

// Read reads a command line.
func (o Other) Read(c migrate.Command, p *migrate.Plan) {
	s := &server{App: pyapp.FromCommand(c), plan: p, env: c.Env}
	s.Kind = o.kind
	valueless := strings.Fields(o.valueless)
	flags, rest := pyapp.Flags(append([]string{}, c.Args[1:]...), o.short, func(name string) bool {
		return slices.Contains(valueless, name) || strings.HasPrefix(name, "no-") && slices.Contains(valueless, name[3:])
	})
	if o.name == "Waitress" && len(flags) > 0 && slices.ContainsFunc(flags, func(f pyapp.Flag) bool { return f.Name == "call" }) {
		s.factory = true
	}
	command := o.binaries[0]
	all := options(c, command, flags)
	for i := range all {
		all[i].setting = strings.TrimPrefix(all[i].setting, "no_")
	}
	for i, arg := range rest {
		g := given{pyapp.Option{Place: c.Place, Name: command + " " + arg, Value: arg}, "wsgi_app", true}
		if i > 0 {
			g.setting = "more than one app"
		}
		all = append(all, g)
	}
	table := maps.Clone(shared)
	maps.Copy(table, o.options)
	if web := c.Env["WEB_CONCURRENCY"]; web != "" {
		pyapp.Count("kind.workers", 1024)(s.App, pyapp.Option{Value: web})
	}
	s.apply(table, all, "no option of "+o.name+" that is known: see what it is for")
	s.listen(c.Place)
	if s.Entry == "" {
		p.Problem(c.Place, "cannot find the app that %s runs: it is not on the command line", o.name)
		return
	}
	s.write()
}

// listen notes an address of which host and port are options of their own.
func (s *server) listen(at migrate.Place) {
	if s.host == "" && s.port == "" {
		return
	}
	host, port := s.host, s.port
	if host == "" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "8000"
	}
	s.Addresses = append(s.Addresses, pyapp.Address{Text: host + ":" + port, Place: at})
}

// shared are options that several of the servers have alike.
var shared = map[string]rule{
	"wsgi_app":                      entry,
	"factory":                       factory,
	"workers":                       of(pyapp.Count("kind.workers", 1024)),
	"lifespan":                      lifespan,
	"host":                          hostOption,
	"port":                          portOption,
	"uds":                           bind,
	"unix_socket":                   bind,
	"bind":                          bind,
	"listen":                        bind,
	"fd":                            drop("the host opens its listeners itself"),
	"user":                          of(pyapp.Account("user")),
	"group":                         of(pyapp.Account("group")),
	"umask":                         umask,
	"backlog":                       drop("the host queues requests itself: see queue"),
	"reload":                        drop(reloads),
	"reload_dir":                    watched,
	"reload_include":                watched,
	"reload_exclude":                drop("reload.ignore has globs of files that do not count"),
	"reload_delay":                  drop(reloads),
	"loop":                          drop("the host takes uvloop where the environment of the app has it"),
	"http":                          drop(clients),
	"ws":                            drop("the host speaks WebSocket itself"),
	"ws_max_size":                   drop("the host speaks WebSocket itself"),
	"ws_max_queue":                  drop("the host speaks WebSocket itself"),
	"ws_ping_interval":              drop("the host speaks WebSocket itself"),
	"ws_ping_timeout":               drop("the host speaks WebSocket itself"),
	"ws_per_message_deflate":        drop("the host speaks WebSocket itself"),
	"log_level":                     logLevel,
	"access_log":                    drop(accessLogs),
	"use_colors":                    drop(logs),
	"log_config":                    settingsRule("log_config"),
	"proxy_headers":                 drop(proxies),
	"forwarded_allow_ips":           proxyList,
	"root_path":                     mount,
	"url_prefix":                    mount,
	"url_path_prefix":               mount,
	"limit_concurrency":             connections,
	"limit_max_requests":            of(pyapp.Count("recycle.requests", 2147483647)),
	"limit_max_requests_jitter":     jitter,
	"timeout_keep_alive":            drop(clients),
	"timeout_graceful_shutdown":     of(pyapp.Seconds("timeouts.drain", "")),
	"timeout_worker_healthcheck":    drop(supervises),
	"ssl_keyfile":                   certificate,
	"ssl_certfile":                  certificate,
	"ssl_keyfile_password":          certificate,
	"ssl_version":                   certificate,
	"ssl_cert_reqs":                 certificate,
	"ssl_ca_certs":                  certificate,
	"ssl_ciphers":                   certificate,
	"ssl_certificate":               certificate,
	"ssl_keyfile_pass":              certificate,
	"ssl_ca":                        certificate,
	"ssl_crl":                       certificate,
	"ssl_client_verify":             certificate,
	"ssl_protocol_min":              certificate,
	"certfile":                      certificate,
	"keyfile":                       certificate,
	"keyfile_password":              certificate,
	"ca_certs":                      certificate,
	"ciphers":                       certificate,
	"verify_mode":                   certificate,
	"insecure_bind":                 bind,
	"quic_bind":                     certificate,
	"header":                        manualWith("write the header into the web server in front, or into the app: %s"),
	"server_header":                 drop("the host sends no Server header of its own"),
	"date_header":                   drop(clients),
	"version":                       drop("it prints the version"),
	"help":                          drop("it prints the help"),
	"app_dir":                       appDir,
	"working_dir":                   of(pyapp.Chdir),
	"env_file":                      envFile,
	"env_files":                     envFile,
	"h11_max_incomplete_event_size": drop(clients),
	"reset_contextvars":             drop("each request has a context of its own"),
	"interface":                     interfaceOption,
}

func settingsRule(name string) rule {
	return func(s *server, o pyapp.Option) pyapp.Outcome { return settings[name](s, o) }
}

// others are the servers with the options that they alone have.
var others = []Other{
	{
		name: "uvicorn", binaries: []string{"uvicorn"}, kind: pyapp.ASGI,
		valueless: "reload factory access-log use-colors proxy-headers server-header date-header version help reset-contextvars",
		options:   map[string]rule{},
	},
	{
		name: "Hypercorn", binaries: []string{"hypercorn"}, kind: pyapp.ASGI,
		short:     map[byte]string{'b': "bind", 'w': "workers", 'k': "worker-class", 'c': "config", 'D': "daemon", 'p': "pid", 'u': "user", 'g': "group", 'm': "umask"},
		valueless: "reload daemon debug version help",
		options: map[string]rule{
			"worker_class":            drop("the host chooses the loop of asgi apps"),
			"config":                  manualWith("set what the file says: %s"),
			"access_logfile":          drop(accessLogs),
			"access_logformat":        drop(accessLogs),
			"error_logfile":           drop(logs),
			"error_log":               drop(logs),
			"log_file":                drop(logs),
			"access_log":              drop(accessLogs),
			"daemon":                  drop(foreground),
			"debug":                   drop(logs),
			"graceful_timeout":        of(pyapp.Seconds("timeouts.drain", "")),
			"read_timeout":            drop(clients),
			"keep_alive":              drop(clients),
			"max_requests":            of(pyapp.Count("recycle.requests", 2147483647)),
			"max_requests_jitter":     jitter,
			"pid":                     drop("systemd, and the control socket, know the host's process"),
			"websocket_ping_interval": drop("the host speaks WebSocket itself"),
			"statsd_host":             settingsRule("statsd_host"),
			"statsd_prefix":           settingsRule("statsd_prefix"),
			"server_name":             manualWith("set hosts to %s"),
			"server_names":            manualWith("set hosts to %s"),
		},
	},
	{
		name: "Daphne", binaries: []string{"daphne"}, kind: pyapp.ASGI,
		short:     map[byte]string{'b': "host", 'p': "port", 'u': "unix-socket", 'e': "endpoint", 't': "http-timeout", 'v': "verbosity"},
		valueless: "proxy-headers no-server-name help version",
		options: map[string]rule{
			"endpoint":                  manualWith("let the web server in front, or a listen block of the host's own file, have this endpoint: %s"),
			"http_timeout":              of(pyapp.Seconds("timeouts.request", "")),
			"websocket_timeout":         drop("a WebSocket may stay open for ever"),
			"websocket_connect_timeout": drop("the host speaks WebSocket itself"),
			"ping_interval":             drop("the host speaks WebSocket itself"),
			"ping_timeout":              drop("the host speaks WebSocket itself"),
			"application_close_timeout": drop(supervises),
			"verbosity":                 drop(logs),
			"access_log":                drop(accessLogs),
			"log_fmt":                   drop(accessLogs),
			"server_name":               drop("the host sends no Server header of its own"),
			"ws_protocol":               drop("the app chooses the protocol"),
			"proxy_headers_host":        drop(proxies),
			"proxy_headers_port":        drop(proxies),
			"request_buffer_size":       drop(clients),
			"threads":                   drop("the app's own pool of threads is Python's default"),
		},
	},
	{
		name: "Granian", binaries: []string{"granian"}, kind: "rsgi",
		valueless: "reload factory access-log access-logs log ws websockets respawn-failed-workers http1-pipeline-flush http1-keep-alive http2-adaptive-window metrics version help",
		options: map[string]rule{
			"blocking_threads":              granianThreads,
			"threads":                       granianThreads,
			"runtime_threads":               drop("the host itself needs few threads"),
			"runtime_blocking_threads":      drop("the host itself needs few threads"),
			"runtime_mode":                  drop("the host itself needs few threads"),
			"threading_mode":                drop("the host itself needs few threads"),
			"task_impl":                     drop("asyncio's own tasks"),
			"backpressure":                  drop("the queue block says how many requests wait"),
			"blocking_threads_idle_timeout": drop(supervises),
			"websockets":                    drop("the host speaks WebSocket itself"),
			"log":                           drop(logs),
			"access_log_fmt":                drop(accessLogs),
			"access_log_format":             drop(accessLogs),
			"http1_buffer_size":             drop(clients),
			"respawn_failed_workers":        drop(supervises),
			"respawn_interval":              drop(supervises),
			"workers_lifetime":              granianLifetime,
			"workers_max_rss":               of(pyapp.Size("recycle.memory", 1<<20)),
			"rss_sample_interval":           drop(supervises),
			"rss_samples":                   drop(supervises),
			"workers_kill_timeout":          of(pyapp.Seconds("timeouts.stop", "")),
			"process_name":                  drop(names),
			"pid_file":                      drop("systemd, and the control socket, know the host's process"),
			"static_path_route":             staticRoute,
			"static_path_mount":             staticMount,
			"static_path_expires":           manualWith("set cache of the alias: %s"),
			"static_path_dir_to_file":       drop("index is the default of an alias"),
			"metrics":                       drop("modgw-host metrics has them"),
			"metrics_address":               drop("the metrics block of the host's own file"),
			"metrics_port":                  drop("the metrics block of the host's own file"),
			"metrics_scrape_interval":       drop("the metrics block of the host's own file"),
			"reload_paths":                  watched,
			"reload_ignore_dirs":            drop("reload.ignore has globs of files that do not count"),
			"reload_ignore_patterns":        drop("reload.ignore has globs of files that do not count"),
			"reload_ignore_paths":           drop("reload.ignore has globs of files that do not count"),
			"reload_tick":                   drop(reloads),
			"reload_ignore_worker_failure":  drop(reloads),
		},
	},
	{
		name: "Waitress", binaries: []string{"waitress-serve"}, kind: pyapp.WSGI,
		valueless: "call expose-tracebacks ipv4 ipv6 log-socket-errors log-untrusted-proxy-headers clear-untrusted-proxy-headers asyncore-use-poll help",
		options: map[string]rule{
			"call":                          drop("entry is a factory, with ()"),
			"app":                           entry,
			"threads":                       of(pyapp.Count("kind.threads", 1024)),
			"unix_socket_perms":             drop("the listen block of the host's own file has the mode of its socket"),
			"trusted_proxy":                 proxyList,
			"trusted_proxy_headers":         drop(proxies),
			"trusted_proxy_count":           drop(proxies),
			"log_untrusted_proxy_headers":   drop(proxies),
			"clear_untrusted_proxy_headers": drop(proxies),
			"url_scheme":                    manualWith("the web server in front says the scheme: %s"),
			"ident":                         drop("the host sends no Server header of its own"),
			"outbuf_overflow":               drop("the host keeps responses itself: see spool"),
			"outbuf_high_watermark":         drop("the host keeps responses itself: see spool"),
			"inbuf_overflow":                drop("the host keeps bodies itself: see spool"),
			"recv_bytes":                    drop(clients),
			"send_bytes":                    drop(clients),
			"connection_limit":              drop("max_connections in the listen block of the host's own file"),
			"cleanup_interval":              drop(clients),
			"channel_timeout":               drop(clients),
			"channel_request_lookahead":     drop(clients),
			"log_socket_errors":             drop(logs),
			"max_request_header_size":       drop(clients),
			"max_request_body_size":         of(pyapp.Size("limits.body", 1)),
			"expose_tracebacks":             drop("modgw-host dev shows tracebacks"),
			"asyncore_loop_timeout":         drop(clients),
			"asyncore_use_poll":             drop(clients),
			"server_name":                   drop("the name in the request counts"),
			"ipv4":                          drop(clients),
			"ipv6":                          drop(clients),
		},
	},
}

func hostOption(s *server, o pyapp.Option) pyapp.Outcome {
	s.host = o.Text()
	port := s.port
	if port == "" {
		port = "8000"
	}
	return pyapp.Listener("http", net.JoinHostPort(o.Text(), port))
}

func portOption(s *server, o pyapp.Option) pyapp.Outcome {
	s.port = o.Text()
	return pyapp.NotNeeded("the listeners of the host have their own ports")
}

// appDir is the folder where the app's module is.
func appDir(s *server, o pyapp.Option) pyapp.Outcome {
	if o.Text() == "" || o.Text() == "." {
		return pyapp.NotNeeded("it is the working directory")
	}
	if s.Dir == "" {
		return pyapp.Chdir(s.App, o)
	}
	return pyapp.ModulePath(s.App, o)
}

func envFile(s *server, o pyapp.Option) pyapp.Outcome {
	if s.Get("env_file") != nil {
		return pyapp.ByHand("a descriptor has one env_file: put the lines of %s into it", migrate.Quote(o.Text()))
	}
	s.Set("env_file", s.Absolute(o.Text()))
	return pyapp.Translated("env_file = %q", s.Absolute(o.Text()))
}

func interfaceOption(s *server, o pyapp.Option) pyapp.Outcome {
	switch name := strings.ToLower(o.Text()); name {
	case "wsgi":
		s.Kind = pyapp.WSGI
	case "asgi", "asgi3", "asgi2", "asginl", "auto":
		s.Kind = pyapp.ASGI
		if name == "asginl" {
			s.Set("kind.lifespan", "off")
		}
	default:
		s.Kind = pyapp.ASGI
		return pyapp.ByHand("the host does not speak %s: make the app an asgi app", migrate.Quote(o.Text()))
	}
	return pyapp.Translated("%s { }", s.Kind)
}

// granianThreads are the threads of a wsgi app.
func granianThreads(s *server, o pyapp.Option) pyapp.Outcome {
	if s.Kind != pyapp.WSGI {
		return pyapp.NotNeeded("it is for wsgi apps alone")
	}
	return pyapp.Count("kind.threads", 1024)(s.App, o)
}

func granianLifetime(s *server, o pyapp.Option) pyapp.Outcome {
	if _, ok := pyapp.Number(o.Value); !ok {
		return pyapp.ByHand("set recycle.age to %s", migrate.Quote(o.Text()))
	}
	return pyapp.Seconds("recycle.age", "")(s.App, o)
}

func staticRoute(s *server, o pyapp.Option) pyapp.Outcome {
	s.staticURL = "/" + strings.Trim(o.Text(), "/")
	if s.staticDir != "" {
		s.Alias(s.staticURL, "dir", s.staticDir)
		s.staticDir = ""
	}
	return pyapp.Translated("alias %q", s.staticURL)
}

func staticMount(s *server, o pyapp.Option) pyapp.Outcome {
	dir := s.Absolute(o.Text())
	if s.staticURL == "" {
		s.staticDir = dir
		return pyapp.Translated("alias \"/static\" { dir = %q }", dir)
	}
	s.Alias(s.staticURL, "dir", dir)
	return pyapp.Translated("alias %q { dir = %q }", s.staticURL, dir)
}
