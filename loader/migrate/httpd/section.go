package httpd

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/loader/migrate"
)

// scoped are the sections that a request must be in for their directives to count.
var scoped = []string{
	"directory", "directorymatch", "location", "locationmatch", "files", "filesmatch", "if", "elseif", "else",
	"limit", "limitexcept", "proxy", "proxymatch",
}

// section takes a section and its content.
func (w *walker) section(l *line, args string, c context) {
	n := l.node
	words := webconf.SplitHTTPD(args)
	kind := n.Key()
	switch {
	case strings.HasPrefix(kind, "if") && kind != "if":
		if c.idle == "" {
			c.idle = w.condition(kind, args)
		}
		w.conditionOutcome(l, kind, args, c)
	case kind == "macro":
		w.defineMacro(l, words)
		return
	case c.idle != "":
		w.report.set(n, "", migrate.NotNeeded, "not in force: "+c.idle)
	case kind == "virtualhost":
		host := &virtualHost{line: l, address: words}
		w.hosts = append(w.hosts, host)
		c.host, c.in = host, nil
		w.stays(n)
	case slices.Contains(scoped, kind):
		in := section{kind: kind, line: l}
		in.name, in.regex = sectionName(kind, words)
		if strings.HasPrefix(kind, "directory") && !in.regex {
			in.name = w.absolute(in.name)
		}
		c.in = append(slices.Clone(c.in), in)
		w.facts = append(w.facts, &fact{line: l, words: words, host: c.host, in: c.in})
		w.stays(n)
	default:
		w.stays(n)
	}
	l.children = w.lines(n.Children, c)
}

// conditionOutcome notes the outcome of a section with a condition at Apache's start. A condition
// on mod_wsgi is removed, because the new configuration does not load it.
func (w *walker) conditionOutcome(l *line, kind, args string, c context) {
	name, negated := strings.CutPrefix(strings.TrimSpace(args), "!")
	switch {
	case kind == "ifmodule" && isReplacedModule(name) && !negated:
		l.unwrap = true
		w.report.set(l.node, "", migrate.NotNeeded, "its content stands without it: the new configuration does not load the module")
	case kind == "ifmodule" && isReplacedModule(name):
		l.drop = true
		w.report.set(l.node, "", migrate.NotNeeded, "the new configuration does not load the module")
	case c.idle != "":
		w.report.set(l.node, "", migrate.NotNeeded, "not in force: "+c.idle)
	default:
		w.stays(l.node)
	}
}

// isReplacedModule reports whether the new configuration does without a module.
func isReplacedModule(name string) bool {
	return isWSGIModule(name) || slices.Contains([]string{"passenger_module", "mod_passenger.c"}, strings.ToLower(name))
}

func isWSGIModule(name string) bool {
	return slices.Contains([]string{"wsgi_module", "mod_wsgi.c", "mod_wsgi"}, strings.ToLower(name))
}

// stays notes a line that the new configuration has as well.
func (w *walker) stays(n *node) {
	w.report.set(n, "", migrate.Translated, "stays in Apache's configuration as it is")
}

// sectionName returns the argument of a section, and whether it is a regular expression.
func sectionName(kind string, words []string) (name string, regex bool) {
	regex = strings.HasSuffix(kind, "match")
	if len(words) > 1 && words[0] == "~" {
		regex, words = true, words[1:]
	}
	return strings.Join(words, " "), regex
}

// condition is why the content of a section is not in force; "" when it is.
func (w *walker) condition(kind, args string) string {
	args = strings.TrimSpace(args)
	name, negated := strings.CutPrefix(args, "!")
	name = strings.TrimSpace(name)
	holds := true
	switch kind {
	case "ifdefine":
		_, holds = w.defines[name]
	case "ifmodule":
		holds = w.hasModule(name)
	case "ifversion":
		if migrate.HasVariables(args) || webconf.VersionHolds("2.4.62", webconf.SplitHTTPD(args)) {
			return ""
		}
		return fmt.Sprintf("<IfVersion %s> does not hold for Apache 2.4", args)
	case "iffile":
		holds = w.plan.Files.Exists(w.absolute(unquote(name)))
	case "ifdirective", "ifsection":
		holds = true // those that are asked for are of versions of today
	}
	if holds == !negated {
		return ""
	}
	return fmt.Sprintf("<%s %s> does not hold", conditionNames[kind], args)
}

var conditionNames = map[string]string{
	"ifdefine": "IfDefine", "ifmodule": "IfModule", "ifversion": "IfVersion", "iffile": "IfFile",
	"ifdirective": "IfDirective", "ifsection": "IfSection",
}

// hasModule reports whether a module is loaded. One that cannot be known, because the lines that
// load modules are not in the source, is taken as loaded.
func (w *walker) hasModule(name string) bool {
	name = strings.ToLower(unquote(name))
	switch name {
	case "mod_access.c", "mod_authz_default.c", "mod_authz_default", "authz_default_module", "mod_mmap_static.c",
		"mod_python.c", "python_module", "mpm_winnt.c", "mpm_winnt_module", "mpm_netware_module":
		return false // of Apache 2.2 and older, or of another system
	}
	module := name
	if stem, ok := strings.CutSuffix(strings.TrimPrefix(name, "mod_"), ".c"); ok {
		module = stem + "_module"
	}
	for _, mpm := range []string{"prefork", "worker", "event", "itk"} {
		if strings.Contains(module, mpm) && !w.loaded[module] && !w.loaded["mpm_"+module] {
			return false
		}
	}
	return true
}

func unquote(text string) string {
	if words := webconf.SplitHTTPD(text); len(words) == 1 {
		return words[0]
	}
	return text
}

// include walks the files that a line names.
func (w *walker) include(l *line, args string, c context) {
	pattern := unquote(args)
	optional := l.node.Key() == "includeoptional"
	path := w.absolute(pattern)
	var paths []string
	switch {
	case migrate.HasVariables(path):
		w.report.set(l.node, "", migrate.ByHand, "the name of the file has a part that a template fills in: migrate what it includes by itself")
		return
	case strings.ContainsAny(path, "*?["):
		paths = w.plan.Files.Glob(path)
	case w.plan.Files.IsDir(path):
		paths = w.tree(path, 0)
	default:
		paths = []string{path}
	}
	if w.depth >= deepestInclude {
		w.plan.Problem(l.at, "cannot include %q: files include each other more than %d times", pattern, deepestInclude)
		w.report.set(l.node, "", migrate.ByHand, "files include each other without end")
		return
	}
	read := 0
	for _, p := range paths {
		if w.plan.Files.IsDir(p) {
			continue
		}
		s, err := w.plan.Files.Read(p)
		switch {
		case err != nil && optional:
		case err != nil:
			w.plan.Problem(l.at, "cannot include %q: %v", p, err)
			w.report.set(l.node, "", migrate.ByHand, "%q cannot be read: %v; migrate again where it is there, or take the line out", p, err)
		default:
			read++
			w.plan.NoteSource(p)
			w.depth++
			l.files = append(l.files, w.file(w.ready(s), c))
			w.depth--
		}
	}
	if read == 0 {
		w.report.set(l.node, "", migrate.NotNeeded, "there is no file for it; it stays in Apache's configuration")
		return
	}
	w.report.set(l.node, "", migrate.Translated, "stays in Apache's configuration, and the included files are translated")
}

// ready is a source without the parts that a template fills in.
func (w *walker) ready(s migrate.Source) migrate.Source {
	clean, ok := w.plan.Template(s, templates)
	if !ok {
		return migrate.Source{Path: s.Path}
	}
	return clean
}

// tree lists the files of a folder and those below it.
func (w *walker) tree(dir string, depth int) (paths []string) {
	for _, name := range w.plan.Files.List(dir) {
		path := filepath.Join(dir, name)
		if !w.plan.Files.IsDir(path) {
			paths = append(paths, path)
		} else if depth < deepestInclude {
			paths = append(paths, w.tree(path, depth+1)...)
		}
	}
	return paths
}

// macro is a <Macro> with the names of its parameters.
type macro struct {
	line   *line
	params []string
	nodes  []*node
	uses   []*line
	ends   []*line // lines that undefine it
}

func (w *walker) defineMacro(l *line, words []string) {
	w.stays(l.node)
	if len(words) == 0 {
		w.plan.Problem(l.at, "cannot read a macro without a name")
		return
	}
	w.macros[strings.ToLower(words[0])] = &macro{line: l, params: words[1:], nodes: l.node.Children}
	l.children = asWritten(l.node.Children)
}

// asWritten are the lines of a macro's definition, which mean nothing yet.
func asWritten(nodes []*node) (all []*line) {
	for _, n := range nodes {
		all = append(all, &line{node: n, at: placeOf(n), text: n.Text, close: n.Closing, drop: ofModWSGI(n), children: asWritten(n.Children)})
	}
	return all
}

// use walks the lines of a macro with its arguments.
func (w *walker) use(l *line, words []string, c context) {
	m := w.macros[strings.ToLower(first(words))]
	switch {
	case m == nil:
		w.plan.Problem(l.at, "cannot use macro %q: no <Macro> defines it", first(words))
		w.report.set(l.node, "", migrate.ByHand, "no <Macro> defines it: migrate again with the file that does")
		return
	case len(words)-1 != len(m.params):
		w.plan.Problem(l.at, "cannot use macro %q with %d arguments: it has %d parameters", words[0], len(words)-1, len(m.params))
		w.report.set(l.node, "", migrate.ByHand, "the number of arguments is not that of the macro's parameters")
		return
	case w.depth >= deepestInclude:
		w.plan.Problem(l.at, "cannot use macro %q: macros use each other without end", words[0])
		w.report.set(l.node, "", migrate.ByHand, "macros use each other without end")
		return
	}
	// A parameter $name also replaces ${name}, as its author means.
	params, values := slices.Clone(m.params), slices.Clone(words[1:])
	for i, param := range m.params {
		if name, ok := strings.CutPrefix(param, "$"); ok {
			params, values = append(params, "${"+name+"}"), append(values, values[i])
		}
	}
	c.replace = webconf.MacroReplacer(params, values)
	w.depth++
	l.body = w.lines(m.nodes, c)
	w.depth--
	m.uses = append(m.uses, l)
	w.report.set(l.node, "", migrate.Translated, "the macro's directives are translated with these arguments")
}
