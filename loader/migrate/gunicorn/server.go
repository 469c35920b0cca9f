package gunicorn

import (
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
	"github.com/modgw/modgw/loader/migrate/pysource"
)

// server has the settings of one server.
type server struct {
	*pyapp.App
	plan *migrate.Plan
	env  map[string]string // variables that it sees

	rules   map[string]pyapp.Rule // rules of its settings
	unknown string                // task for a setting that has none

	factory     bool
	greenlets   bool
	connections int // requests at once in a worker; 0: not said

	conf       *pysource.Module // file of settings; nil: none
	confReason string           // why there is none

	host, port string // address, where a server has them apart

	staticURL, staticDir string // folder of static files, until both are known
}

// given is a setting with the place and the words of its entry.
type given struct {
	pyapp.Option
	setting string     // name in the table
	rule    pyapp.Rule // nil: the one in the table
	report  bool       // whether it gets an entry
}

// early are the settings that others depend on.
var early = map[string]bool{"config": true, "chdir": true, "worker_class": true, "threads": true, "app_dir": true, "interface": true, "workers": true, "working_dir": true, "port": true}

// newServer returns a Gunicorn without settings.
func newServer(a *pyapp.App, p *migrate.Plan) *server {
	s := &server{App: a, plan: p, unknown: "no option of Gunicorn that is known: see what it is for"}
	s.rules = s.settings().ByName()
	return s
}

// apply follows settings by their rules, those that others depend on first. A later one counts.
func (s *server) apply(all []given) {
	for _, first := range []bool{true, false} {
		for _, g := range all {
			if early[g.setting] != first {
				continue
			}
			rule := g.rule
			if rule == nil {
				rule = s.rules[g.setting]
			}
			if rule == nil {
				rule = pyapp.Manual(s.unknown)
			}
			if out := rule(s.App, g.Option); g.report {
				out.Report(s.plan, g.Place, g.Name)
			}
		}
	}
}

// write adds the app to the plan, with the server's own defaults.
func (s *server) write() {
	if s.staticDir != "" {
		s.Alias("/static", "dir", s.staticDir)
	}
	switch s.Kind {
	case "":
		s.Kind = pyapp.WSGI
	case "rsgi":
		s.plan.Problem(s.Place, "cannot run an app of Granian's own interface, RSGI: it must be an asgi or a wsgi app")
		s.Kind = pyapp.ASGI
	}
	s.Entry = s.entry()
	s.SetDefault("kind.workers", 1)
	switch {
	case s.Kind != pyapp.WSGI && s.connections > 0:
		s.SetDefault("kind.concurrency", s.connections)
	case s.Kind != pyapp.WSGI:
	case s.greenlets && s.connections > 0:
		s.Set("kind.threads", min(s.connections, 1024))
	case s.greenlets:
		s.Set("kind.threads", 1000)
	default:
		s.SetDefault("kind.threads", 1)
	}
	s.App.Write(s.plan)
}

// options makes settings of the options of a command line.
func options(c migrate.Command, program string, flags []pyapp.Flag) (all []given) {
	for _, f := range flags {
		o := pyapp.Option{Place: c.Place, Name: program + " " + f.Shown}
		if f.Given {
			o.Value = f.Value
		}
		all = append(all, given{Option: o, setting: strings.ReplaceAll(f.Name, "-", "_"), report: true})
	}
	return all
}

// arguments makes settings of the words of a command line that are no options: the app, and more.
func arguments(c migrate.Command, program string, words []string) (all []given) {
	for i, word := range words {
		g := given{Option: pyapp.Option{Place: c.Place, Name: program + " " + word, Value: word}, setting: "wsgi_app", report: true}
		if i > 0 {
			g.setting = "more than one app"
		}
		all = append(all, g)
	}
	return all
}
