package webconf

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// ReadLighttpd reads a lighttpd configuration from its main file. An assignment is a directive
// whose first argument is the operator, followed by the words and signs of the value. A condition
// is a block with an operator and a value, and with "else" as a third argument if it follows
// another condition. The output of include_shell is not read. A syntax error is a *SyntaxError.
func ReadLighttpd(file string) (*Tree, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	p := &lighttpdParser{tree: &Tree{}, root: filepath.Dir(file)}
	if err := p.file(&p.tree.Directive, file); err != nil {
		return nil, err
	}
	p.tree.Files = p.files.read
	return p.tree, nil
}

type lighttpdParser struct {
	files files
	tree  *Tree
	root  string
}

// lighttpdToken is a word or sign of a file of lighttpd.
type lighttpdToken struct {
	text   string
	quoted bool
	line   int
}

func (t lighttpdToken) is(sign string) bool { return !t.quoted && t.text == sign }

var lighttpdPattern = lazyregexp.New(
	`^(?:"(?:[^"\\]|\\[\s\S])*"|\$[A-Z_]+(?:\s*\[\s*"[^"]*"\s*\])?|=>|==|!=|=~|!~|=\^|=\$|\+=|:=|[=(){},+\n;]|[A-Za-z0-9_.:/-]+)`)

// lighttpdTokens splits a file. Ends of lines count outside of parentheses.
func lighttpdTokens(file, text string) (all []lighttpdToken, err error) {
	line, depth := 1, 0
	for text != "" {
		switch c := text[0]; {
		case c == ' ' || c == '\t' || c == '\r':
			text = text[1:]
			continue
		case c == '#':
			end := strings.IndexByte(text, '\n')
			if end < 0 {
				end = len(text)
			}
			text = text[end:]
			continue
		}
		found := lighttpdPattern.FindString(text)
		if found == "" {
			return nil, &SyntaxError{File: file, Line: line, Text: fmt.Sprintf("cannot read %q", firstLine(text))}
		}
		text = text[len(found):]
		t := lighttpdToken{text: found, line: line}
		line += strings.Count(found, "\n")
		switch {
		case found == "(":
			depth++
		case found == ")":
			depth--
		case found == "\n" && depth > 0:
			continue
		case found[0] == '"':
			t.text, t.quoted = strings.ReplaceAll(found[1:len(found)-1], `\"`, `"`), true
		}
		all = append(all, t)
	}
	return append(all, lighttpdToken{text: "\n", line: line}), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (p *lighttpdParser) file(into *Directive, name string) error {
	text, err := p.files.enter(name)
	if err != nil {
		return err
	}
	defer p.files.leave()
	tokens, err := lighttpdTokens(name, text)
	if err != nil {
		return err
	}
	rest, err := p.block(into, name, tokens)
	if err == nil && len(rest) > 0 {
		err = &SyntaxError{File: name, Line: rest[0].line, Text: "} ends no block"}
	}
	return err
}

// block reads statements until the block ends, and returns the tokens from its } on.
func (p *lighttpdParser) block(into *Directive, file string, tokens []lighttpdToken) ([]lighttpdToken, error) {
	follows := false
	for len(tokens) > 0 {
		t := tokens[0]
		switch {
		case t.is("\n") || t.is(";"):
			tokens = tokens[1:]
			continue
		case t.is("}"):
			return tokens, nil
		case t.is("else") || t.is("elseif") || t.is("elsif"):
			follows = true
			for tokens = tokens[1:]; len(tokens) > 0 && tokens[0].is("\n"); {
				tokens = tokens[1:]
			}
			if len(tokens) > 0 && !tokens[0].is("{") {
				continue
			}
			t.text = "else"
			tokens = append([]lighttpdToken{t}, tokens...)
		}
		var err error
		if tokens, err = p.statement(into, file, tokens, follows); err != nil {
			return nil, err
		}
		follows = false
	}
	return nil, nil
}

// statement reads an assignment, an include or a condition with its block.
func (p *lighttpdParser) statement(
	into *Directive, file string, tokens []lighttpdToken, follows bool,
) ([]lighttpdToken, error) {
	d := &Directive{Name: tokens[0].text, File: file, Line: tokens[0].line}
	i := 1
	for ; i < len(tokens) && !tokens[i].is("\n") && !tokens[i].is("{") && !tokens[i].is("}"); i++ {
		d.Args = append(d.Args, tokens[i].text)
		d.End = tokens[i].line
	}
	d.End = max(d.End, d.Line)
	// The block may begin on the next line.
	open := i
	for open < len(tokens) && tokens[open].is("\n") {
		open++
	}
	condition := strings.HasPrefix(d.Name, "$") || d.Name == "else"
	switch {
	case condition && open < len(tokens) && tokens[open].is("{"):
		if follows && d.Name != "else" {
			d.Args = append(d.Args, "else")
		}
		d.Block = true
		into.add(d)
		rest, err := p.block(d, file, tokens[open+1:])
		if err != nil {
			return nil, err
		}
		if len(rest) == 0 {
			return nil, &SyntaxError{File: file, Line: d.Line, Text: "the block has no end"}
		}
		d.End = rest[0].line
		return rest[1:], nil
	case condition || len(d.Args) == 0:
		return nil, &SyntaxError{File: file, Line: d.Line, Text: fmt.Sprintf("cannot read the statement %q", d.Name)}
	case d.Name == "include":
		return tokens[i:], p.files.include(d, p.root, func(name string) error { return p.file(into, name) })
	}
	into.add(d)
	return tokens[i:], nil
}
