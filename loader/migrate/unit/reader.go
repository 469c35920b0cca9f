package unit

import (
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// Reader reads configurations of NGINX Unit and FreeUnit.
type Reader struct{}

// Name is what the reader reads.
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
	top := parse(s, p)
	if top == nil {
		return
	}
	r := &reading{plan: p, source: s, top: top, outcomes: map[*node]pyapp.Outcome{}, apps: map[string]*pyapp.App{}}
	if inner := top.get("config"); inner != nil && inner.object {
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
	top      *node
	outcomes map[*node]pyapp.Outcome
	apps     map[string]*pyapp.App // apps by the part of pass behind "applications/"
	order    []string              // their names, as the configuration has them
	wholes   map[string]*place     // places where they are served
	prefixes map[string]string     // mounts that apps know
	statics  int
}

func (r *reading) set(n *node, o pyapp.Outcome) {
	if n != nil {
		if _, done := r.outcomes[n]; !done {
			r.outcomes[n] = o
		}
	}
}

// setAll gives a node and all that is in it the same outcome.
func (r *reading) setAll(n *node, o pyapp.Outcome) {
	if n == nil {
		return
	}
	r.set(n, o)
	for _, inner := range n.inner {
		r.setAll(inner, o)
	}
}

func (r *reading) at(n *node) migrate.Place { return r.source.Place(n.line) }

// report adds an entry for each key.
func (r *reading) report(n *node, path string) {
	for _, inner := range n.inner {
		name := path
		if inner.key != "" {
			name = strings.TrimPrefix(path+"/"+inner.key, "/")
			out, done := r.outcomes[inner]
			switch {
			case done:
			case inner.object || inner.list && len(inner.inner) > 0 && (inner.inner[0].object || inner.inner[0].list):
				out = pyapp.Translated("what is in it follows")
			default:
				out = pyapp.ByHand("no option of Unit that is known: see what it is for")
			}
			out.Report(r.plan, r.at(inner), name)
		}
		r.report(inner, name)
	}
}

// settings reads what is neither of an app nor of its way in.
func (r *reading) settings() {
	r.setAll(r.top.get("upstreams"), pyapp.ByHand("let the web server in front balance between the servers: upstream and proxy_pass of nginx"))
	if log := r.top.get("access_log"); log != nil {
		r.setAll(log, pyapp.ByHand("add to the host's own file: access_log { file = %q }", accessFile(log)))
	}
	r.setAll(r.top.get("certificates"), pyapp.ByHand("write the certificates into files, for the web server in front or a listen block with tls"))
	r.setAll(r.top.get("js_modules"), pyapp.ByHand("the host runs no JavaScript in its routes: write the rule into the web server in front"))
	http := r.top.get("settings").get("http")
	if http == nil {
		r.setAll(r.top.get("settings"), pyapp.ByHand("see the listen block of the host's own file"))
		return
	}
	for _, n := range http.inner {
		switch n.key {
		case "max_body_size":
			var out pyapp.Outcome
			for _, a := range r.apps {
				out = pyapp.Size("limits.body", 1)(a, pyapp.Option{Value: n.text()})
			}
			if len(r.apps) > 0 {
				r.set(n, out)
			}
		case "header_read_timeout", "body_read_timeout", "send_timeout", "idle_timeout":
			name := map[string]string{"header_read_timeout": "header", "body_read_timeout": "body", "send_timeout": "write", "idle_timeout": "idle"}[n.key]
			r.set(n, pyapp.ByHand("set timeouts { %s = \"%ss\" } in the http listener of the host's own file, where clients connect to it", name, n.text()))
		case "static":
			r.setAll(n, pyapp.ByHand("set types of the alias blocks"))
		case "server_version", "discard_unsafe_fields", "log_route", "websocket", "chunked_transform":
			r.setAll(n, pyapp.NotNeeded("the host does what is safe itself"))
		}
	}
}

func accessFile(log *node) string {
	if path := log.get("path"); path != nil {
		return path.text()
	}
	return log.text()
}
