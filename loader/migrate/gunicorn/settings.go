package gunicorn

import (
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// rule follows a setting of Gunicorn.
type rule func(s *server, o pyapp.Option) pyapp.Outcome

func of(shared pyapp.Rule) rule {
	return func(s *server, o pyapp.Option) pyapp.Outcome { return shared(s.App, o) }
}

func drop(reason string) rule { return of(pyapp.Drop(reason)) }

// manualWith has the value for %s in the task.
func manualWith(task string) rule {
	return func(_ *server, o pyapp.Option) pyapp.Outcome { return pyapp.ByHand(task, migrate.Quote(o.Text())) }
}

// Reasons that several settings share.
const (
	supervises = "the host always supervises the processes of its apps"
	foreground = "modgw-host runs under systemd, in the foreground"
	logs       = "the host keeps the logs of its apps: modgw-host logs shows them"
	accessLogs = "requests are logged by the access_log block of the host's own file"
	clients    = "timeouts and limits of clients belong to the listen block of the host's own file"
	reloads    = "the host reloads an app when its files change, and proves the new workers first"
	proxies    = "trusted_proxies of the host's own file says whose headers are believed"
	names      = "the host names the processes of its apps"
	hooks      = "a hook in the process of Gunicorn: do it in the app, or by a unit of systemd"
)

// table has settings of Gunicorn by what they become.
type table []struct {
	rule  rule
	names string // names with spaces between them
}

// settings are those of gunicorn.conf.py; options of a command line have dashes for underscores.
var settings = slices.Concat(appSettings, processSettings, listenerSettings, logSettings,
	reloadSettings).byName()

// byName returns the rules of the settings by their names.
func (t table) byName() map[string]rule {
	rules := map[string]rule{}
	for _, s := range t {
		for name := range strings.FieldsSeq(s.names) {
			rules[name] = s.rule
		}
	}
	return rules
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
