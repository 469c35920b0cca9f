package httpd

import (
	"maps"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
)

// debian are the variables that Debian's envvars sets, for configurations that come without it.
var debian = map[string]string{
	"APACHE_CONFDIR": "/etc/apache2", "APACHE_RUN_USER": "www-data", "APACHE_RUN_GROUP": "www-data",
	"APACHE_PID_FILE": "/var/run/apache2/apache2.pid", "APACHE_RUN_DIR": "/var/run/apache2",
	"APACHE_LOCK_DIR": "/var/lock/apache2", "APACHE_LOG_DIR": "/var/log/apache2",
}

var exported = lazyregexp.New(`^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$`)

// environment reads the variables that Apache's start script sets: the file envvars next to the
// configuration, or above it. The file is not executed; only lines that assign a plain value are
// used.
func (w *walker) environment(s migrate.Source) {
	if strings.Contains(s.Text, "${APACHE_") || strings.HasSuffix(w.root, "/etc/apache2") {
		maps.Copy(w.defines, debian)
	}
	for _, dir := range []string{filepath.Dir(s.Path), filepath.Dir(filepath.Dir(s.Path))} {
		text, err := w.plan.Files.Read(filepath.Join(dir, "envvars"))
		if err != nil {
			continue
		}
		for _, line := range text.Lines() {
			if m := exported.FindStringSubmatch(line); m != nil && !strings.ContainsAny(m[2], "`(") {
				value := strings.ReplaceAll(unquote(strings.TrimSpace(m[2])), "$SUFFIX", "")
				if !strings.Contains(value, "$") {
					w.defines[m[1]] = value
				}
			}
		}
		return
	}
}
