package httpd

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
)

// passengerSettings are the settings with an equivalent in descriptors. Each returns the value that
// it set, or "" for a value that it cannot read.
var passengerSettings = map[string]func(*app, *fact) string{
	"passengeruser":         func(a *app, f *fact) string { a.Set("user", f.arg(0)); return "user" },
	"passengergroup":        func(a *app, f *fact) string { a.Set("group", f.arg(0)); return "group" },
	"passengermaxpoolsize":  passengerNumber("wsgi.workers"),
	"passengermaxinstances": passengerNumber("wsgi.workers"),
	"passengermininstances": func(a *app, f *fact) string {
		if a.Value("wsgi.workers") != nil {
			return "wsgi { workers }"
		}
		return passengerNumber("wsgi.workers")(a, f)
	},
	"passengerthreadcount":         passengerNumber("wsgi.threads"),
	"passengermaxrequests":         passengerNumber("recycle.requests"),
	"passengermaxrequesttime":      passengerSeconds("timeouts.request"),
	"passengerstarttimeout":        passengerSeconds("timeouts.startup"),
	"passengerpoolidletime":        passengerSeconds("idle.stop_after"),
	"passengermaxrequestqueuesize": passengerNumber("queue.max"),
	"passengermemorylimit": func(a *app, f *fact) string {
		n, err := strconv.Atoi(f.arg(0))
		if err != nil || n < 0 {
			return ""
		}
		a.Set("recycle.memory", loader.Bytes(n)<<20)
		return "recycle { memory }"
	},
	"passengerpython": func(*app, *fact) string { return "python { venv }" },
	"passengerenvvar": func(a *app, f *fact) string { a.Env(f.arg(0), f.arg(1)); return "env " + f.arg(0) },
}

// passengerReasons explain why directives of Passenger are not needed.
var passengerReasons = map[string]string{
	"passengerenabled":             "an app is served where its descriptor is",
	"passengerroot":                "Passenger is not loaded into Apache",
	"passengerruby":                "the app is a Python app",
	"passengerdefaultruby":         "the app is a Python app",
	"passengerapptype":             "the descriptor has a wsgi block",
	"passengerstartupfile":         "it is the entry",
	"passengerbaseuri":             "it is the mount",
	"passengerrestartdir":          "a change of the app's files reloads it",
	"passengerfriendlyerrorpages":  "modgw-host dev shows tracebacks; in production an error page has the id of an incident",
	"passengerpreloaderidletime":   "modules of the environment are loaded once and shared",
	"passengerspawnmethod":         "modules of the environment are loaded once and shared",
	"passengerhighperformance":     "it is a mode of Passenger's own",
	"passengerallowencodedslashes": "an encoded slash reaches the app as it was sent",
}

// passengerOutcomes writes the settings of Passenger's directives that count for an app.
func (c *configuration) passengerOutcomes(a *app) {
	m := a.first()
	c.passengerFiles(a)
	for _, f := range c.facts {
		if f.node.Section || !strings.HasPrefix(f.key(), "passenger") || f.host != m.host && !f.host.main() {
			continue
		}
		if set, ok := passengerSettings[f.key()]; ok {
			if setting := set(a, f); setting != "" {
				c.report.set(f.node, "", migrate.Translated, "%s of app %q", setting, a.Name)
				continue
			}
			c.report.set(f.node, "", migrate.ByHand, "%q cannot be read: set it in the descriptor", f.arg(0))
			continue
		}
		reason, known := passengerReasons[f.key()]
		switch {
		case f.key() == "passengerappenv":
			for _, name := range []string{"WSGI_ENV", "PASSENGER_APP_ENV"} {
				a.Env(name, f.arg(0))
			}
			c.report.set(f.node, "", migrate.Translated, "env WSGI_ENV and PASSENGER_APP_ENV of app %q", a.Name)
		case f.key() == "passengerapproot":
			c.report.set(f.node, "", migrate.Translated, "root of app %q", a.Name)
		case known:
			c.report.set(f.node, "", migrate.NotNeeded, "%s", reason)
		default:
			c.report.set(f.node, "", migrate.ByHand, "nothing here does the same: see the settings of an app (modgw-host explain app)")
		}
	}
}

func passengerNumber(setting string) func(*app, *fact) string {
	return passengerValue(setting, 1<<20, func(n int) any { return n })
}

func passengerSeconds(setting string) func(*app, *fact) string {
	return passengerValue(setting, 1<<30, func(n int) any { return time.Duration(n) * time.Second })
}

func passengerValue(setting string, most int, value func(int) any) func(*app, *fact) string {
	return func(a *app, f *fact) string {
		n, err := strconv.Atoi(f.arg(0))
		if err != nil || n < 0 || n > most {
			return ""
		}
		a.Set(setting, value(n))
		return fmt.Sprintf("%s (%s)", settingName(setting), f.arg(0))
	}
}

// passengerFiles lets the host serve the files in the folder public of an app, which Passenger
// serves before it asks the app.
func (c *configuration) passengerFiles(a *app) {
	if !a.first().passenger {
		return
	}
	public := filepath.Join(a.root, "public")
	for _, s := range c.served {
		if s.fact.host == a.first().host && isAlias(s.fact) && "/"+strings.Trim(s.url, "/") == a.url {
			s.fact.drop = true // it is for Passenger, and would keep all requests from the app
			public = strings.TrimSuffix(s.target, "/")
			c.report.replace(s.fact.node, migrate.Translated, "mount %q of app %q; the files of the folder have alias blocks", a.url, a.Name)
		}
	}
	names := c.plan.Files.List(public)
	for _, name := range names[:min(len(names), mostFiles)] {
		if path := filepath.Join(public, name); !strings.HasPrefix(name, ".") {
			argument := "file"
			if c.plan.Files.IsDir(path) {
				argument = "dir"
			}
			a.Alias("/"+name, argument, a.relative(path))
		}
	}
	a.Note("alias", "Passenger served what is in public before it asked the app: add an alias for each new folder there.")
}

// mostFiles is the number of files of a folder that get alias blocks of their own.
const mostFiles = 40
