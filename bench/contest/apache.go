package contest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	httpdProgram = "/usr/sbin/apache2"
	httpdModules = "/usr/lib/apache2/modules"
)

// httpd holds the settings of Apache for one contestant, in addition to those that all share.
type httpd struct {
	Lines     string
	Processes int // number of Apache's child processes; 0: two
}

// commonModules are loaded for all contestants, so that they run behind the same Apache.
var commonModules = []string{
	"mpm_event", "authn_core", "authz_core", "alias", "dir", "env", "setenvif", "headers", "mime", "rewrite",
	"proxy", "proxy_fcgi", "proxy_http", "proxy_uwsgi",
}

// requestsAtOnce is the number of connections that Apache handles at once.
const requestsAtOnce = 300

// write writes the configuration and returns the command.
func (h httpd) write(p Place) ([]string, error) {
	processes := h.Processes
	if processes == 0 {
		processes = 2
	}
	threads := requestsAtOnce / processes
	var text strings.Builder
	for _, module := range commonModules {
		fmt.Fprintf(&text, "LoadModule %s_module %s/mod_%s.so\n", module, httpdModules, module)
	}
	fmt.Fprintf(&text, `
ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/httpd.pid
Mutex pthread default
Listen %[2]s
ListenBacklog 4096
ServerName localhost
ErrorLog %[1]s/error.log
LogLevel error
DocumentRoot %[1]s
TypesConfig /dev/null
StartServers %[3]d
ServerLimit %[3]d
ThreadsPerChild %[4]d
ThreadLimit %[4]d
MaxRequestWorkers %[5]d
MinSpareThreads 1
MaxSpareThreads %[5]d
AsyncRequestWorkerFactor 10
MaxKeepAliveRequests 0
KeepAliveTimeout 60
TimeOut 120
`, p.Dir, p.address(), processes, threads, processes*threads)
	if os.Getuid() == 0 {
		text.WriteString("User www-data\nGroup www-data\n")
	}
	text.WriteString(h.Lines)
	file := filepath.Join(p.Dir, "httpd.conf")
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		return nil, err
	}
	return []string{httpdProgram, "-f", file, "-DFOREGROUND"}, nil
}

// proxyHTTP returns the settings by which Apache passes all requests on over HTTP to a Unix socket.
func proxyHTTP(socket string) httpd {
	return httpd{Lines: fmt.Sprintf("ProxyPass / \"unix:%s|http://app/\" enablereuse=on\n", socket)}
}
