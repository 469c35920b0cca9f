package webconf

import (
	"path/filepath"
	"strings"
)

// ReadNginx reads an nginx configuration from its main file. Relative paths of include are relative
// to the folder of that file. A syntax error is a *SyntaxError.
func ReadNginx(file string) (*Tree, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	p := &nginxParser{tree: &Tree{}, root: filepath.Dir(file)}
	if err := p.file(&p.tree.Directive, file); err != nil {
		return nil, err
	}
	p.tree.Files = p.files.read
	return p.tree, nil
}

// ParseNginx parses the text of one nginx file, which does not have to be a main file. It includes
// no files: include directives are returned like other directives.
func ParseNginx(file, text string) (*Tree, error) {
	p := &nginxParser{tree: &Tree{Files: []string{file}}, alone: true}
	if err := p.text(&p.tree.Directive, file, text); err != nil {
		return nil, err
	}
	return p.tree, nil
}

type nginxParser struct {
	files files
	tree  *Tree
	root  string
	alone bool // included files are not read
}

func (p *nginxParser) file(into *Directive, name string) error {
	text, err := p.files.enter(name)
	if err != nil {
		return err
	}
	defer p.files.leave()
	return p.text(into, name, text)
}

func (p *nginxParser) text(into *Directive, name, text string) error {
	s := &nginxScanner{file: name, text: text, line: 1, length: len(text)}
	if err := p.block(into, s); err != nil {
		return err
	}
	if s.token == "}" {
		return s.fault("} ends no block")
	}
	return nil
}

// block reads directives until the block or the file ends.
func (p *nginxParser) block(into *Directive, s *nginxScanner) error {
	var d *Directive
	for s.next() {
		switch {
		case s.plain && s.token == ";":
			if d == nil {
				return s.fault("; ends no directive")
			}
			d.End, d.To = s.line, s.offset()
			if err := p.finish(into, d); err != nil {
				return err
			}
			d = nil
		case s.plain && s.token == "{":
			if d == nil {
				return s.fault("{ begins a block without a name")
			}
			into.add(d)
			d.Block = true
			if strings.HasSuffix(d.Name, "_by_lua_block") {
				s.skipBlock()
			} else if err := p.block(d, s); err != nil {
				return err
			}
			if s.token != "}" {
				return &SyntaxError{File: d.File, Line: d.Line, Text: "block " + d.Name + " has no end"}
			}
			d.End, d.To = s.line, s.offset()
			d = nil
		case s.plain && s.token == "}":
			if d != nil {
				return s.fault("directive %s has no ;", d.Name)
			}
			return nil
		case d == nil:
			d = &Directive{Name: s.token, File: s.file, Line: s.start, From: s.from}
		default:
			d.Args = append(d.Args, s.token)
		}
	}
	if s.err == nil && d != nil {
		return s.fault("directive %s has no ;", d.Name)
	}
	return s.err
}

func (p *nginxParser) finish(into, d *Directive) error {
	if d.Name != "include" || p.alone {
		into.add(d)
		return nil
	}
	return p.files.include(d, p.root, func(name string) error { return p.file(into, name) })
}
