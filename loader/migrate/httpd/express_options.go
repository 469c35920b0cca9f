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

// expressOptions are those of mod_wsgi-express 4 to 6.
var expressOptions = map[string]expressOption{
	"--processes":          expressNumber("wsgi.workers"),
	"--threads":            expressNumber("wsgi.threads"),
	"--user":               expressText("user"),
	"--group":              expressText("group"),
	"--umask":              expressText("umask"),
	"--mount-point":        {write: (*express).mount},
	"--request-timeout":    expressSeconds("timeouts.request"),
	"--startup-timeout":    expressSeconds("timeouts.startup"),
	"--shutdown-timeout":   expressSeconds("timeouts.stop"),
	"--graceful-timeout":   expressSeconds("timeouts.drain"),
	"--eviction-timeout":   expressSeconds("timeouts.drain"),
	"--restart-interval":   expressSeconds("recycle.age"),
	"--cpu-time-limit":     expressSeconds("recycle.cpu"),
	"--inactivity-timeout": expressSeconds("idle.stop_after"),
	"--queue-timeout":      expressSeconds("queue.timeout"),
	"--maximum-requests":   expressNumber("recycle.requests"),
	"--daemon-backlog":     expressNumber("queue.max"),
	"--cpu-priority":       expressNumber("nice"),
	"--limit-request-body": {write: (*express).body},
	"--python-path":        {write: (*express).path},
	"--python-eggs":        expressVariable("PYTHON_EGG_CACHE"),
	"--python-warnings":    expressVariable("PYTHONWARNINGS"),
	"--lang":               expressVariable("LANG"),
	"--locale":             expressVariable("LC_ALL"),
	"--setenv":             {values: 2, write: (*express).setenv},
	"--passenv":            {write: (*express).passenv},
	"--url-alias":          {values: 2, write: (*express).alias},
	"--document-root":      expressByHand("its files win over the app: serve them by the web server in front, or name what has to be public in alias blocks"),
	"--server-name":        {write: (*express).hosts},
	"--server-alias":       {write: (*express).hosts},
	"--host":               {write: (*express).listener},
	"--port":               {write: (*express).listener},
	"-p":                   {write: (*express).listener},
	"--disable-reloading":  {flag: true, write: (*express).noReload},
	"--error-document":     {values: 2, write: (*express).errorPage},
	"--auth-user-script":   {write: (*express).authorize},
	"--auth-group-script":  {write: (*express).authorize},
	"--host-access-script": {write: (*express).authorize},
	"--auth-group":         dropped("groups of the authorize block"),
	"--auth-type":          dropped("Basic is what an authorizer can do"),

	"--reload-on-changes":          droppedFlag("on: a change of the app's files reloads it"),
	"--log-to-terminal":            droppedFlag("the host logs to standard error"),
	"--startup-log":                droppedFlag("modgw-host logs shows how an app has started"),
	"--access-log":                 droppedFlag("access_log in the host's own file"),
	"--enable-sendfile":            droppedFlag("the host sends files of wsgi.file_wrapper itself"),
	"--chunked-request":            droppedFlag("always on"),
	"--map-head-to-get":            dropped("the app sees HEAD; the host sends no body of its answer"),
	"--verbose-debugging":          droppedFlag("modgw-host logs shows what happens to an app"),
	"--embedded-mode":              droppedFlag("an app always has processes of its own"),
	"--orphan-interpreter":         droppedFlag("each app has the main interpreter of its processes"),
	"--disable-csrf":               droppedFlag("it is a setting of the app"),
	"--with-php5":                  {flag: true, became: migrate.ByHand, reason: "write a fastcgi app for PHP: see the page about FastCGI programs"},
	"--with-cgi":                   {flag: true, became: migrate.ByHand, reason: "write a cgi app for the scripts: see the page about CGI scripts"},
	"--with-newrelic":              {flag: true, became: migrate.ByHand, reason: "start the agent in the entry: newrelic.agent.initialize(FILE)"},
	"--https-only":                 {flag: true, became: migrate.ByHand, reason: "modgw-host apache config --tls CERT,KEY --redirect-https"},
	"--allow-localhost":            droppedFlag(ofTheFront),
	"--include-file":               expressByHand("put what the file says into the configuration of the web server in front"),
	"--rewrite-rules":              expressByHand("put the rules into the configuration of the web server in front"),
	"--service-script":             {values: 2, became: migrate.ByHand, reason: "run the service by a unit of systemd of its own"},
	"--service-user":               {values: 2, became: migrate.ByHand, reason: "User= of the service's own unit"},
	"--service-group":              {values: 2, became: migrate.ByHand, reason: "Group= of the service's own unit"},
	"--service-log-file":           {values: 2, became: migrate.ByHand, reason: "the journal has what the service's own unit writes"},
	"--add-handler":                {values: 2, became: migrate.ByHand, reason: "let the app serve these files, or Apache by a descriptor that is executed (#!/usr/bin/env -S modgw-host fcgi)"},
	"--proxy-mount-point":          {values: 2, became: migrate.ByHand, reason: "ProxyPass in the configuration of the web server in front"},
	"--proxy-virtual-host":         {values: 2, became: migrate.ByHand, reason: "a virtual host with ProxyPass in the configuration of the web server in front"},
	"--trust-proxy":                expressByHand("trusted_proxies in the host's own file"),
	"--trust-proxy-header":         expressByHand("trusted_proxies in the host's own file"),
	"--hsts-policy":                expressByHand("Header set Strict-Transport-Security in the configuration of the web server in front"),
	"--ignore-activity":            expressByHand("every request counts as activity: do not ask an app that may rest for its health"),
	"--switch-interval":            expressByHand("call sys.setswitchinterval in the app where it matters"),
	"--free-threading":             {flag: true, became: migrate.ByHand, reason: `python { version = "3.14t" }`},
	"--directory-index":            expressByHand("index of an alias block"),
	"--ssl-certificate":            expressByHand("modgw-host apache config --tls CERT,KEY"),
	"--ssl-certificate-file":       expressByHand("modgw-host apache config --tls CERT,KEY"),
	"--ssl-certificate-key-file":   expressByHand("modgw-host apache config --tls CERT,KEY"),
	"--https-port":                 expressByHand("modgw-host apache config --tls CERT,KEY --port PORT"),
	"--ssl-ca-certificate-file":    expressByHand("SSLCACertificateFile in the configuration of the web server in front"),
	"--ssl-verify-client":          expressByHand("SSLVerifyClient in the configuration of the web server in front"),
	"--ssl-certificate-chain-file": expressByHand("the certificate's own file has the chain: modgw-host apache config --tls CERT,KEY"),
	"--ssl-environment":            droppedFlag("the variables of TLS reach the app"),
	"--compress-responses":         {flag: true, became: migrate.ByHand, reason: "AddOutputFilterByType DEFLATE in the configuration of the web server in front"},
	"--directory-listing":          {flag: true, became: migrate.ByHand, reason: "Options Indexes in the configuration of the web server in front"},
	"--error-override":             {flag: true, became: migrate.ByHand, reason: "ProxyErrorOverride On in the configuration of the web server in front"},
	"--http2":                      droppedFlag("h2 is in the configuration that modgw-host apache config --tls writes"),

	"--max-clients":             dropped(ofTheFront),
	"--initial-workers":         dropped(ofTheFront),
	"--minimum-spare-workers":   dropped(ofTheFront),
	"--maximum-spare-workers":   dropped(ofTheFront),
	"--server-mpm":              dropped(ofTheFront),
	"--server-backlog":          dropped(ofTheFront),
	"--keep-alive-timeout":      dropped(ofTheFront),
	"--header-timeout":          dropped(ofTheFront),
	"--header-max-timeout":      dropped(ofTheFront),
	"--header-min-rate":         dropped(ofTheFront),
	"--body-timeout":            dropped(ofTheFront),
	"--body-max-timeout":        dropped(ofTheFront),
	"--body-min-rate":           dropped(ofTheFront),
	"--allow-override":          dropped(ofTheFront),
	"--mime-types":              dropped(ofTheFront),
	"--envvars-script":          expressByHand("write the variables that the script sets into env, or into a file for env_file"),
	"--server-root":             dropped("the host has a state folder of its own"),
	"--log-directory":           dropped("the host logs to standard error, and modgw-host logs shows what an app says"),
	"--log-level":               dropped("the host logs to standard error, and modgw-host logs shows what an app says"),
	"--access-log-name":         dropped("access_log in the host's own file"),
	"--access-log-format":       dropped("access_log in the host's own file"),
	"--error-log-name":          dropped("modgw-host logs shows what an app says"),
	"--error-log-format":        dropped("modgw-host logs shows what an app says"),
	"--startup-log-name":        dropped("modgw-host logs shows how an app has started"),
	"--rotate-logs":             droppedFlag("the host logs to standard error"),
	"--max-log-size":            dropped("the host logs to standard error"),
	"--rotatelogs-executable":   dropped("the host logs to standard error"),
	"--pid-file":                dropped("the supervisor of the host knows its process"),
	"--socket-prefix":           dropped("Apache reaches the host by one socket, which the host's own file names"),
	"--httpd-executable":        dropped("the host has no Apache of its own"),
	"--modules-directory":       dropped("the host has no Apache of its own"),
	"--shell-executable":        dropped("the host has no Apache of its own"),
	"--process-name":            dropped("the command line of a process always has app, generation and number"),
	"--process-group":           dropped("each app has processes of its own"),
	"--application-group":       dropped("each app has the main interpreter of its processes"),
	"--setup-only":              droppedFlag("the host needs no folder that is made before"),
	"--isatty":                  droppedFlag("the host finds out by itself"),
	"--deadlock-timeout":        dropped("timeouts.request ends a request that hangs, and its process is replaced"),
	"--interrupt-timeout":       dropped("a request beyond timeouts.request is answered 504, and its process is replaced"),
	"--connect-timeout":         dropped("a request waits in the queue of the host"),
	"--socket-timeout":          dropped("the web server in front waits longer than the host"),
	"--proxy-timeout":           dropped(ofTheFront),
	"--response-socket-timeout": dropped("spool keeps responses for slow clients"),
	"--send-buffer-size":        dropped("the buffers of the sockets are the system's"),
	"--receive-buffer-size":     dropped("the buffers of the sockets are the system's"),
	"--header-buffer-size":      dropped("headers are not limited by a buffer"),
	"--response-buffer-size":    dropped("spool keeps responses for slow clients"),
	"--server-metrics":          droppedFlag("modgw-host status --json has them"),
	"--server-status":           droppedFlag("modgw-host status shows the apps"),
	"--enable-telemetry":        droppedFlag("modgw-host status --json has them"),
	"--telemetry-service":       dropped("modgw-host status --json has them"),
	"--telemetry-interval":      dropped("modgw-host status --json has them"),
	"--telemetry-ui-port":       dropped("modgw-host status --json has them"),
	"--slow-requests":           dropped("the access log of the host has {took} for each request"),
	"--enable-docs":             droppedFlag("the manual of modgw-host takes its place"),
	"--debug-mode":              droppedFlag("modgw-host dev is for a developer"),
	"--enable-debugger":         droppedFlag("modgw-host dev is for a developer"),
	"--enable-coverage":         droppedFlag("modgw-host dev is for a developer"),
	"--coverage-directory":      dropped("modgw-host dev is for a developer"),
	"--enable-profiler":         droppedFlag("modgw-host dev is for a developer"),
	"--profiler-directory":      dropped("modgw-host dev is for a developer"),
	"--enable-recorder":         droppedFlag("modgw-host dev is for a developer"),
	"--recorder-directory":      dropped("modgw-host dev is for a developer"),
	"--enable-gdb":              droppedFlag("modgw-host dev is for a developer"),
	"--gdb-executable":          dropped("modgw-host dev is for a developer"),
	"--newrelic-config-file":    expressByHand("start the agent in the entry: newrelic.agent.initialize(FILE)"),
	"--newrelic-environment":    expressByHand("start the agent in the entry: newrelic.agent.initialize(FILE, ENVIRONMENT)"),
}

func (e *express) mount(name string) {
	url := "/" + strings.Trim(e.value(name), "/")
	if url != "/" {
		e.app.Set("mount", url)
	}
	e.report(name, migrate.Translated, "mount (%s)", url)
}

func (e *express) body(name string) {
	n, ok := wholeNumber(e.value(name))
	if !ok {
		e.report(name, migrate.ByHand, "%q is no number of bytes: set limits { body } yourself", e.value(name))
		return
	}
	e.app.Set("limits.body", loader.Bytes(n))
	e.report(name, migrate.Translated, "limits { body } (%d)", n)
}

func (e *express) path(name string) {
	p := &python{}
	for _, list := range e.values[name] {
		for entry := range strings.SplitSeq(list, ":") {
			if entry != "" {
				p.entry(e.absolute(entry))
			}
		}
	}
	if p.python2 != "" {
		e.app.Note("python", fmt.Sprintf("Python 2: %q. Port the app to Python 3, and name its environment in venv.", p.python2))
		e.report(name, migrate.ByHand, "%q is of Python 2, which the host does not run: port the app to Python 3", p.python2)
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
	e.report(name, migrate.Translated, "python { path, venv }")
}

func (e *express) setenv(name string) {
	all := e.values[name]
	for i := 0; i+1 < len(all); i += 2 {
		e.app.Env(all[i], all[i+1])
	}
	e.report(name, migrate.Translated, "env")
}

func (e *express) passenv(name string) {
	for _, variable := range e.values[name] {
		e.app.Env(variable, loader.Expression(fmt.Sprintf("env(%q)", variable)))
	}
	e.report(name, migrate.Translated, "env, from the host's own environment")
}

func (e *express) alias(name string) {
	all := e.values[name]
	for i := 0; i+1 < len(all); i += 2 {
		argument := "dir"
		if filepath.Ext(all[i+1]) != "" {
			argument = "file"
		}
		e.app.Alias("/"+strings.Trim(all[i], "/"), argument, e.absolute(all[i+1]))
	}
	e.report(name, migrate.Translated, "alias blocks")
}

func (e *express) hosts(name string) {
	names := slices.DeleteFunc(slices.Concat(e.values["--server-name"], e.values["--server-alias"]), func(host string) bool {
		return host == "localhost" || !hostPattern.MatchString(host)
	})
	if len(names) > 0 {
		e.app.Set("hosts", names)
	}
	e.report(name, migrate.Translated, "hosts (%s)", strings.Join(names, ", "))
}

func (e *express) listener(name string) {
	host := cmp.Or(e.value("--host"), "0.0.0.0")
	port := cmp.Or(e.value("--port"), e.value("-p"), "8000")
	e.report(name, migrate.ByHand, "where clients, or a proxy in front, ask this address, add it to the host's own file: listen \"http\" { address = %q }", net.JoinHostPort(host, port))
}

func (e *express) noReload(name string) {
	e.app.Set("reload.mode", "off")
	e.report(name, migrate.Translated, `reload { mode = "off" }`)
}

func (e *express) errorPage(name string) {
	e.report(name, migrate.ByHand, "error_pages for errors of the host, with files below root: { %q = \"errors/page.html\" }", first(e.values[name]))
}

func (e *express) authorize(name string) {
	setting := map[string]string{
		"--auth-user-script": "check_password", "--auth-group-script": "groups_for_user", "--host-access-script": "allow_access",
	}[name]
	e.report(name, migrate.ByHand, "authorize { %s = %q } in the descriptor, and mod_authnz_fcgi in Apache: see the page about authorizers", setting, e.absolute(e.value(name)))
}
