package httpd

import (
	"cmp"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
)

// expressFlags are the options without a value.
var expressFlags = strings.Fields("disable-reloading reload-on-changes log-to-terminal startup-log access-log enable-sendfile " +
	"chunked-request verbose-debugging embedded-mode orphan-interpreter disable-csrf with-php5 " +
	"with-cgi with-newrelic https-only allow-localhost free-threading ssl-environment " +
	"compress-responses directory-listing error-override http2 rotate-logs setup-only isatty " +
	"server-metrics server-status enable-telemetry enable-docs debug-mode enable-debugger " +
	"enable-coverage enable-profiler enable-recorder enable-gdb")

// expressPairs are the options with two values.
var expressPairs = strings.Fields("setenv url-alias error-document service-script service-user service-group service-log-file " +
	"add-handler proxy-mount-point proxy-virtual-host")

// asDaemon lists the options that WSGIDaemonProcess has as well.
const asDaemon = "processes threads user group umask request-timeout startup-timeout shutdown-timeout " +
	"graceful-timeout eviction-timeout restart-interval cpu-time-limit inactivity-timeout " +
	"queue-timeout maximum-requests cpu-priority python-eggs lang locale switch-interval " +
	"deadlock-timeout interrupt-timeout connect-timeout response-socket-timeout send-buffer-size " +
	"receive-buffer-size header-buffer-size response-buffer-size server-metrics"

// ofTheFront is the reason for options of Apache's own, for which the web server in front has
// settings.
const ofTheFront = "it is a setting of the web server in front, or of the host's own listener"

// options returns the options that only mod_wsgi-express 4 to 6 has.
func (e *express) options() table {
	return table{
		{e.mount, "mount-point"},
		{number("queue.max", 0, 1<<20), "daemon-backlog"},
		{bytes("limits.body"), "limit-request-body"},
		{e.path, "python-path"},
		{variable("PYTHONWARNINGS"), "python-warnings"},
		{e.setenv, "setenv"},
		{e.passenv, "passenv"},
		{e.alias, "url-alias"},
		{byHand("its files win over the app: serve them by the web server in front, or name what has to be public in alias blocks"), "document-root"},
		{e.hosts, "server-name server-alias"},
		{e.listener, "host port -p"},
		{noReload, "disable-reloading"},
		{errorPage, "error-document"},
		{e.authorize("check_password"), "auth-user-script"},
		{e.authorize("groups_for_user"), "auth-group-script"},
		{e.authorize("allow_access"), "host-access-script"},
		{notNeeded("groups of the authorize block"), "auth-group"},
		{notNeeded("Basic is what an authorizer can do"), "auth-type"},
		{notNeeded("on: a change of the app's files reloads it"), "reload-on-changes"},
		{notNeeded("the host logs to standard error"), "log-to-terminal rotate-logs max-log-size rotatelogs-executable"},
		{notNeeded("modgw-host logs shows how an app has started"), "startup-log startup-log-name"},
		{notNeeded("access_log in the host's own file"), "access-log access-log-name access-log-format"},
		{notNeeded("the host sends files of wsgi.file_wrapper itself"), "enable-sendfile"},
		{notNeeded("always on"), "chunked-request"},
		{notNeeded("the app sees HEAD; the host sends no body of its answer"), "map-head-to-get"},
		{notNeeded("modgw-host logs shows what happens to an app"), "verbose-debugging"},
		{notNeeded("an app always has processes of its own"), "embedded-mode"},
		{notNeeded("each app has the main interpreter of its processes"), "orphan-interpreter application-group"},
		{notNeeded("it is a setting of the app"), "disable-csrf"},
		{byHand("write a fastcgi app for PHP: see the page about FastCGI programs"), "with-php5"},
		{byHand("write a cgi app for the scripts: see the page about CGI scripts"), "with-cgi"},
		{byHand("start the agent in the entry: newrelic.agent.initialize(FILE)"), "with-newrelic newrelic-config-file"},
		{byHand("modgw-host apache config --tls CERT,KEY --redirect-https"), "https-only"},
		{notNeeded(ofTheFront), "allow-localhost max-clients initial-workers minimum-spare-workers maximum-spare-workers " +
			"server-mpm server-backlog keep-alive-timeout header-timeout header-max-timeout header-min-rate " +
			"body-timeout body-max-timeout body-min-rate allow-override mime-types proxy-timeout"},
		{byHand("put what the file says into the configuration of the web server in front"), "include-file"},
		{byHand("put the rules into the configuration of the web server in front"), "rewrite-rules"},
		{byHand("run the service by a unit of systemd of its own"), "service-script"},
		{byHand("User= of the service's own unit"), "service-user"},
		{byHand("Group= of the service's own unit"), "service-group"},
		{byHand("the journal has what the service's own unit writes"), "service-log-file"},
		{byHand("let the app serve these files, or Apache by a descriptor that is executed (#!/usr/bin/env -S modgw-host fcgi)"), "add-handler"},
		{byHand("ProxyPass in the configuration of the web server in front"), "proxy-mount-point"},
		{byHand("a virtual host with ProxyPass in the configuration of the web server in front"), "proxy-virtual-host"},
		{byHand("trusted_proxies in the host's own file"), "trust-proxy trust-proxy-header"},
		{byHand("Header set Strict-Transport-Security in the configuration of the web server in front"), "hsts-policy"},
		{byHand("every request counts as activity: do not ask an app that may rest for its health"), "ignore-activity"},
		{byHand(`python { version = "3.14t" }`), "free-threading"},
		{byHand("index of an alias block"), "directory-index"},
		{byHand("modgw-host apache config --tls CERT,KEY"), "ssl-certificate ssl-certificate-file ssl-certificate-key-file"},
		{byHand("modgw-host apache config --tls CERT,KEY --port PORT"), "https-port"},
		{byHand("SSLCACertificateFile in the configuration of the web server in front"), "ssl-ca-certificate-file"},
		{byHand("SSLVerifyClient in the configuration of the web server in front"), "ssl-verify-client"},
		{byHand("the certificate's own file has the chain: modgw-host apache config --tls CERT,KEY"), "ssl-certificate-chain-file"},
		{notNeeded("the variables of TLS reach the app"), "ssl-environment"},
		{byHand("AddOutputFilterByType DEFLATE in the configuration of the web server in front"), "compress-responses"},
		{byHand("Options Indexes in the configuration of the web server in front"), "directory-listing"},
		{byHand("ProxyErrorOverride On in the configuration of the web server in front"), "error-override"},
		{notNeeded("h2 is in the configuration that modgw-host apache config --tls writes"), "http2"},
		{byHand("write the variables that the script sets into env, or into a file for env_file"), "envvars-script"},
		{notNeeded("the host has a state folder of its own"), "server-root"},
		{notNeeded("the host logs to standard error, and modgw-host logs shows what an app says"), "log-directory log-level"},
		{notNeeded("modgw-host logs shows what an app says"), "error-log-name error-log-format"},
		{notNeeded("the supervisor of the host knows its process"), "pid-file"},
		{notNeeded("Apache reaches the host by one socket, which the host's own file names"), "socket-prefix"},
		{notNeeded("the host has no Apache of its own"), "httpd-executable modules-directory shell-executable"},
		{notNeeded("the command line of a process always has app, generation and number"), "process-name"},
		{notNeeded("each app has processes of its own"), "process-group"},
		{notNeeded("the host needs no folder that is made before"), "setup-only"},
		{notNeeded("the host finds out by itself"), "isatty"},
		{notNeeded("the web server in front waits longer than the host"), "socket-timeout"},
		{notNeeded("modgw-host status shows the apps"), "server-status"},
		{notNeeded("modgw-host status --json has them"), "enable-telemetry telemetry-service telemetry-interval telemetry-ui-port"},
		{notNeeded("the access log of the host has {took} for each request"), "slow-requests"},
		{notNeeded("the manual of modgw-host takes its place"), "enable-docs"},
		{notNeeded("modgw-host dev is for a developer"), "debug-mode enable-debugger enable-coverage coverage-directory enable-profiler " +
			"profiler-directory enable-recorder recorder-directory enable-gdb gdb-executable"},
		{byHand("start the agent in the entry: newrelic.agent.initialize(FILE, ENVIRONMENT)"), "newrelic-environment"},
	}
}

func (e *express) mount(g given) {
	url := "/" + strings.Trim(g.value(), "/")
	if url != "/" {
		e.app.Set("mount", url)
	}
	g.note(migrate.Translated, "mount (%s)", url)
}

func (e *express) path(g given) {
	p := &python{}
	for _, list := range g.values {
		for entry := range strings.SplitSeq(list, ":") {
			if entry != "" {
				p.entry(e.absolute(entry))
			}
		}
	}
	if p.python2 != "" {
		e.app.Note("python", fmt.Sprintf("Python 2: %q. Port the app to Python 3, and name its environment in venv.", p.python2))
		g.note(migrate.ByHand, "%q is of Python 2, which the host does not run: port the app to Python 3", p.python2)
		return
	}
	if p.venv != "" {
		e.app.Set("python.venv", p.venv)
	}
	if list, ok := e.app.Value("python.path").([]any); ok {
		for _, entry := range list {
			p.path = append(p.path, fmt.Sprint(entry))
		}
	}
	if len(p.path) > 0 {
		e.app.Set("python.path", p.path)
	}
	g.note(migrate.Translated, "python { path, venv }")
}

func (e *express) setenv(g given) {
	for i := 0; i+1 < len(g.values); i += 2 {
		e.app.Env(g.values[i], g.values[i+1])
	}
	g.note(migrate.Translated, "env")
}

func (e *express) passenv(g given) {
	for _, variable := range g.values {
		e.app.Env(variable, loader.Expression(fmt.Sprintf("env(%q)", variable)))
	}
	g.note(migrate.Translated, "env, from the host's own environment")
}

func (e *express) alias(g given) {
	for i := 0; i+1 < len(g.values); i += 2 {
		argument := "dir"
		if filepath.Ext(g.values[i+1]) != "" {
			argument = "file"
		}
		e.app.Alias("/"+strings.Trim(g.values[i], "/"), argument, e.absolute(g.values[i+1]))
	}
	g.note(migrate.Translated, "alias blocks")
}

func (e *express) hosts(g given) {
	names := slices.DeleteFunc(slices.Concat(e.values["--server-name"], e.values["--server-alias"]), func(host string) bool {
		return host == "localhost" || !hostPattern.MatchString(host)
	})
	if len(names) > 0 {
		e.app.Set("hosts", names)
	}
	g.note(migrate.Translated, "hosts (%s)", strings.Join(names, ", "))
}

func (e *express) listener(g given) {
	host := cmp.Or(e.value("--host"), "0.0.0.0")
	port := cmp.Or(e.value("--port"), e.value("-p"), "8000")
	g.note(migrate.ByHand, "where clients, or a proxy in front, ask this address, add it to the host's own file: listen \"http\" { address = %q }", net.JoinHostPort(host, port))
}

func noReload(g given) {
	g.app.Set("reload.mode", "off")
	g.note(migrate.Translated, `reload { mode = "off" }`)
}

func errorPage(g given) {
	g.note(migrate.ByHand, "error_pages for errors of the host, with files below root: { %q = \"errors/page.html\" }", first(g.values))
}

func (e *express) authorize(setting string) rule {
	return func(g given) {
		g.note(migrate.ByHand, "authorize { %s = %q } in the descriptor, and mod_authnz_fcgi in Apache: see the page about authorizers", setting, e.absolute(g.value()))
	}
}
