package gunicorn

import (
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// Reasons that several settings share.
const (
	foreground = "modgw-host runs under systemd, in the foreground"
	reloads    = "the host reloads an app when its files change, and proves the new workers first"
	proxies    = "trusted_proxies of the host's own file says whose headers are believed"
	hooks      = "a hook in the process of Gunicorn: do it in the app, or by a unit of systemd"
	pidFile    = "systemd, and the control socket, know the host's process"
)

// Tasks that Gunicorn and other servers share.
const (
	loadLoggers = "the host writes the logs: load this configuration of loggers in the app: %s"
	sendFigures = "send the figures of modgw-host metrics to your monitoring, instead of to %s"
)

// settings returns the table of gunicorn.conf.py; options of a command line have dashes for
// underscores.
func (s *server) settings() pyapp.Table {
	return pyapp.Table{
		// the app and its surroundings
		{s.app, "wsgi_app"},
		{pyapp.Chdir, "chdir"},
		{pyapp.ModulePath, "pythonpath"},
		{rawEnv, "raw_env"},
		{pyapp.Variable, "env"},
		{s.workerClass, "worker_class"},
		{s.paste, "paste paster"},
		{pyapp.ManualWith("name a module that makes the app as entry: %s"), "raw_paste_global_conf paste_global"},
		{s.confFile, "config"},
		{pyapp.ManualWith("run it as a program of its own: %s"), "dirty_apps dirty_workers"},
		{pyapp.Drop("the host chooses the loop of asgi apps"), "asgi_loop"},
		{lifespan, "asgi_lifespan"},
		{mount, "root_path"},
		{s.isFactory, "factory"},

		// processes: how many, as whom, and for how long
		{pyapp.Count("kind.workers", 1024), "workers"},
		{pyapp.Count("kind.threads", 1024), "threads"},
		{s.setConnections, "worker_connections"},
		{timeout, "timeout"},
		{pyapp.Seconds("timeouts.drain", ""), "graceful_timeout"},
		{pyapp.Count("recycle.requests", 2147483647), "max_requests"},
		{pyapp.Drop(jitter), "max_requests_jitter"},
		{pyapp.Account("user"), "user"},
		{pyapp.Account("group"), "group"},
		{umask, "umask"},
		{pyapp.Drop("the groups of the user are kept, unless groups says others"), "initgroups"},
		{pyapp.Drop(foreground), "daemon"},
		{pyapp.Drop(pidFile), "pidfile pid"},
		{pyapp.Drop("the host needs no files to see whether workers are alive"), "worker_tmp_dir"},
		{pyapp.Drop("the host keeps bodies in its state folder"), "tmp_upload_dir"},
		{pyapp.Drop("modgw-host has a control socket of its own"), "control_socket no_control_socket"},
		{pyapp.Drop(pyapp.NamesProcesses), "proc_name name default_proc_name"},
		{pyapp.Manual(hooks), "on_starting on_reload when_ready pre_fork post_fork post_worker_init worker_int worker_abort " +
			"pre_exec pre_request post_request child_exit worker_exit nworkers_changed on_exit"},

		// sockets, certificates, clients and proxies
		{bind, "bind"},
		{pyapp.Drop("the host gives each request to a free worker itself"), "reuse_port"},
		{pyapp.ManualWith(certificate), "certfile keyfile ca_certs cert_reqs ciphers ssl_version do_handshake_on_connect " +
			"suppress_ragged_eofs ssl_context"},
		{pyapp.Drop(pyapp.BoundsClients), "keepalive keep_alive limit_request_line limit_request_fields limit_request_field_size " +
			"permit_unconventional_http_method permit_unconventional_http_version casefold_http_method http_protocols"},
		{pyapp.Drop("the host sends files itself"), "sendfile no_sendfile"},
		{pyapp.Drop("the host refuses such headers"), "strip_header_spaces permit_obsolete_folding"},
		{pyapp.Drop("headers with an underscore are dropped"), "header_map"},
		{pyapp.Drop(proxies), "forwarder_headers secure_scheme_headers uwsgi_allow_ips"},
		{proxyList, "forwarded_allow_ips proxy_allow_ips"},
		{pyapp.ManualWith("set proxy_protocol in the listen block of the host's own file: %s"), "proxy_protocol"},
		{pyapp.Drop(pyapp.Connects), "protocol"},

		// logs and figures
		{pyapp.Drop("the host queues requests itself: see queue"), "backlog"},
		{logLevel, "loglevel log_level"},
		{pyapp.Drop(pyapp.KeepsLogs), "logfile errorlog error_logfile log_file capture_output enable_stdio_inheritance syslog " +
			"log_syslog syslog_addr log_syslog_to syslog_prefix log_syslog_prefix syslog_facility log_syslog_facility"},
		{pyapp.ManualWith("the host writes the logs: configure the loggers in the app instead of by %s"), "logger_class"},
		{pyapp.ManualWith(loadLoggers), "logconfig log_config logconfig_json log_config_json"},
		{pyapp.ManualWith("the host writes the logs: configure the loggers in the app: %s"), "logconfig_dict"},
		{pyapp.Drop(pyapp.LogsRequests), "accesslog access_logfile access_log_format access_logformat " +
			"disable_redirect_access_to_syslog"},
		{pyapp.ManualWith(sendFigures), "statsd_host"},
		{pyapp.Drop("it is for statsd alone"), "statsd_prefix dogstatsd_tags"},
		{pyapp.Drop("modgw-host status shows how many requests wait"), "enable_backlog_metric"},

		// changes of files, and commands for Gunicorn itself
		{pyapp.Drop("workers are forked from a process that has the modules of the environment loaded; the app's own code is " +
			"loaded by each"), "preload_app"},
		{pyapp.Drop(reloads), "reload reload_engine"},
		{watched, "reload_extra_files reload_extra_file"},
		{pyapp.Drop("it prints each line that is executed"), "spew"},
		{pyapp.Drop("modgw-host check does"), "check_config print_config"},
	}
}

// valueless are options of the command line without a value.
var valueless = strings.Fields("reload preload preload-app daemon spew check-config " +
	"print-config no-sendfile reuse-port initgroups capture-output log-syslog enable-stdio-inheritance " +
	"proxy-protocol strip-header-spaces permit-unconventional-http-method " +
	"permit-unconventional-http-version permit-obsolete-folding casefold-http-method " +
	"disable-redirect-access-to-syslog do-handshake-on-connect suppress-ragged-eofs " +
	"no-control-socket enable-backlog-metric factory")

func isValueless(name string) bool { return slices.Contains(valueless, name) }

// short are the options of one letter.
var short = map[byte]string{
	'b': "bind", 'w': "workers", 'k': "worker-class", 't': "timeout", 'c': "config",
	'D': "daemon", 'p': "pid", 'u': "user", 'g': "group", 'm': "umask", 'e': "env",
	'n': "name", 'R': "enable-stdio-inheritance",
}
