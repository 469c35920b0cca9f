package unit

import (
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// Reader reads configurations of NGINX Unit and FreeUnit.
type Reader struct{}

// Name returns the name of the format.
func (Reader) Name() string { return "configuration of NGINX Unit" }

var sections = lazyregexp.New(`"(listeners|applications|routes|upstreams)"\s*:`)

// Recognise looks for the sections of a configuration.
func (Reader) Recognise(s migrate.Source) int {
	text := strings.TrimSpace(s.Text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "/") {
		return 0
	}
	return min(90, 45*len(sections.FindAllString(text, 3)))
}

// syntaxes of templates. "${uri}" and similar are Unit's own.
var syntaxes = []migrate.Syntax{migrate.Braces, migrate.ERB, migrate.At, migrate.Percents, migrate.Dunder}

// Read reads a configuration.
func (Reader) Read(s migrate.Source, p *migrate.Plan) {
	s, ok := p.Template(s, syntaxes)
	if !ok {
		return
	}
	top := p.ParseJSON(s, withoutComments(s.Text)) // Unit takes comments
	if top == nil {
		return
	}
	r := &reading{plan: p, source: s, top: top, outcomes: map[*migrate.JSON]pyapp.Outcome{}, apps: map[string]*pyapp.App{}}
	if inner := top.Get("config"); inner != nil && inner.Kind == migrate.Object {
		r.top = inner
	}
	r.applications()
	r.listeners()
	r.settings()
	r.write()
	r.report(top, "")
}

// reading is the reading of one configuration.
type reading struct {
	plan     *migrate.Plan
	source   migrate.Source
	top      *migrate.JSON
	outcomes map[*migrate.JSON]pyapp.Outcome
	apps     map[string]*pyapp.App // apps by the part of pass behind "applications/"
	order    []string              // their names, as the configuration has them
	wholes   map[string]*place     // places where they are served
	prefixes map[string]string     // mounts that apps know
	statics  int
}

func (r *reading) set(n *migrate.JSON, o pyapp.Outcome) {
	if n != nil {
		if _, done := r.outcomes[n]; !done {
			r.outcomes[n] = o
		}
	}
}

// setAll gives a node and all its members the same outcome.
func (r *reading) setAll(n *migrate.JSON, o pyapp.Outcome) {
	if n == nil {
		return
	}
	r.set(n, o)
	for _, inner := range n.Inner {
		r.setAll(inner, o)
	}
}

func (r *reading) at(n *migrate.JSON) migrate.Place { return r.source.Place(n.Line) }

// report adds an entry for each key.
func (r *reading) report(n *migrate.JSON, path string) {
	for _, inner := range n.Inner {
		name := path
		if inner.Key != "" {
			name = strings.TrimPrefix(path+"/"+inner.Key, "/")
			out, done := r.outcomes[inner]
			switch {
			case done:
			case inner.Kind == migrate.Object || inner.Kind == migrate.List && len(inner.Inner) > 0 && inner.Inner[0].Kind != migrate.Scalar:
				out = pyapp.Translated("what is in it follows")
			default:
				out = pyapp.ByHand("no option of Unit that is known: see what it is for")
			}
			out.Report(r.plan, r.at(inner), name)
		}
		r.report(inner, name)
	}
}

// settings reads the settings that concern neither apps nor the way to them.
func (r *reading) settings() {
	r.setAll(r.top.Get("upstreams"), pyapp.ByHand("let the web server in front balance between the servers: upstream and proxy_pass of nginx"))
	if log := r.top.Get("access_log"); log != nil {
		r.setAll(log, pyapp.ByHand("add to the host's own file: access_log { file = %q }", accessFile(log)))
	}
	r.setAll(r.top.Get("certificates"), pyapp.ByHand("write the certificates into files, for the web server in front or a listen block with tls"))
	r.setAll(r.top.Get("js_modules"), pyapp.ByHand("the host runs no JavaScript in its routes: write the rule into the web server in front"))
	http := r.top.Get("settings").Get("http")
	if http == nil {
		r.setAll(r.top.Get("settings"), pyapp.ByHand("see the listen block of the host's own file"))
		return
	}
	for _, n := range http.Inner {
		switch n.Key {
		case "max_body_size":
			var out pyapp.Outcome
			for _, a := range r.apps {
				out = pyapp.Size("limits.body", 1)(a, pyapp.Option{Value: n.Text()})
			}
			if len(r.apps) > 0 {
				r.set(n, out)
			}
		case "header_read_timeout", "body_read_timeout", "send_timeout", "idle_timeout":
			name := map[string]string{"header_read_timeout": "header", "body_read_timeout": "body", "send_timeout": "write", "idle_timeout": "idle"}[n.Key]
			r.set(n, pyapp.ByHand("set timeouts { %s = \"%ss\" } in the http listener of the host's own file, where clients connect to it", name, n.Text()))
		case "static":
			r.setAll(n, pyapp.ByHand("set types of the alias blocks"))
		case "server_version", "discard_unsafe_fields", "log_route", "websocket", "chunked_transform":
			r.setAll(n, pyapp.NotNeeded("the host does what is safe itself"))
		}
	}
}

func accessFile(log *migrate.JSON) string {
	if path := log.Get("path"); path != nil {
		return path.Text()
	}
	return log.Text()
}
