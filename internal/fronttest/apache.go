package fronttest

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// apacheModules are loaded if they are installed.
var apacheModules = []string{
	"mpm_event", "authn_core", "authz_core", "authz_host", "authz_user", "authn_file", "auth_basic", "alias", "dir", "env",
	"setenvif", "headers", "mime", "rewrite", "actions", "proxy", "proxy_fcgi", "proxy_http", "proxy_uwsgi",
	"proxy_scgi", "slotmem_shm", "proxy_balancer", "lbmethod_byrequests", "http2", "deflate", "filter", "unixd", "ssl", "remoteip", "ratelimit",
}

// StartApache starts Apache with conf in the main server's configuration, after the modules, the
// port and the logs, which go to [Server.Log].
func StartApache(t testing.TB, conf string) *Server {
	t.Helper()
	httpd := Require(t, "apache2", "apache2")
	dir := Dir(t)
	port := FreePort(t)
	return start(t, dir, port, syscall.SIGUSR1, httpd, "-f", apacheFile(t, dir, port, conf), "-DFOREGROUND")
}

// CheckApache has Apache check conf, in the configuration of StartApache, and returns its output.
func CheckApache(t testing.TB, conf string) string {
	t.Helper()
	dir := Dir(t)
	return output(t, Require(t, "apache2", "apache2"), "-t", "-f", apacheFile(t, dir, FreePort(t), conf))
}

// apacheFile writes a configuration with conf in the main server, and returns its path.
func apacheFile(t testing.TB, dir string, port int, conf string) string {
	t.Helper()
	text := loadModules() + lines(
		"ServerRoot "+dir,
		"DefaultRuntimeDir "+dir,
		"PidFile "+filepath.Join(dir, "pid"),
		"Mutex pthread default",
		fmt.Sprintf("Listen 127.0.0.1:%d", port),
		"ServerName localhost",
		"ErrorLog /dev/stderr",
		"LogLevel warn",
		"DocumentRoot "+filepath.Join(dir, "docs"),
		"StartServers 1", "ServerLimit 2", "ThreadsPerChild 25", "MaxRequestWorkers 50",
		"MinSpareThreads 5", "MaxSpareThreads 50",
		"TypesConfig /dev/null",
		"KeepAliveTimeout 1", "GracefulShutdownTimeout 1",
	)
	if os.Getuid() == 0 {
		text += lines("User www-data", "Group www-data")
	}
	if err := os.Mkdir(filepath.Join(dir, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "httpd.conf")
	write(t, file, text+conf)
	return file
}

func loadModules() string {
	var text string
	for _, module := range apacheModules {
		path := "/usr/lib/apache2/modules/mod_" + module + ".so"
		if _, err := os.Stat(path); err == nil {
			text += fmt.Sprintf("LoadModule %s_module %s\n", module, path)
		}
	}
	return text
}
