package webconf

import (
	"maps"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/semver"
)

// HTTPD holds the conditions under which Apache reads a configuration.
type HTTPD struct {
	Version   string            // "2.4.71"; "": every <IfVersion> counts
	Static    []string          // modules that are compiled in, without "mod_": "so", "core"
	Variables map[string]string // environment, as /etc/apache2/envvars sets it
}

// Read reads a configuration from its main file. Sections of <IfModule>, <IfDefine>, <IfVersion>
// and <IfFile> are replaced by their content if the condition holds, and are left out otherwise. A
// syntax error is a *SyntaxError.
func (h HTTPD) Read(file string) (*Tree, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	r := &httpdReader{
		HTTPD: h, root: filepath.Dir(file), tree: &Tree{}, variables: maps.Clone(h.Variables), defines: map[string]bool{},
		modules: map[string]bool{}, macros: map[string]*macro{},
	}
	if r.variables == nil {
		r.variables = map[string]string{}
	}
	for _, name := range h.Static {
		r.modules[name] = true
	}
	if err := r.file(&r.tree.Directive, file); err != nil {
		return nil, err
	}
	r.tree.Files = r.files.read
	return r.tree, nil
}

type httpdReader struct {
	HTTPD
	root      string // ServerRoot
	files     files
	tree      *Tree
	variables map[string]string
	defines   map[string]bool
	modules   map[string]bool
	macros    map[string]*macro
	used      int // depth of macros that use each other
}

// macro is a <Macro> of mod_macro.
type macro struct {
	parameters []string
	nodes      []*HTTPDNode
}

// file reads a file into a section.
func (r *httpdReader) file(into *Directive, name string) error {
	text, err := r.files.enter(name)
	if err != nil {
		return err
	}
	defer r.files.leave()
	nodes, mistakes := ParseHTTPD(name, text)
	if len(mistakes) > 0 {
		return mistakes[0]
	}
	return r.nodes(into, nodes)
}

// nodes reads directives and sections into a section.
func (r *httpdReader) nodes(into *Directive, nodes []*HTTPDNode) error {
	for _, n := range nodes {
		if n.Name == "" {
			continue
		}
		words := SplitHTTPD(ExpandHTTPD(n.Name+" "+n.Args, r.variables))
		if len(words) == 0 {
			return n.fault("the line has no name")
		}
		read := r.directive
		if n.Section {
			read = r.section
		}
		d := &Directive{Name: words[0], Args: words[1:], File: n.File, Line: n.Line, End: n.End, Block: n.Section}
		if err := read(into, d, n); err != nil {
			return err
		}
	}
	return nil
}

func (r *httpdReader) section(into, d *Directive, n *HTTPDNode) error {
	if holds, condition := r.condition(strings.ToLower(d.Name), d.Args); condition {
		if !holds {
			return nil
		}
		return r.nodes(into, n.Children)
	}
	if d.Is("Macro") {
		if d.Arg(0) == "" {
			return n.fault("the macro has no name")
		}
		r.macros[strings.ToLower(d.Arg(0))] = &macro{d.Args[1:], n.Children}
		return nil
	}
	into.add(d)
	return r.nodes(d, n.Children)
}

// condition reports whether a section is a condition, and whether it holds.
func (r *httpdReader) condition(name string, args []string) (holds, condition bool) {
	if len(args) == 0 {
		return false, false
	}
	arg, not := strings.CutPrefix(args[0], "!")
	switch name {
	case "ifmodule":
		holds = r.modules[moduleName(arg)]
	case "ifdefine":
		holds = r.defines[arg]
	case "iffile":
		holds = r.files.exists(r.path(arg))
	case "ifdirective", "ifsection":
		holds = true // this Apache's directives and sections are unknown
	case "ifversion":
		return r.Version == "" || VersionHolds(r.Version, args), true
	default:
		return false, false
	}
	return holds != not, true
}

// moduleName returns the name without its prefix and suffix: "proxy" for mod_proxy.c and
// proxy_module.
func moduleName(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".c"), "_module")
	return strings.TrimPrefix(name, "mod_")
}

// VersionHolds compares a version as <IfVersion> does. The arguments are an operator and a version,
// or only a version.
func VersionHolds(version string, args []string) bool {
	if len(args) == 0 {
		return false
	}
	op, want := "==", args[len(args)-1]
	if len(args) > 1 {
		op = args[0]
	}
	if op, not := strings.CutPrefix(op, "!"); not {
		return !VersionHolds(version, []string{op, want})
	}
	if strings.Contains(op, "~") || strings.HasPrefix(want, "/") {
		fits, err := regexp.MatchString(strings.Trim(want, "/"), version)
		return err == nil && fits
	}
	c := semver.Compare("v"+version, "v"+want)
	switch op {
	case "=", "==":
		return c == 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	}
	return false
}

func (r *httpdReader) directive(into, d *Directive, n *HTTPDNode) error {
	switch strings.ToLower(d.Name) {
	case "include", "includeoptional":
		return r.include(into, d, n)
	case "define":
		r.defines[d.Arg(0)] = true
		if len(d.Args) > 1 {
			r.variables[d.Arg(0)] = d.Arg(1)
		}
	case "undefine":
		delete(r.defines, d.Arg(0))
		delete(r.variables, d.Arg(0))
	case "serverroot":
		r.root = d.Arg(0)
	case "loadmodule":
		r.modules[moduleName(d.Arg(0))] = true
	case "use":
		return r.use(into, d, n)
	case "undefmacro":
		delete(r.macros, strings.ToLower(d.Arg(0)))
	}
	into.add(d)
	return nil
}

func (r *httpdReader) include(into, d *Directive, n *HTTPDNode) error {
	pattern, optional := d.Arg(0), d.Is("IncludeOptional")
	name := r.path(pattern)
	found := r.files.glob(name)
	if len(found) == 1 && r.files.isFolder(found[0]) {
		found = r.files.glob(filepath.Join(found[0], "*"))
	}
	wild := strings.ContainsAny(pattern, wildcards)
	if len(found) == 0 && !optional {
		return n.fault("no file fits %q", pattern)
	}
	for _, file := range found {
		if (optional || wild) && (!r.files.exists(file) || r.files.isFolder(file)) {
			continue
		}
		if err := included(d, r.file(into, file)); err != nil {
			return err
		}
	}
	return nil
}

// use reads the lines of a macro, with its parameters replaced, at the place where it is used.
func (r *httpdReader) use(into, d *Directive, n *HTTPDNode) error {
	m := r.macros[strings.ToLower(d.Arg(0))]
	if m == nil {
		return n.fault("there is no macro %q", strings.Join(d.Args, " "))
	}
	values := d.Args[1:]
	if len(values) != len(m.parameters) {
		return n.fault("macro %q takes %d parameters, not %d", d.Arg(0), len(m.parameters), len(values))
	}
	if r.used >= maxDepth {
		return n.fault("macro %q uses itself", d.Arg(0))
	}
	r.used++
	defer func() { r.used-- }()
	return r.nodes(into, replaceIn(m.nodes, MacroReplacer(m.parameters, values)))
}

// replaceIn returns copies of the nodes with the parameters of a macro replaced.
func replaceIn(nodes []*HTTPDNode, replacer *strings.Replacer) (all []*HTTPDNode) {
	for _, n := range nodes {
		own := *n
		own.Name, own.Args = replacer.Replace(n.Name), replacer.Replace(n.Args)
		own.Children = replaceIn(n.Children, replacer)
		all = append(all, &own)
	}
	return all
}

// path resolves a relative path.
func (r *httpdReader) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.root, name)
}
