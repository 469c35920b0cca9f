package migrate

import (
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// Syntax is a way in which templates name the parts that something else fills in.
type Syntax string

// The syntaxes of templates. Some of them mean something else in one format or another, so a reader
// lists the ones to expect.
const (
	Braces    Syntax = "{{ x }}"  // Jinja, Mustache, Handlebars, Go and Helm
	ERB       Syntax = "<%= x %>" // ERB, Puppet's EPP, Mako
	At        Syntax = "@X@"      // sed, autoconf
	Percents  Syntax = "%X%"      // sed
	Format    Syntax = "%(x)s"    // Python's % operator, buildout
	Brace     Syntax = "{x}"      // Python's format
	Shell     Syntax = "$X"       // here documents, envsubst
	ShellPath Syntax = "${X}"     // the same with braces
	Brackets  Syntax = "[x]"      // for people to replace
	Dunder    Syntax = "__X__"    // sed
)

// parts match the placeholders of templates; the first group that matched is the name.
var parts = map[Syntax]*lazyregexp.Regexp{
	Braces:    lazyregexp.New(`\{\{\{?-?\s*([^{}\n]*?)\s*-?\}?\}\}`),
	ERB:       lazyregexp.New(`<%=\s*([^\n]*?)\s*-?%>`),
	At:        lazyregexp.New(`@([A-Za-z_][A-Za-z0-9_]*)@`),
	Percents:  lazyregexp.New(`%([A-Z][A-Z0-9_]{2,})%`),
	Format:    lazyregexp.New(`%\(([A-Za-z_][A-Za-z0-9_.-]*)\)s`),
	Brace:     lazyregexp.New(`(?:^|[^%$\\{a-zA-Z0-9\])])(\{([A-Za-z_][A-Za-z0-9_.]*)\})`),
	Shell:     lazyregexp.New(`\$([A-Z_][A-Z0-9_]+)`),
	ShellPath: lazyregexp.New(`\$\{([A-Za-z_][A-Za-z0-9_.]*)(?::?-[^{}\n]*)?\}`),
	Brackets:  lazyregexp.New(`(?:^|[\s/."=:])(\[([a-z][A-Za-z0-9_ -]+)\])`),
	Dunder:    lazyregexp.New(`\b__([A-Z][A-Z0-9_]*)__\b`),
}

// decisions match the control structures of templates, such as a condition or a loop.
var decisions = map[Syntax]*lazyregexp.Regexp{
	Braces: lazyregexp.New(`\{%|\{\{-?\s*(?:[#^/>&]|(?:if|else|end|range|with|template|include|define|block)\b)`),
	ERB:    lazyregexp.New(`<%[^=#%|]|(?m)^\s*%\s*(?:if|for|elif|else|endif|endfor|while|endwhile)\b`),
}

// remarks match text that a template does not output.
var remarks = map[Syntax]*lazyregexp.Regexp{
	Braces: lazyregexp.New(`(?s)\{#.*?#\}|\{\{-?(?:!--.*?--|!.*?|/\*.*?\*/)-?\}\}`),
	ERB:    lazyregexp.New(`(?s)<%-?\s*#.*?%>|<%-?\s*\|.*?\|\s*-?%>`),
}

// Template replaces the parts of a source that something else fills in by variables. A source that
// decides something while it is filled in is a problem with the line of the first decision, and
// not ok.
func (p *Plan) Template(s Source, syntaxes []Syntax) (clean Source, ok bool) {
	text := s.Text
	for _, syntax := range syntaxes {
		if remark := remarks[syntax]; remark != nil {
			text = remark.ReplaceAllStringFunc(text, newlinesOf)
		}
	}
	for _, syntax := range syntaxes {
		if decision := decisions[syntax]; decision != nil {
			if at := decisionOutsideComments(text, decision); at >= 0 {
				place := s.Place(1 + strings.Count(text[:at], "\n"))
				line := s.Lines()[place.Line-1]
				p.Problem(place, "cannot read a template that decides something while it is filled in: %s", strings.TrimSpace(line))
				p.Add(place, "template", ByHand, "the file is a template (%s) that decides something while it is filled in: fill it in, and migrate the result", syntax)
				return s, false
			}
		}
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';' {
			continue
		}
		for _, syntax := range syntaxes {
			lines[i] = p.fillIn(lines[i], syntax, s.Place(i+1))
		}
	}
	return Source{s.Path, strings.Join(lines, "\n")}, true
}

// decisionOutsideComments returns the index of the first decision that is not within a comment of
// the file, or -1.
func decisionOutsideComments(text string, decision *lazyregexp.Regexp) int {
	for _, at := range decision.FindAllStringIndex(text, -1) {
		start := strings.LastIndexByte(text[:at[0]], '\n') + 1
		if trimmed := strings.TrimLeft(text[start:], " \t"); !strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "{%") {
			return at[0]
		}
	}
	return -1
}

// fillIn replaces the parts of a line by variables.
func (p *Plan) fillIn(line string, syntax Syntax, at Place) string {
	if syntax == Brackets && bracketsMeanElse.MatchString(line) {
		return line
	}
	found := parts[syntax].FindAllStringSubmatchIndex(line, -1)
	for _, m := range slices.Backward(found) {
		from, to, name := m[0], m[1], line[m[2]:m[3]]
		if len(m) > 4 { // the part is a group within a longer match
			from, to, name = m[2], m[3], line[m[4]:m[5]]
		}
		line = line[:from] + p.Variable(nameOfPart(name), line[from:to], at) + line[to:]
	}
	return line
}

// bracketsMeanElse matches lines in which brackets are flags or belong to a regular expression.
var bracketsMeanElse = lazyregexp.New(`(?i)^\s*(?:Rewrite|\S*Match\b|SetEnvIf|BrowserMatch|Header|<\w*Match)|[\^*+?]`)

// nameOfPart returns the name in a placeholder: the expression without filters, defaults and the
// names of collections.
func nameOfPart(expression string) string {
	name, _, _ := strings.Cut(expression, "|")
	name = strings.TrimSpace(name)
	for _, prefix := range []string{".Values.", "node[", "@", "$", "scope.lookupvar("} {
		name = strings.TrimPrefix(name, prefix)
	}
	return name
}

// newlinesOf keeps the numbers of the lines that follow.
func newlinesOf(text string) string { return strings.Repeat("\n", strings.Count(text, "\n")) }
