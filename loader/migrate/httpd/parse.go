package httpd

import (
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// deepest is how many sections may be in each other.
const deepest = 100

// parser makes nodes of the lines of a file.
type parser struct {
	file     string
	problems []migrate.Problem
	open     []*node // sections that are open, the outermost first
	root     []*node
}

// parse reads a file. It returns what it could make of it even when there are problems.
func parse(s migrate.Source) ([]*node, []migrate.Problem) {
	p := &parser{file: s.Path}
	lines := strings.SplitAfter(s.Text, "\n")
	for i := 0; i < len(lines); {
		first := i
		text, logical := lines[i], ""
		for {
			line := strings.TrimRight(lines[i], "\n")
			i++
			if !strings.HasSuffix(line, `\`) || i >= len(lines) {
				logical += line
				break
			}
			logical += strings.TrimSuffix(line, `\`)
			text += lines[i]
		}
		if text != "" {
			p.line(first+1, text, strings.TrimSpace(logical))
		}
	}
	for _, n := range p.open {
		p.problem(n.Line, "cannot find </%s>, which ends the section that begins here", n.name)
	}
	return p.root, p.problems
}

func (p *parser) problem(line int, format string, args ...any) {
	var plan migrate.Plan
	plan.Problem(migrate.Place{File: p.file, Line: line}, format, args...)
	p.problems = append(p.problems, plan.Problems...)
}

// line takes one logical line.
func (p *parser) line(number int, text, logical string) {
	n := &node{Place: migrate.Place{File: p.file, Line: number}, text: text}
	switch {
	case logical == "" || logical[0] == '#':
		p.add(n)
	case strings.HasPrefix(logical, "</"):
		p.closeSection(number, text, strings.TrimSpace(strings.TrimSuffix(logical[2:], ">")))
	case logical[0] == '<':
		p.openSection(n, logical)
	default:
		n.name, n.args = cutWord(logical)
		p.add(n)
	}
}

func (p *parser) openSection(n *node, logical string) {
	inner, closed := strings.CutSuffix(logical[1:], ">")
	n.name, n.args = cutWord(strings.TrimSpace(inner))
	n.section = true
	switch {
	case !closed:
		p.problem(n.Line, "cannot read <%s: the line has no \">\" at its end", n.name)
	case n.name == "":
		p.problem(n.Line, "cannot read a section without a name")
		n.section = false
	}
	p.add(n)
	if n.section && len(p.open) < deepest {
		p.open = append(p.open, n)
	}
}

// closeSection ends the innermost section of that name. Those within it, which have no end, are
// problems.
func (p *parser) closeSection(number int, text, name string) {
	for i := len(p.open) - 1; i >= 0; i-- {
		if !strings.EqualFold(p.open[i].name, name) {
			continue
		}
		for _, n := range p.open[i+1:] {
			p.problem(n.Line, "cannot find </%s>, which ends the section that begins here", n.name)
		}
		p.open[i].closing = text
		p.open = p.open[:i]
		return
	}
	p.problem(number, "cannot find <%s>, which </%s> would end", name, name)
	p.add(&node{Place: migrate.Place{File: p.file, Line: number}, text: text})
}

func (p *parser) add(n *node) {
	if len(p.open) == 0 {
		p.root = append(p.root, n)
		return
	}
	in := p.open[len(p.open)-1]
	in.children = append(in.children, n)
}

// cutWord splits a line after its first word.
func cutWord(text string) (word, rest string) {
	at := strings.IndexAny(text, " \t")
	if at < 0 {
		return text, ""
	}
	return text[:at], strings.TrimSpace(text[at:])
}
