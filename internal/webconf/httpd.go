package webconf

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// HTTPD says how Apache would read a configuration.
type HTTPD struct {
	Root      string            // ServerRoot at the start; "": the folder of the file
	Version   string            // "2.4.71"; "": every <IfVersion> counts
	Static    []string          // modules that are compiled in, without "mod_": "so", "core"
	Variables map[string]string // environment, as /etc/apache2/envvars sets it
	Defines   []string          // names of -D
}

// Read reads a configuration from its main file. Sections of <IfModule>, <IfDefine>, <IfVersion>
// and <IfFile> are replaced by their content if they count and left out if not. A *SyntaxError
// says what cannot be read.
func (h HTTPD) Read(file string) (*Tree, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	p := &httpdParser{
		HTTPD: h, tree: &Tree{}, variables: maps.Clone(h.Variables), defines: map[string]bool{},
		modules: map[string]bool{}, macros: map[string]*macro{},
	}
	if p.variables == nil {
		p.variables = map[string]string{}
	}
	if p.Root == "" {
		p.Root = filepath.Dir(file)
	}
	for _, name := range h.Defines {
		p.defines[name] = true
	}
	for _, name := range h.Static {
		p.modules[name] = true
	}
	if err := p.file(&p.tree.Directive, file); err != nil {
		return nil, err
	}
	p.tree.Files = p.files.read
	return p.tree, nil
}

type httpdParser struct {
	HTTPD
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
	lines      []httpdLine
}

// httpdLine is a line with those that continue it.
type httpdLine struct {
	text      string
	file      string
	line, end int
}

func (l httpdLine) fault(format string, args ...any) error {
	return &SyntaxError{File: l.file, Line: l.line, Text: fmt.Sprintf(format, args...)}
}

// file reads a file into a section.
func (p *httpdParser) file(into *Directive, name string) error {
	text, err := p.files.enter(name)
	if err != nil {
		return err
	}
	defer p.files.leave()
	return p.lines(into, httpdLines(name, text))
}

// httpdLines joins continued lines and leaves out empty ones and comments.
func httpdLines(file, text string) (all []httpdLine) {
	var current httpdLine
	for i, line := range strings.Split(text, "\n") {
		if current.line == 0 {
			current = httpdLine{file: file, line: i + 1}
			line = strings.TrimLeft(line, " \t")
		}
		if rest, continued := strings.CutSuffix(line, `\`); continued {
			current.text += rest
			continue
		}
		current.text, current.end = strings.TrimSpace(current.text+line), i+1
		if current.text != "" && !strings.HasPrefix(current.text, "#") {
			all = append(all, current)
		}
		current = httpdLine{}
	}
	return all
}

// lines reads directives and whole sections into a section.
func (p *httpdParser) lines(into *Directive, lines []httpdLine) error {
	for i := 0; i < len(lines); {
		l := lines[i]
		if !strings.HasPrefix(l.text, "<") {
			i++
			if err := p.directive(into, l); err != nil {
				return err
			}
			continue
		}
		body, err := httpdBody(lines[i:])
		if err != nil {
			return err
		}
		if err := p.section(into, l, body, lines[i+len(body)+1]); err != nil {
			return err
		}
		i += len(body) + 2
	}
	return nil
}

// httpdBody returns the lines between those that begin and end the section at the beginning.
func httpdBody(lines []httpdLine) ([]httpdLine, error) {
	if strings.HasPrefix(lines[0].text, "</") {
		return nil, lines[0].fault("%s ends no section", lines[0].text)
	}
	var open []string
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l.text, "</"):
			name := strings.TrimSpace(strings.TrimSuffix(l.text[2:], ">"))
			if last := open[len(open)-1]; !strings.EqualFold(last, name) {
				return nil, l.fault("</%s> stands where </%s> must", name, last)
			}
			if open = open[:len(open)-1]; len(open) == 0 {
				return lines[1:i], nil
			}
		case strings.HasPrefix(l.text, "<"):
			name, _, _ := strings.Cut(strings.TrimSuffix(l.text[1:], ">"), " ")
			open = append(open, strings.TrimSpace(name))
		}
	}
	return nil, lines[0].fault("section %s has no end", lines[0].text)
}

func (p *httpdParser) section(into *Directive, l httpdLine, body []httpdLine, end httpdLine) error {
	text, closed := strings.CutSuffix(p.expand(l.text[1:]), ">")
	if !closed {
		return l.fault("the section's first line does not end with >")
	}
	words := httpdWords(text)
	if len(words) == 0 {
		return l.fault("the section has no name")
	}
	name, args := words[0], words[1:]
	if holds, condition := p.condition(strings.ToLower(name), args); condition {
		if !holds {
			return nil
		}
		return p.lines(into, body)
	}
	if strings.EqualFold(name, "Macro") {
		if len(args) == 0 {
			return l.fault("the macro has no name")
		}
		p.macros[strings.ToLower(args[0])] = &macro{args[1:], body}
		return nil
	}
	section := &Directive{Name: name, Args: args, File: l.file, Line: l.line, End: end.end, Block: true}
	into.add(section)
	return p.lines(section, body)
}

// condition reports whether a section is a condition, and whether it holds.
func (p *httpdParser) condition(name string, args []string) (holds, condition bool) {
	if len(args) == 0 {
		return false, false
	}
	arg, not := strings.CutPrefix(args[0], "!")
	switch name {
	case "ifmodule":
		holds = p.modules[moduleName(arg)]
	case "ifdefine":
		holds = p.defines[arg]
	case "iffile":
		holds = p.files.exists(p.path(arg))
	case "ifdirective", "ifsection":
		holds = true // whatever this Apache knows
	case "ifversion":
		holds = p.Version == "" || versionHolds(p.Version, args)
		if op, negated := strings.CutPrefix(args[0], "!"); negated && len(args) > 1 {
			holds = p.Version == "" || !versionHolds(p.Version, append([]string{op}, args[1:]...))
		}
		return holds, true
	default:
		return false, false
	}
	return holds != not, true
}

// moduleName is the name without what is around it: "proxy" for mod_proxy.c and proxy_module.
func moduleName(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".c"), "_module")
	return strings.TrimPrefix(name, "mod_")
}

// versionHolds compares as <IfVersion> does. Arguments are an operator and a version, or a version.
func versionHolds(version string, args []string) bool {
	op, want := "==", args[len(args)-1]
	if len(args) > 1 {
		op = args[0]
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

func (p *httpdParser) directive(into *Directive, l httpdLine) error {
	words := httpdWords(p.expand(l.text))
	name, args := words[0], words[1:]
	d := &Directive{Name: name, Args: args, File: l.file, Line: l.line, End: l.end}
	switch strings.ToLower(name) {
	case "include", "includeoptional":
		return p.include(into, l, d.Arg(0), strings.EqualFold(name, "IncludeOptional"))
	case "define":
		p.defines[d.Arg(0)] = true
		if len(args) > 1 {
			p.variables[args[0]] = args[1]
		}
	case "undefine":
		delete(p.defines, d.Arg(0))
		delete(p.variables, d.Arg(0))
	case "serverroot":
		p.Root = d.Arg(0)
	case "loadmodule":
		p.modules[moduleName(d.Arg(0))] = true
	case "use":
		return p.use(into, l, args)
	case "undefmacro":
		delete(p.macros, strings.ToLower(d.Arg(0)))
	}
	into.add(d)
	return nil
}

func (p *httpdParser) include(into *Directive, l httpdLine, pattern string, optional bool) error {
	name := p.path(pattern)
	found := p.files.glob(name)
	if len(found) == 1 && p.files.isFolder(found[0]) {
		found = p.files.glob(filepath.Join(found[0], "*"))
	}
	wild := strings.ContainsAny(pattern, "*?[")
	if len(found) == 0 && !optional {
		return l.fault("no file fits %q", pattern)
	}
	for _, file := range found {
		if (optional || wild) && (!p.files.exists(file) || p.files.isFolder(file)) {
			continue
		}
		if err := p.file(into, file); err != nil {
			if broken, ok := err.(*SyntaxError); ok {
				return broken
			}
			return l.fault("cannot read a file that it includes: %v", err)
		}
	}
	return nil
}

// use reads the lines of a macro, with its parameters replaced, where it is used.
func (p *httpdParser) use(into *Directive, l httpdLine, args []string) error {
	if len(args) == 0 || p.macros[strings.ToLower(args[0])] == nil {
		return l.fault("there is no macro %q", strings.Join(args, " "))
	}
	m := p.macros[strings.ToLower(args[0])]
	if len(args)-1 != len(m.parameters) {
		return l.fault("macro %q takes %d parameters, not %d", args[0], len(m.parameters), len(args)-1)
	}
	if p.used >= maxDepth {
		return l.fault("macro %q uses itself", args[0])
	}
	p.used++
	defer func() { p.used-- }()
	order := make([]int, len(m.parameters))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return len(m.parameters[b]) - len(m.parameters[a]) })
	var pairs []string
	for _, i := range order {
		pairs = append(pairs, m.parameters[i], args[i+1])
	}
	replacer := strings.NewReplacer(pairs...)
	lines := slices.Clone(m.lines)
	for i := range lines {
		lines[i].text = replacer.Replace(lines[i].text)
	}
	return p.lines(into, lines)
}

var httpdVariable = lazyregexp.New(`\$\{([^}]*)\}`)

// expand replaces ${NAME}. Names that are not defined stay, as Apache leaves them.
func (p *httpdParser) expand(text string) string {
	return httpdVariable.ReplaceAllStringFunc(text, func(found string) string {
		if value, ok := p.variables[found[2:len(found)-1]]; ok {
			return value
		}
		return found
	})
}

// path is where a relative path leads.
func (p *httpdParser) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.Root, name)
}

// httpdWords splits as ap_getword_conf does: words in quotation marks of either kind, in which a
// backslash keeps a mark, and words without.
func httpdWords(text string) (words []string) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimLeft(text, " \t") {
		mark := text[0]
		if mark != '"' && mark != '\'' {
			end := strings.IndexAny(text, " \t")
			if end < 0 {
				end = len(text)
			}
			words, text = append(words, text[:end]), text[end:]
			continue
		}
		var word strings.Builder
		i := 1
		for ; i < len(text) && text[i] != mark; i++ {
			if text[i] == '\\' && i+1 < len(text) && (text[i+1] == mark || text[i+1] == '\\') {
				i++
			}
			word.WriteByte(text[i])
		}
		words, text = append(words, word.String()), text[min(i+1, len(text)):]
	}
	return words
}
