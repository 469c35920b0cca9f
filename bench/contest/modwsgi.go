package contest

import (
	"fmt"
	"os"
	"path/filepath"
)

// modWSGIDaemon runs the app in separate processes, next to Apache's own.
var modWSGIDaemon = Contestant{
	Name: "mod_wsgi daemon", serves: both(behindApache, wsgiOnly), missing: needModWSGI,
	launch: func(k *Kit, s Setting, p Place) (Launch, error) {
		return launchModWSGI(k, s, p, httpd{Lines: fmt.Sprintf(`
WSGISocketPrefix %[1]s/wsgi
WSGIDaemonProcess bench processes=%[2]d threads=%[3]d display-name=%%{GROUP} python-home=%[4]s python-path=%[1]s listen-backlog=4096
WSGIScriptAlias / %[1]s/bench.wsgi process-group=bench application-group=%%{GLOBAL}
`, p.Dir, s.Workers, s.Threads, k.venv)})
	},
}

// modWSGIEmbedded runs the app in Apache's processes, and so with Apache's threads.
var modWSGIEmbedded = Contestant{
	Name: "mod_wsgi embedded", serves: both(behindApache, moreThreads), missing: needModWSGI,
	launch: func(k *Kit, s Setting, p Place) (Launch, error) {
		return launchModWSGI(k, s, p, httpd{Processes: s.Workers, Lines: fmt.Sprintf(`
WSGIPythonHome %[2]s
WSGIPythonPath %[1]s
WSGIScriptAlias / %[1]s/bench.wsgi application-group=%%{GLOBAL}
`, p.Dir, k.venv)})
	},
}

func needModWSGI(k *Kit) string { return k.need(k.modWSGI(), "libapache2-mod-wsgi-py3") }

// modWSGI returns the newest module, which the package builds, or Debian's.
func (k *Kit) modWSGI() string {
	return k.newest("lib/python3*/site-packages/mod_wsgi/server/mod_wsgi-*.so", httpdModules+"/mod_wsgi.so")
}

func launchModWSGI(k *Kit, s Setting, p Place, h httpd) (Launch, error) {
	h.Lines = fmt.Sprintf("LoadModule wsgi_module %s\n", k.modWSGI()) + h.Lines
	h.Lines += fmt.Sprintf("WSGIPassAuthorization On\n<Directory %s>\n  Require all granted\n</Directory>\n", p.Dir)
	return Launch{Apache: h}, os.WriteFile(filepath.Join(p.Dir, "bench.wsgi"), []byte(importing(s.Site)), 0o644)
}
