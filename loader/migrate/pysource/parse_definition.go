package pysource

import "strings"

func (p *parser) definition() any {
	p.at++
	f := &function{name: p.identifier()}
	if p.accept("[") { // type parameters
		p.skipBrackets("]")
	}
	p.expect("(")
	f.params = p.parameters(")")
	p.expect(")")
	if p.accept("->") {
		p.expression()
	}
	outer := p.yields
	p.yields = false
	f.body = p.block()
	if p.yields {
		f.opaque = "the function is a generator"
	}
	p.yields = outer
	return definition{f}
}

// parameters reads parameters up to the closing operator, which it leaves.
func (p *parser) parameters(closing string) []parameter {
	var all []parameter
	for !p.peek().is(closing) {
		var one parameter
		switch {
		case p.accept("/"):
		case p.accept("("): // Python 2: def f((a, b))
			p.skipBrackets(")")
			one.name = "."
		default:
			if p.accept("**") {
				one.stars = 2
			} else if p.accept("*") {
				one.stars = 1
			}
			if one.stars != 1 || !p.peek().is(",") {
				one.name = p.identifier()
			}
			if closing != ":" && p.accept(":") {
				p.starExpression()
			}
			if p.accept("=") {
				one.otherwise = p.expression()
			}
		}
		if one.name != "" {
			all = append(all, one)
		}
		if !p.accept(",") {
			break
		}
	}
	return all
}

// skipBrackets skips to behind the closing bracket of one that is open.
func (p *parser) skipBrackets(closing string) {
	for depth := 1; depth > 0; {
		t := p.next()
		switch {
		case t.kind == kindEnd || t.kind == kindNewline:
			p.fail("a bracket is not closed")
		case t.kind == kindOperator && strings.Contains("([{", t.text):
			depth++
		case t.kind == kindOperator && strings.Contains(")]}", t.text):
			if depth--; depth == 0 && t.text != closing {
				p.fail("its brackets do not match")
			}
		}
	}
}

func (p *parser) classDefinition() any {
	p.at++
	s := classDefinition{p.identifier()}
	if p.accept("[") {
		p.skipBrackets("]")
	}
	if p.accept("(") {
		p.arguments(")")
	}
	p.block()
	return s
}

func (p *parser) decorated() any {
	for p.accept("@") {
		p.expression()
		if p.peek().kind != kindNewline {
			p.failAt()
		}
		p.at++
	}
	return p.opaque("the function has a decorator")
}

func (p *parser) asyncStatement() any {
	p.at++
	return p.opaque("the function is asynchronous")
}

// opaque reads a compound statement. A function that it defines is not evaluated, because of why.
func (p *parser) opaque(why string) any {
	read := p.compound()
	if read == nil {
		p.failAt()
	}
	node := read()
	if d, ok := node.(definition); ok {
		d.function.opaque = why
	}
	return node
}
