package httpd

import (
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/loader/migrate"
)

// deepestInclude is the deepest nesting of files and macros, as in Apache.
const deepestInclude = 40

// mostLines is the largest number of lines of a configuration with all includes. Files that include
// each other twice would otherwise have no end.
const mostLines = 200_000

// walker goes through a configuration as Apache does when it starts.
type walker struct {
	plan   *migrate.Plan
	report *outcomes

	root    string            // folder that relative paths begin at
	defines map[string]string // by Define, and by the environment file
	macros  map[string]*macro
	loaded  map[string]bool // names of modules that a LoadModule line loads: "ssl_module"
	parsed  map[string][]*node

	facts  []*fact
	server *virtualHost // main server
	hosts  []*virtualHost
	depth  int
	count  int // lines so far
}

// context is where the walk is.
type context struct {
	host    *virtualHost
	in      []section
	idle    string // why directives are not in force; "": they are
	replace *strings.Replacer
}

func (c context) text(s string) string {
	if c.replace == nil {
		return s
	}
	return c.replace.Replace(s)
}

func newWalker(plan *migrate.Plan, source string) *walker {
	w := &walker{
		plan: plan, report: newOutcomes(plan), root: serverRoot(source), defines: map[string]string{},
		macros: map[string]*macro{}, loaded: map[string]bool{}, parsed: map[string][]*node{}, server: &virtualHost{},
	}
	w.hosts = []*virtualHost{w.server}
	return w
}

// serverRoot returns the folder of relative paths if there is no ServerRoot: the one of
// distributions, or that of the source.
func serverRoot(source string) string {
	for _, usual := range []string{"/etc/apache2", "/etc/httpd", "/usr/local/apache2"} {
		if at := strings.Index(source, usual+"/"); at >= 0 {
			return source[:at] + usual // also for a copy of the system
		}
	}
	if dir := filepath.Dir(source); filepath.Base(dir) == "conf" {
		return filepath.Dir(dir)
	}
	return filepath.Dir(source)
}

// absolute is a path as Apache reads it.
func (w *walker) absolute(path string) string {
	if path == "" || filepath.IsAbs(path) || migrate.HasVariables(path) && !strings.Contains(path, "/") {
		return path
	}
	if migrate.HasVariables(path) && []rune(path)[0] > 0x7f {
		return path // a variable that has the beginning of the path
	}
	return filepath.Join(w.root, path)
}

// file walks a file at one place.
func (w *walker) file(s migrate.Source, c context) *file {
	nodes, again := w.parsed[s.Path]
	if !again {
		var mistakes []*webconf.SyntaxError
		nodes, mistakes = webconf.ParseHTTPD(s.Path, s.Text)
		for _, m := range mistakes {
			w.plan.Problem(migrate.Place{File: m.File, Line: m.Line}, "%s", m.Text)
		}
		w.parsed[s.Path] = nodes
		w.report.file(s.Path, nodes)
	}
	return &file{path: s.Path, lines: w.lines(nodes, c)}
}

func (w *walker) lines(nodes []*node, c context) []*line {
	var all []*line
	for _, n := range nodes {
		w.count++
		l := &line{node: n, at: placeOf(n), text: c.text(n.Text), close: c.text(n.Closing)}
		all = append(all, l)
		if n.Name != "" && w.count <= mostLines {
			w.line(l, c)
		}
	}
	return all
}

// line takes one directive or section.
func (w *walker) line(l *line, c context) {
	n := l.node
	args := webconf.ExpandHTTPD(c.text(n.Args), w.defines)
	if n.Section {
		w.section(l, args, c)
		return
	}
	if c.idle != "" && !w.loadsHere(l, args) {
		l.drop = ofModWSGI(n)
		w.report.set(n, "", migrate.NotNeeded, "not in force: "+c.idle)
		return
	}
	switch n.Key() {
	case "define":
		w.define(webconf.SplitHTTPD(args))
	case "undefine":
		delete(w.defines, strings.TrimSpace(args))
	case "serverroot":
		w.root = first(webconf.SplitHTTPD(args))
	case "loadmodule":
		w.loaded[first(webconf.SplitHTTPD(args))] = true
	case "include", "includeoptional":
		w.include(l, args, c)
		return
	case "undefmacro":
		if m := w.macros[strings.ToLower(first(webconf.SplitHTTPD(args)))]; m != nil {
			m.ends = append(m.ends, l)
		}
	case "use":
		w.use(l, webconf.SplitHTTPD(args), c)
		return
	case "servername":
		if len(c.in) == 0 {
			c.host.name = hostName(first(webconf.SplitHTTPD(args)))
		}
	case "serveralias":
		for _, name := range webconf.SplitHTTPD(args) {
			c.host.aliases = append(c.host.aliases, hostName(name))
		}
	}
	w.facts = append(w.facts, &fact{line: l, words: webconf.SplitHTTPD(args), host: c.host, in: c.in})
}

// ofModWSGI reports whether a line is one that Apache cannot read without mod_wsgi or Passenger.
func ofModWSGI(n *node) bool {
	return strings.HasPrefix(n.Key(), "wsgi") || strings.HasPrefix(n.Key(), "passenger")
}

// loadsHere reports whether a line loads mod_wsgi although its section does not apply, because the
// module is assumed to be loaded: <IfModule !mod_wsgi.c>.
func (w *walker) loadsHere(l *line, args string) bool {
	return l.node.Key() == "loadmodule" && isWSGIModule(first(webconf.SplitHTTPD(args)))
}

func (w *walker) define(words []string) {
	if len(words) == 0 {
		return
	}
	w.defines[words[0]] = strings.Join(words[1:], " ")
}

// hostName is the name of a ServerName without scheme and port.
func hostName(text string) string {
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	if at := strings.LastIndexByte(text, ':'); at > 0 && !strings.HasSuffix(text, "]") {
		text = text[:at]
	}
	return strings.ToLower(text)
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}
