package pysource

import (
	"strings"
)

// compound returns the parser of the compound statement that begins here, or nil.
func (p *parser) compound() func() any {
	t := p.peek()
	if t.is("@") {
		return p.decorated
	}
	if t.kind != kindName {
		return nil
	}
	switch t.text {
	case "if":
		return p.ifStatement
	case "for":
		return p.forStatement
	case "while":
		return p.whileStatement
	case "try":
		return p.tryStatement
	case "with":
		return p.withStatement
	case "def":
		return p.definition
	case "class":
		return p.classDefinition
	case "async":
		return p.asyncStatement
	case "match":
		if p.beginsMatch() {
			return p.matchStatement
		}
	}
	return nil
}

// beginsMatch reports whether match begins a statement here, and is no name: its line ends with a
// colon, and a case follows.
func (p *parser) beginsMatch() bool {
	at := p.at
	for p.tokens[at].kind != kindNewline {
		if p.tokens[at].kind == kindEnd {
			return false
		}
		at++
	}
	return p.tokens[at-1].is(":") && at+2 < len(p.tokens) && p.tokens[at+1].kind == kindIndent && p.tokens[at+2].isName("case")
}

// matchStatement skips a match statement, which is not followed.
func (p *parser) matchStatement() any {
	for p.next().kind != kindNewline {
	}
	p.skipBlock()
	return unfollowed{"a match statement is not followed"}
}

func (p *parser) ifStatement() any {
	p.at++
	s := ifStatement{condition: p.expression()}
	s.then = p.block()
	line := p.peek().line
	switch {
	case p.peek().isName("elif"):
		p.enter()
		inner := p.ifStatement()
		p.leave()
		s.otherwise = []statement{{line, inner}}
	case p.acceptName("else"):
		s.otherwise = p.block()
	}
	return s
}

func (p *parser) forStatement() any {
	p.at++
	s := forStatement{target: p.targets()}
	p.expectName("in")
	s.of = p.expressions()
	s.body = p.block()
	if p.acceptName("else") {
		s.otherwise = p.block()
	}
	return s
}

func (p *parser) whileStatement() any {
	p.at++
	s := whileStatement{condition: p.expression()}
	s.body = p.block()
	if p.acceptName("else") {
		s.otherwise = p.block()
	}
	return s
}

func (p *parser) tryStatement() any {
	p.at++
	s := tryStatement{body: p.block()}
	for p.acceptName("except") {
		p.accept("*")
		if !p.peek().is(":") {
			p.expressions() // Python 2: except E, name
			if p.acceptName("as") {
				p.identifier()
			}
		}
		s.handlers = append(s.handlers, p.block())
	}
	if p.acceptName("else") {
		s.otherwise = p.block()
	}
	if p.acceptName("finally") {
		s.finally = p.block()
	}
	return s
}

// simple reads one simple statement.
func (p *parser) simple() any {
	t := p.peek()
	if t.kind == kindName {
		switch t.text {
		case "pass":
			p.at++
			return empty{}
		case "break", "continue":
			p.at++
			return jump{t.text}
		case "global", "nonlocal":
			p.at++
			p.identifier()
			for p.accept(",") {
				p.identifier()
			}
			return empty{}
		case "import":
			return p.importStatement()
		case "from":
			return p.fromStatement()
		case "return":
			p.at++
			return returnStatement{p.optionalExpressions()}
		case "yield":
			return expressionStatement{p.yield()}
		case "raise":
			p.at++
			if p.optionalExpressions(); p.acceptName("from") {
				p.expression()
			}
			return raising{}
		case "del":
			p.at++
			return p.deletion()
		case "assert":
			p.at++
			s := assertion{p.expression()}
			if p.accept(",") {
				p.expression()
			}
			return s
		case "print", "exec":
			if p.isOldStatement() {
				return p.oldStatement(t.text)
			}
		case "type":
			if next := p.tokens[p.at+1]; next.kind == kindName && !keywords[next.text] {
				p.at += 2
				p.expect("=")
				p.expression()
				return empty{}
			}
		}
	}
	return p.assignment()
}

// isOldStatement reports whether print or exec begins a statement of Python 2 here: no expression
// can continue with the next token. print (…) is parsed as a call, which has the same effect.
func (p *parser) isOldStatement() bool {
	next := p.tokens[p.at+1]
	switch next.kind {
	case kindString, kindNumber:
		return true
	case kindNewline:
		return p.peek().text == "print"
	case kindName:
		return !keywords[next.text] || next.text == "not" || next.text == "lambda"
	case kindOperator:
		return next.text == ">>"
	}
	return false
}

func (p *parser) oldStatement(word string) any {
	p.at++
	if word == "print" {
		if p.accept(">>") {
			p.expression()
			p.accept(",")
		}
		p.optionalExpressions()
		return empty{}
	}
	s := execStatement{p.binary(0)}
	if p.acceptName("in") {
		p.expressions()
	}
	return s
}

func (p *parser) deletion() any {
	var s deletion
	if sequence, ok := p.expressions().(sequence); ok {
		s.targets = sequence.items
	}
	return s
}

var augmented = map[string]bool{"+=": true, "-=": true, "*=": true, "/=": true, "//=": true, "%=": true, "**=": true,

	"&=": true, "|=": true, "^=": true, ">>=": true, "<<=": true, "@=": true}

func (p *parser) assignment() any {
	first := p.expressions()
	t := p.peek()
	switch {
	case t.is(":"): // x: int = 1
		p.at++
		p.expression()
		if !p.accept("=") {
			return empty{}
		}
		return assignment{targets: []expression{first}, value: p.valueOrYield()}
	case t.kind == kindOperator && augmented[t.text]:
		p.at++
		return assignment{[]expression{first}, strings.TrimSuffix(t.text, "="), p.valueOrYield()}
	case t.is("="):
		all := []expression{first}
		for p.accept("=") {
			all = append(all, p.valueOrYield())
		}
		return assignment{targets: all[:len(all)-1], value: all[len(all)-1]}
	}
	return expressionStatement{first}
}

func (p *parser) withStatement() any {
	p.at++
	var s withStatement
	start := p.at
	if p.accept("(") { // with (open(a) as f, open(b) as g):
		if items, ok := p.try(func() []withItem { return p.withItems(")") }); ok {
			s.items = items
			s.body = p.block()
			return s
		}
		p.at = start
	}
	s.items = p.withItems("")
	s.body = p.block()
	return s
}

// try reads by read; where that fails it reports so and has read nothing.
func (p *parser) try(read func() []withItem) (items []withItem, ok bool) {
	at, depth := p.at, p.depth
	defer func() {
		if r := recover(); r != nil {
			if _, is := r.(syntaxError); !is {
				panic(r)
			}
			p.at, p.depth, items, ok = at, depth, nil, false
		}
	}()
	return read(), true
}

// withItems reads the items of a with statement up to its colon; closing is the bracket around
// them.
func (p *parser) withItems(closing string) []withItem {
	var items []withItem
	for {
		item := withItem{of: p.expression()}
		if p.acceptName("as") {
			item.as = p.target()
		}
		items = append(items, item)
		if !p.accept(",") || closing != "" && p.peek().is(closing) {
			break
		}
	}
	if closing != "" {
		p.expect(closing)
	}
	if !p.peek().is(":") {
		p.failAt()
	}
	return items
}

func (p *parser) importStatement() any {
	p.at++
	var s importStatement
	for {
		one := importedName{name: p.dottedName()}
		if p.acceptName("as") {
			one.as = p.identifier()
		}
		s.names = append(s.names, one)
		if !p.accept(",") {
			return s
		}
	}
}

func (p *parser) dottedName() string {
	text := p.identifier()
	for p.accept(".") {
		text += "." + p.identifier()
	}
	return text
}

func (p *parser) fromStatement() any {
	p.at++
	var s importStatement
	for p.peek().is(".") || p.peek().is("...") {
		s.module += p.next().text
	}
	if !p.peek().isName("import") {
		s.module += p.dottedName()
	}
	p.expectName("import")
	if p.accept("*") {
		s.names = []importedName{{name: "*"}}
		return s
	}
	brackets := p.accept("(")
	for {
		one := importedName{name: p.identifier()}
		if p.acceptName("as") {
			one.as = p.identifier()
		}
		s.names = append(s.names, one)
		if !p.accept(",") || brackets && p.peek().is(")") {
			break
		}
	}
	if brackets {
		p.expect(")")
	}
	return s
}
