package apache

import (
	"cmp"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// privateModules are loaded if they exist; modules that a configuration needs must exist.
var privateModules = []string{"unixd", "log_config", "authz_core", "mime", "dir", "reqtimeout", "setenvif", "socache_shmcb"}

// privateConfig is the whole configuration of an Apache of our own: few threads, no file but those
// of aliases, no trace of the distribution's configuration.
func privateConfig(p *Program, c RunConfig) ([]byte, error) {
	up, err := upstreamOf(c.Listeners, c.TrustedProxies)
	if err != nil {
		return nil, err
	}
	w := &writer{}
	w.comment("Rewritten by modgw-host at every start and change.")
	w.directive("ServerRoot", c.Dir)
	w.directive("DefaultRuntimeDir", c.Dir)
	w.directive("PidFile", filepath.Join(c.Dir, pidFile))
	w.directive("Mutex", "pthread")
	if err := w.modules(p, needs(up, c.Apps, c.Options)); err != nil {
		return nil, err
	}
	w.directive("Listen", net.JoinHostPort(c.Address, strconv.Itoa(c.Port)))
	w.directive("ServerName", c.ServerName)
	w.account()
	w.sizes()
	w.logs(c)
	w.directive("DocumentRoot", filepath.Join(c.Dir, emptyFolder))
	w.section("Directory", []string{"/"}, "AllowOverride None", "Options None", "Require all denied")
	w.section("Directory", []string{filepath.Join(c.Dir, emptyFolder)}, "Require all granted")
	w.section("IfModule", []string{"mod_mime.c"}, "TypesConfig "+MIMETypes())
	w.section("IfModule", []string{"mod_reqtimeout.c"}, "RequestReadTimeout header=20-40,MinRate=500 body=20,MinRate=500")
	if c.TLS != nil && p.has("socache_shmcb") {
		w.directive("SSLSessionCache", "shmcb:"+filepath.Join(c.Dir, "tls-sessions")+"(512000)")
	}
	if w.err != nil {
		return nil, w.err
	}
	sites, err := Config(c.Apps, c.Listeners, c.Options)
	if err != nil {
		return nil, err
	}
	w.line("")
	return append(w.buffer.Bytes(), sites...), nil
}

func (w *writer) modules(p *Program, needed []string) error {
	mpm := p.MPM()
	if mpm == "" {
		return missingModule(p, "mpm_event")
	}
	optional := append([]string{mpm}, privateModules...)
	for _, m := range optional {
		w.module(p, m)
	}
	for _, m := range needed {
		if !p.has(m) {
			return missingModule(p, m)
		}
		if m != "authz_core" {
			w.module(p, m)
		}
	}
	return nil
}

func (w *writer) module(p *Program, name string) {
	if file := p.ModuleFile(name); file != "" {
		w.directive("LoadModule", name+"_module", file)
	}
}

func (w *writer) section(name string, args []string, lines ...string) {
	w.open(name, args...)
	for _, l := range lines {
		w.line(l)
	}
	w.close(name)
}

// account names the user that answers requests when Apache is started by root.
func (w *writer) account() {
	if os.Geteuid() != 0 {
		return
	}
	user, group := Account()
	w.directive("User", user)
	w.directive("Group", group)
}

func (w *writer) sizes() {
	for _, l := range []string{"StartServers 1", "ServerLimit 4", "ThreadsPerChild 25", "MaxRequestWorkers 100",
		"MinSpareThreads 5", "MaxSpareThreads 75"} {
		w.line(l)
	}
	for _, l := range []string{"Timeout 60", "KeepAliveTimeout 2", "GracefulShutdownTimeout 10", "ServerTokens Prod", "TraceEnable Off"} {
		w.line(l)
	}
}

func (w *writer) logs(c RunConfig) {
	w.directive("ErrorLog", "/dev/stderr")
	w.directive("ErrorLogFormat", "[%m:%l] %M")
	w.directive("LogLevel", "warn")
	if c.AccessLog != "" {
		w.directive("CustomLog", c.AccessLog, `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`)
	}
}

// MIMETypes is a file with the types of suffixes; "/dev/null" where there is none.
func MIMETypes() string {
	for _, path := range []string{"/etc/mime.types", "/etc/httpd/conf/mime.types", "/usr/local/apache2/conf/mime.types"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return os.DevNull
}

// Account is the user and the group that Apache answers requests as on this system, when root
// starts it: those that distributions give it, the first that exist here.
func Account() (name, group string) {
	for _, name := range []string{"www-data", "apache", "httpd", "www", "_www", "daemon", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		if g, err := user.LookupGroupId(u.Gid); err == nil {
			return name, g.Name
		}
	}
	return "nobody", "nogroup"
}

// currentUser is the name of the user that this process runs as; "" when it has none.
func currentUser() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// withDefaults fills in settings that are zero.
func (c RunConfig) withDefaults() RunConfig {
	c.Address = cmp.Or(c.Address, "127.0.0.1")
	c.Port = cmp.Or(c.Port, 8080)
	c.ServerName = cmp.Or(c.ServerName, "localhost")
	return c
}
