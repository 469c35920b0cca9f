package gunicorn

import (
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
	"github.com/modgw/modgw/loader/migrate/pysource"
)

// server is what one server was told.
type server struct {
	*pyapp.App
	plan *migrate.Plan
	env  map[string]string // variables that it sees

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
	setting string // name in the table
	report  bool   // whether it gets an entry
}

// early are the settings that others depend on.
var early = map[string]bool{"config": true, "chdir": true, "worker_class": true, "threads": true, "app_dir": true, "interface": true, "workers": true, "working_dir": true, "port": true}

// apply follows settings by their rules, those that others depend on first. A later one counts.
func (s *server) apply(table map[string]rule, all []given, unknown string) {
	for _, first := range []bool{true, false} {
		for _, g := range all {
			if early[g.setting] != first {
				continue
			}
			out := pyapp.ByHand("%s", unknown)
			if rule, ok := table[g.setting]; ok {
				out = rule(s, g.Option)
			}
			if g.report {
				out.Report(s.plan, g.Place, g.Name)
			}
		}
	}
}

// write adds the app to the plan, with what the server does where nothing is said.
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
	if s.Get("kind.workers") == nil {
		s.Set("kind.workers", 1)
	}
	if s.Kind == pyapp.WSGI {
		s.limitThreads()
	} else if s.connections > 0 && s.Get("kind.concurrency") == nil {
		s.Set("kind.concurrency", s.connections)
	}
	s.App.Write(s.plan)
}

// limitThreads sets how many requests a worker has at once.
func (s *server) limitThreads() {
	switch {
	case s.greenlets && s.connections > 0:
		s.Set("kind.threads", min(s.connections, 1024))
	case s.greenlets:
		s.Set("kind.threads", 1000)
	case s.Get("kind.threads") == nil:
		s.Set("kind.threads", 1)
	}
}

// options makes settings of the options of a command line.
func options(c migrate.Command, program string, flags []pyapp.Flag) (all []given) {
	for _, f := range flags {
		var value any
		if f.Given {
			value = f.Value
		}
		all = append(all, given{
			Option:  pyapp.Option{Place: c.Place, Name: program + " " + f.Shown, Value: value},
			setting: strings.ReplaceAll(f.Name, "-", "_"), report: true,
		})
	}
	return all
}
