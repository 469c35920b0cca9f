package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// server is a way to serve an app with a reloader.
type server struct {
	name    string
	only    string // the app that it can serve; "": all
	command func(dir string, a app, address string) ([]string, error)
	// does what the server requires of a user after saving; nil: no action is required
	after func(dir string, a app) error
}

func (s server) runs(a app) bool { return s.only == "" || s.only == a.name }

const modWSGI = "/usr/lib/apache2/modules/mod_wsgi.so"

// servers returns all servers, modgw-host first.
func (b *bench) servers() []server {
	all := []server{
		{name: "modgw-host", command: b.modgw},
		{name: "gunicorn --reload", command: func(_ string, a app, address string) ([]string, error) {
			return []string{b.python, "-m", "gunicorn", "--reload", "-b", address, a.entry}, nil
		}},
		{name: "uvicorn --reload", command: func(_ string, a app, address string) ([]string, error) {
			return []string{b.python, "-m", "uvicorn", "--reload", "--interface", "wsgi", "--port", portOf(address), a.entry}, nil
		}},
		{name: "runserver", only: "django", command: func(_ string, _ app, address string) ([]string, error) {
			return []string{b.python, "manage.py", "runserver", "--skip-checks", address}, nil
		}},
	}
	if _, err := os.Stat(modWSGI); err == nil {
		all = append(all, server{name: "mod_wsgi, touch", command: b.modWSGI, after: func(dir string, _ app) error {
			return os.WriteFile(filepath.Join(dir, "entry.wsgi"), []byte(entryScript(dir)), 0o644)
		}})
	}
	return all
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

func (b *bench) modgw(dir string, a app, address string) ([]string, error) {
	descriptor := fmt.Sprintf(`
app %q {
  wsgi {
    entry   = %q
    workers = 1
  }
  python { venv = %q }
  env = { DJANGO_SETTINGS_MODULE = "site_settings" }
}
`, a.name, a.entry, filepath.Join(b.dir, "venv"))
	file := filepath.Join(dir, "modgw.hcl")
	if err := os.WriteFile(file, []byte(descriptor), 0o644); err != nil {
		return nil, err
	}
	return []string{b.host, "serve", file, "--listen", "http=" + address, "--state", filepath.Join(b.dir, "state")}, nil
}

// entryScript loads the module that entry.txt names; touching the script makes mod_wsgi start its
// process again.
func entryScript(dir string) string {
	return fmt.Sprintf(`import sys, importlib
sys.path.insert(0, %q)
module, _, name = open(%q).read().partition(":")
application = getattr(importlib.import_module(module), name)
`, dir, filepath.Join(dir, "entry.txt"))
}

func (b *bench) modWSGI(dir string, a app, address string) ([]string, error) {
	conf := fmt.Sprintf(`
ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/pid
Listen %[2]s
ServerName localhost
ErrorLog %[1]s/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule wsgi_module %[3]s
User www-data
Group www-data
WSGISocketPrefix %[1]s/wsgi
WSGIDaemonProcess app processes=1 threads=5 python-home=%[4]s
WSGIScriptAlias / %[1]s/entry.wsgi process-group=app application-group=%%{GLOBAL}
<Directory %[1]s>
  Require all granted
</Directory>
`, dir, address, modWSGI, filepath.Join(b.dir, "venv"))
	for name, text := range map[string]string{"httpd.conf": conf, "entry.txt": a.entry, "entry.wsgi": entryScript(dir)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return []string{"/usr/sbin/apache2", "-f", filepath.Join(dir, "httpd.conf"), "-DFOREGROUND"}, nil
}
