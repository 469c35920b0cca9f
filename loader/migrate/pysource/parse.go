package pysource

import "fmt"

// maxDepth is the deepest nesting of expressions and blocks.
const maxDepth = 100

// parser reads statements from tokens.
type parser struct {
	tokens []token
	at     int
	depth  int

	mistakes []Note // statements that could not be read
	yields   bool   // whether the function around is a generator
}

// syntaxError ends the reading of one statement.
type syntaxError struct {
	line   int
	reason string
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != kindEnd {
		p.at++
	}
	return t
}

func (p *parser) fail(format string, args ...any) {
	panic(syntaxError{p.peek().line, fmt.Sprintf(format, args...)})
}

// failAt reports that the next token does not fit.
func (p *parser) failAt() {
	if t := p.peek(); t.kind == kindBroken {
		p.fail("%s", t.text)
	} else {
		p.fail("it has %s where it cannot be", t)
	}
}

// accept consumes an operator when it is next.
func (p *parser) accept(operator string) bool {
	if !p.peek().is(operator) {
		return false
	}
	p.at++
	return true
}

func (p *parser) acceptName(word string) bool {
	if !p.peek().isName(word) {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(operator string) {
	if !p.accept(operator) {
		p.failAt()
	}
}

func (p *parser) expectName(word string) {
	if !p.acceptName(word) {
		p.failAt()
	}
}

// identifier consumes a name that is no keyword.
func (p *parser) identifier() string {
	t := p.peek()
	if t.kind != kindName || keywords[t.text] {
		p.failAt()
	}
	return p.next().text
}

func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		p.fail("it is nested too deep")
	}
}

func (p *parser) leave() { p.depth-- }

// file reads all statements.
func (p *parser) file() []statement {
	var all []statement
	for p.peek().kind != kindEnd {
		switch p.peek().kind {
		case kindDedent:
			p.at++
		case kindIndent:
			all = append(all, p.skipStatement(p.peek().line, "it is indented, and no statement above begins a block"))
		default:
			all = append(all, p.statements()...)
		}
	}
	return all
}

// statements reads a logical line of simple statements, or a compound statement. One that cannot be
// read becomes a broken statement, with its block.
func (p *parser) statements() (all []statement) {
	start, depth := p.peek().line, p.depth
	defer func() {
		switch r := recover().(type) {
		case nil:
		case syntaxError:
			p.depth = depth
			all = append(all, p.skipStatement(max(start, r.line), r.reason))
		default:
			panic(r)
		}
	}()
	p.enter()
	defer p.leave()
	if read := p.compound(); read != nil {
		node := read()
		return append(all, statement{start, node})
	}
	for {
		line := p.peek().line
		node := p.simple()
		all = append(all, statement{line, node})
		if p.accept(";") && p.peek().kind != kindNewline {
			continue
		}
		switch p.peek().kind {
		case kindNewline:
			p.at++
			return all
		case kindEnd, kindDedent:
			return all
		}
		p.failAt()
	}
}

// skipStatement skips to the next line, and over the block that belongs to this one.
func (p *parser) skipStatement(line int, reason string) statement {
	if p.peek().kind != kindIndent {
		for p.peek().kind != kindNewline && p.peek().kind != kindEnd && p.peek().kind != kindDedent && p.peek().kind != kindIndent {
			p.at++
		}
		if p.peek().kind == kindNewline {
			p.at++
		}
	}
	if p.peek().kind == kindIndent {
		p.skipBlock()
	}
	p.mistakes = append(p.mistakes, Note{line, reason})
	return statement{line, broken{}}
}

// skipBlock skips an indented block.
func (p *parser) skipBlock() {
	for blocks := 0; p.peek().kind != kindEnd; {
		switch p.next().kind {
		case kindIndent:
			blocks++
		case kindDedent:
			blocks--
		}
		if blocks == 0 {
			return
		}
	}
}

// block reads the statements that belong to a compound statement, from its colon on.
func (p *parser) block() []statement {
	p.expect(":")
	if p.peek().kind != kindNewline {
		return p.statements()
	}
	p.at++
	if p.peek().kind != kindIndent {
		p.fail("a block must follow it")
	}
	p.at++
	var all []statement
	for p.peek().kind != kindDedent && p.peek().kind != kindEnd {
		if p.peek().kind == kindIndent {
			all = append(all, p.skipStatement(p.peek().line, "it is indented deeper than its block"))
			continue
		}
		all = append(all, p.statements()...)
	}
	if p.peek().kind == kindDedent {
		p.at++
	}
	return all
}
