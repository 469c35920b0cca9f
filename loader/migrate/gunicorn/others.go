package gunicorn

import (
	"cmp"
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
	options   func(*server) pyapp.Table
}

// Others returns the servers other than Gunicorn, in the order of their names.
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
	s := &server{App: pyapp.FromCommand(c), plan: p, env: c.Env, unknown: "no option of " + o.name + " that is known: see what it is for"}
	s.Kind, s.rules = o.kind, slices.Concat(s.shared(), o.options(s)).ByName()
	valueless := strings.Fields(o.valueless)
	flags, rest := pyapp.Flags(slices.Clone(c.Args[1:]), o.short, func(name string) bool {
		return slices.Contains(valueless, name) || strings.HasPrefix(name, "no-") && slices.Contains(valueless, name[3:])
	})
	if o.name == "Waitress" && slices.ContainsFunc(flags, func(f pyapp.Flag) bool { return f.Name == "call" }) {
		s.factory = true
	}
	all := options(c, o.binaries[0], flags)
	for i := range all {
		all[i].setting = strings.TrimPrefix(all[i].setting, "no_")
	}
	if web := c.Env["WEB_CONCURRENCY"]; web != "" {
		pyapp.Count("kind.workers", 1024)(s.App, pyapp.Option{Value: web})
	}
	s.apply(append(all, arguments(c, o.binaries[0], rest)...))
	if s.host != "" || s.port != "" {
		address := cmp.Or(s.host, "127.0.0.1") + ":" + cmp.Or(s.port, usualPort)
		s.Addresses = append(s.Addresses, pyapp.Address{Text: address, Place: c.Place})
	}
	if s.Entry == "" {
		p.Problem(c.Place, "cannot find the app that %s runs: it is not on the command line", o.name)
		return
	}
	s.write()
}

// usualPort is the port of a server without an option for it.
const usualPort = "8000"

const (
	webSockets   = "the host speaks WebSocket itself"
	ignoredFiles = "reload.ignore has globs of files that do not count"
	ownHeader    = "the host sends no Server header of its own"
	metricsBlock = "the metrics block of the host's own file"
)

// shared are options that several of the servers have alike.
func (s *server) shared() pyapp.Table {
	return pyapp.Table{
		{s.app, "wsgi_app"},
		{s.isFactory, "factory"},
		{pyapp.Count("kind.workers", 1024), "workers"},
		{lifespan, "lifespan"},
		{s.setHost, "host"},
		{s.setPort, "port"},
		{bind, "uds unix_socket bind listen insecure_bind"},
		{pyapp.Drop("the host opens its listeners itself"), "fd"},
		{pyapp.Account("user"), "user"},
		{pyapp.Account("group"), "group"},
		{umask, "umask"},
		{pyapp.Drop("the host queues requests itself: see queue"), "backlog"},
		{pyapp.Drop(reloads), "reload reload_delay"},
		{watched, "reload_dir reload_include"},
		{pyapp.Drop(ignoredFiles), "reload_exclude"},
		{pyapp.Drop("the host takes uvloop where the environment of the app has it"), "loop"},
		{pyapp.Drop(pyapp.BoundsClients), "http timeout_keep_alive date_header h11_max_incomplete_event_size"},
		{pyapp.Drop(webSockets), "ws ws_max_size ws_max_queue ws_ping_interval ws_ping_timeout ws_per_message_deflate"},
		{logLevel, "log_level"},
		{pyapp.Drop(pyapp.LogsRequests), "access_log"},
		{pyapp.Drop(pyapp.KeepsLogs), "use_colors"},
		{pyapp.ManualWith(loadLoggers), "log_config"},
		{pyapp.Drop(proxies), "proxy_headers"},
		{proxyList, "forwarded_allow_ips"},
		{mount, "root_path url_prefix url_path_prefix"},
		{s.setConnections, "limit_concurrency"},
		{pyapp.Count("recycle.requests", 2147483647), "limit_max_requests"},
		{pyapp.Drop(jitter), "limit_max_requests_jitter"},
		{pyapp.Seconds("timeouts.drain", ""), "timeout_graceful_shutdown"},
		{pyapp.Drop(pyapp.Supervises), "timeout_worker_healthcheck"},
		{pyapp.ManualWith(certificate), "ssl_keyfile ssl_certfile ssl_keyfile_password ssl_version ssl_cert_reqs ssl_ca_certs " +
			"ssl_ciphers ssl_certificate ssl_keyfile_pass ssl_ca ssl_crl ssl_client_verify ssl_protocol_min certfile keyfile " +
			"keyfile_password ca_certs ciphers verify_mode quic_bind"},
		{pyapp.ManualWith("write the header into the web server in front, or into the app: %s"), "header"},
		{pyapp.Drop(ownHeader), "server_header"},
		{pyapp.Drop("it prints the version"), "version"},
		{pyapp.Drop("it prints the help"), "help"},
		{appDir, "app_dir"},
		{pyapp.Chdir, "working_dir"},
		{envFile, "env_file env_files"},
		{pyapp.Drop("each request has a context of its own"), "reset_contextvars"},
		{interfaceOption, "interface"},
	}
}

// others are the servers with the options that they alone have.
var others = []Other{
	{
		name: "uvicorn", binaries: []string{"uvicorn"}, kind: pyapp.ASGI,
		valueless: "reload factory access-log use-colors proxy-headers server-header date-header version help reset-contextvars",
		options:   func(*server) pyapp.Table { return nil },
	},
	{
		name: "Hypercorn", binaries: []string{"hypercorn"}, kind: pyapp.ASGI,
		short:     map[byte]string{'b': "bind", 'w': "workers", 'k': "worker-class", 'c': "config", 'D': "daemon", 'p': "pid", 'u': "user", 'g': "group", 'm': "umask"},
		valueless: "reload daemon debug version help",
		options: func(*server) pyapp.Table {
			return pyapp.Table{
				{pyapp.Drop("the host chooses the loop of asgi apps"), "worker_class"},
				{pyapp.ManualWith("set what the file says: %s"), "config"},
				{pyapp.Drop(pyapp.LogsRequests), "access_logfile access_logformat"},
				{pyapp.Drop(pyapp.KeepsLogs), "error_logfile error_log log_file debug"},
				{pyapp.Drop(foreground), "daemon"},
				{pyapp.Seconds("timeouts.drain", ""), "graceful_timeout"},
				{pyapp.Drop(pyapp.BoundsClients), "read_timeout keep_alive"},
				{pyapp.Count("recycle.requests", 2147483647), "max_requests"},
				{pyapp.Drop(jitter), "max_requests_jitter"},
				{pyapp.Drop(pidFile), "pid"},
				{pyapp.Drop(webSockets), "websocket_ping_interval"},
				{pyapp.ManualWith(sendFigures), "statsd_host"},
				{pyapp.Drop("it is for statsd alone"), "statsd_prefix"},
				{pyapp.ManualWith("set hosts to %s"), "server_name server_names"},
			}
		},
	},
	{
		name: "Daphne", binaries: []string{"daphne"}, kind: pyapp.ASGI,
		short:     map[byte]string{'b': "host", 'p': "port", 'u': "unix-socket", 'e': "endpoint", 't': "http-timeout", 'v': "verbosity"},
		valueless: "proxy-headers no-server-name help version",
		options: func(*server) pyapp.Table {
			return pyapp.Table{
				{pyapp.ManualWith("let the web server in front, or a listen block of the host's own file, have this endpoint: %s"), "endpoint"},
				{pyapp.Seconds("timeouts.request", ""), "http_timeout"},
				{pyapp.Drop("a WebSocket may stay open for ever"), "websocket_timeout"},
				{pyapp.Drop(webSockets), "websocket_connect_timeout ping_interval ping_timeout"},
				{pyapp.Drop(pyapp.Supervises), "application_close_timeout"},
				{pyapp.Drop(pyapp.KeepsLogs), "verbosity"},
				{pyapp.Drop(pyapp.LogsRequests), "log_fmt"},
				{pyapp.Drop(ownHeader), "server_name"},
				{pyapp.Drop("the app chooses the protocol"), "ws_protocol"},
				{pyapp.Drop(proxies), "proxy_headers_host proxy_headers_port"},
				{pyapp.Drop(pyapp.BoundsClients), "request_buffer_size"},
				{pyapp.Drop("the app's own pool of threads is Python's default"), "threads"},
			}
		},
	},
	{
		name: "Granian", binaries: []string{"granian"}, kind: "rsgi",
		valueless: "reload factory access-log access-logs log ws websockets respawn-failed-workers http1-pipeline-flush http1-keep-alive http2-adaptive-window metrics version help",
		options: func(s *server) pyapp.Table {
			return pyapp.Table{
				{granianThreads, "blocking_threads threads"},
				{pyapp.Drop("the host itself needs few threads"), "runtime_threads runtime_blocking_threads runtime_mode threading_mode"},
				{pyapp.Drop("asyncio's own tasks"), "task_impl"},
				{pyapp.Drop("the queue block says how many requests wait"), "backpressure"},
				{pyapp.Drop(webSockets), "websockets"},
				{pyapp.Drop(pyapp.KeepsLogs), "log"},
				{pyapp.Drop(pyapp.LogsRequests), "access_log_fmt access_log_format"},
				{pyapp.Drop(pyapp.BoundsClients), "http1_buffer_size"},
				{pyapp.Drop(pyapp.Supervises), "blocking_threads_idle_timeout respawn_failed_workers respawn_interval rss_sample_interval rss_samples"},
				{granianLifetime, "workers_lifetime"},
				{pyapp.Size("recycle.memory", 1<<20), "workers_max_rss"},
				{pyapp.Seconds("timeouts.stop", ""), "workers_kill_timeout"},
				{pyapp.Drop(pyapp.NamesProcesses), "process_name"},
				{pyapp.Drop(pidFile), "pid_file"},
				{s.staticRoute, "static_path_route"},
				{s.staticMount, "static_path_mount"},
				{pyapp.ManualWith("set cache of the alias: %s"), "static_path_expires"},
				{pyapp.Drop("index is the default of an alias"), "static_path_dir_to_file"},
				{pyapp.Drop("modgw-host metrics has them"), "metrics"},
				{pyapp.Drop(metricsBlock), "metrics_address metrics_port metrics_scrape_interval"},
				{watched, "reload_paths"},
				{pyapp.Drop(ignoredFiles), "reload_ignore_dirs reload_ignore_patterns reload_ignore_paths"},
				{pyapp.Drop(reloads), "reload_tick reload_ignore_worker_failure"},
			}
		},
	},
	{
		name: "Waitress", binaries: []string{"waitress-serve"}, kind: pyapp.WSGI,
		valueless: "call expose-tracebacks ipv4 ipv6 log-socket-errors log-untrusted-proxy-headers clear-untrusted-proxy-headers asyncore-use-poll help",
		options: func(s *server) pyapp.Table {
			return pyapp.Table{
				{pyapp.Drop("entry is a factory, with ()"), "call"},
				{s.app, "app"},
				{pyapp.Count("kind.threads", 1024), "threads"},
				{pyapp.Drop("the listen block of the host's own file has the mode of its socket"), "unix_socket_perms"},
				{proxyList, "trusted_proxy"},
				{pyapp.Drop(proxies), "trusted_proxy_headers trusted_proxy_count log_untrusted_proxy_headers clear_untrusted_proxy_headers"},
				{pyapp.ManualWith("the web server in front says the scheme: %s"), "url_scheme"},
				{pyapp.Drop(ownHeader), "ident"},
				{pyapp.Drop("the host keeps responses itself: see spool"), "outbuf_overflow outbuf_high_watermark"},
				{pyapp.Drop("the host keeps bodies itself: see spool"), "inbuf_overflow"},
				{pyapp.Drop("max_connections in the listen block of the host's own file"), "connection_limit"},
				{pyapp.Drop(pyapp.KeepsLogs), "log_socket_errors"},
				{pyapp.Size("limits.body", 1), "max_request_body_size"},
				{pyapp.Drop("modgw-host dev shows tracebacks"), "expose_tracebacks"},
				{pyapp.Drop("the name in the request counts"), "server_name"},
				{pyapp.Drop(pyapp.BoundsClients), "recv_bytes send_bytes cleanup_interval channel_timeout channel_request_lookahead " +
					"max_request_header_size asyncore_loop_timeout asyncore_use_poll ipv4 ipv6"},
			}
		},
	},
}
