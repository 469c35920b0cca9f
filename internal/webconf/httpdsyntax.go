package webconf

import (
	"fmt"
	"slices"
	"strings"
)

// maxSections is the maximum depth of Apache's sections.
const maxSections = 100

// HTTPDNode is a directive of Apache, a section, or another line (a comment or an empty line) of a
// file.
type HTTPDNode struct {
	File     string       // path of the file
	Line     int          // first line, from 1
	End      int          // last line; for a section, the line that closes it
	Name     string       // as written, without "<"; "" for a line without a directive
	Args     string       // everything after the name, before variables are replaced
	Text     string       // lines of the directive, or of the opening of a section, with their ends
	Section  bool         // has Children, even if there are none
	Children []*HTTPDNode // content of a section
	Closing  string       // line that closes a section, with its end
}

// Key returns the name in lower case: Apache ignores the case of names.
func (n *HTTPDNode) Key() string { return strings.ToLower(n.Name) }

func (n *HTTPDNode) fault(format string, args ...any) *SyntaxError {
	return &SyntaxError{File: n.File, Line: n.Line, Text: fmt.Sprintf(format, args...)}
}

// ParseHTTPD parses the text of one file of Apache. It includes no files, and returns the content
// of all sections. It returns the nodes that it could parse even if there are mistakes.
func ParseHTTPD(file, text string) ([]*HTTPDNode, []*SyntaxError) {
	p := &httpdParser{}
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); {
		n, logical := &HTTPDNode{File: file, Line: i + 1}, ""
		for more := true; more && i < len(lines); i++ {
			n.Text += lines[i]
			line := strings.TrimRight(lines[i], "\r\n")
			if i+1 < len(lines) {
				line, more = strings.CutSuffix(line, `\`)
			}
			logical += line
		}
		n.End = i
		if n.Text != "" {
			p.line(n, strings.TrimSpace(logical))
		}
	}
	for _, n := range p.open {
		p.fault(n, "cannot find </%s>, which ends the section that begins here", n.Name)
	}
	return p.root, p.mistakes
}

// httpdParser converts the lines of a file to nodes.
type httpdParser struct {
	root     []*HTTPDNode
	open     []*HTTPDNode // sections that are open, the outermost first
	mistakes []*SyntaxError
}

func (p *httpdParser) fault(n *HTTPDNode, format string, args ...any) {
	p.mistakes = append(p.mistakes, n.fault(format, args...))
}

// line parses a line that is already joined with its continuation lines.
func (p *httpdParser) line(n *HTTPDNode, logical string) {
	switch {
	case logical == "" || logical[0] == '#':
		p.add(n)
	case strings.HasPrefix(logical, "</"):
		p.closeSection(n, strings.TrimSpace(strings.TrimSuffix(logical[2:], ">")))
	case logical[0] == '<':
		p.openSection(n, logical[1:])
	default:
		n.Name, n.Args = CutHTTPDWord(logical)
		p.add(n)
	}
}

func (p *httpdParser) openSection(n *HTTPDNode, logical string) {
	inner, closed := strings.CutSuffix(logical, ">")
	n.Name, n.Args = CutHTTPDWord(strings.TrimSpace(inner))
	n.Section = n.Name != ""
	switch {
	case !closed:
		p.fault(n, "cannot read <%s: the line has no \">\" at its end", n.Name)
	case n.Name == "":
		p.fault(n, "cannot read a section without a name")
	}
	p.add(n)
	if n.Section && len(p.open) < maxSections {
		p.open = append(p.open, n)
	}
}

// closeSection ends the innermost section of that name.
func (p *httpdParser) closeSection(end *HTTPDNode, name string) {
	for i, n := range slices.Backward(p.open) {
		if !strings.EqualFold(n.Name, name) {
			continue
		}
		for _, in := range p.open[i+1:] {
			p.fault(end, "cannot find </%s> before </%s>; the section begins in line %d", in.Name, name, in.Line)
		}
		n.Closing, n.End = end.Text, end.End
		p.open = p.open[:i]
		return
	}
	p.fault(end, "cannot find <%s>, which </%s> would end", name, name)
	p.add(end)
}

func (p *httpdParser) add(n *HTTPDNode) {
	if last := len(p.open) - 1; last >= 0 {
		p.open[last].Children = append(p.open[last].Children, n)
		return
	}
	p.root = append(p.root, n)
}

// CutHTTPDWord splits a line of Apache after its first word.
func CutHTTPDWord(line string) (word, rest string) {
	at := strings.IndexAny(line, " \t")
	if at < 0 {
		return line, ""
	}
	return line[:at], strings.TrimSpace(line[at:])
}

// SplitHTTPD splits arguments as Apache does: at white space outside of quotation marks. A
// backslash escapes another backslash and, within quotation marks, the mark. The last word may lack
// its closing mark.
func SplitHTTPD(args string) (words []string) {
	for args = strings.TrimLeft(args, " \t"); args != ""; args = strings.TrimLeft(args, " \t") {
		var word string
		if args[0] == '"' || args[0] == '\'' {
			word, args = quotedHTTPD(args)
		} else {
			end := strings.IndexAny(args, " \t")
			if end < 0 {
				end = len(args)
			}
			word, args = strings.ReplaceAll(args[:end], `\\`, `\`), args[end:]
		}
		words = append(words, word)
	}
	return words
}

// quotedHTTPD reads a word that begins with a quotation mark.
func quotedHTTPD(text string) (word, rest string) {
	mark := text[0]
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == '\\' || text[i+1] == mark):
			i++
			b.WriteByte(text[i])
		case c == mark:
			return b.String(), text[i+1:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// ExpandHTTPD replaces ${NAME} by the value of the variable. Undefined names stay, as in Apache.
func ExpandHTTPD(text string, variables map[string]string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return b.String() + text
		}
		value, known := variables[name]
		if !known {
			value = "${" + name + "}"
		}
		b.WriteString(before + value)
		text = after
	}
}

// MacroReplacer returns a replacer of the parameters of a <Macro> by their values, the longest name
// first.
func MacroReplacer(parameters, values []string) *strings.Replacer {
	order := make([]int, len(parameters))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(parameters[b]) - len(parameters[a]) })
	var pairs []string
	for _, i := range order {
		pairs = append(pairs, parameters[i], values[i])
	}
	return strings.NewReplacer(pairs...)
}
