package pysource

import (
	"strings"
)

// expressions reads one expression, or several with commas, which are a tuple.
func (p *parser) expressions() expression {
	first := p.starExpression()
	if !p.peek().is(",") {
		return first
	}
	items := []expression{first}
	for p.accept(",") {
		if p.endsExpression() {
			break
		}
		items = append(items, p.starExpression())
	}
	return sequence{items, true}
}

// endsExpression reports whether no expression begins with the next token.
func (p *parser) endsExpression() bool {
	switch t := p.peek(); t.kind {
	case kindNewline, kindEnd, kindDedent, kindIndent:
		return true
	case kindOperator:
		return strings.HasSuffix(t.text, "=") || strings.Contains(")]}:;", t.text)
	case kindName:
		return t.text == "in" || t.text == "from" || t.text == "for" || t.text == "as" || t.text == "if"
	}
	return false
}

func (p *parser) optionalExpressions() expression {
	if p.endsExpression() {
		return nil
	}
	return p.valueOrYield()
}

func (p *parser) valueOrYield() expression {
	if p.peek().isName("yield") {
		return p.yield()
	}
	return p.expressions()
}

func (p *parser) yield() expression {
	p.at++
	p.yields = true
	if !p.acceptName("from") && p.endsExpression() {
		return opaque{"it is a generator"}
	}
	p.expressions()
	return opaque{"it is a generator"}
}

func (p *parser) starExpression() expression {
	if p.accept("*") {
		return starred{p.binary(0)}
	}
	return p.expression()
}

// targets parses the targets of a for statement.
func (p *parser) targets() expression {
	first := p.target()
	if !p.peek().is(",") {
		return first
	}
	items := []expression{first}
	for p.accept(",") {
		if p.peek().isName("in") {
			break
		}
		items = append(items, p.target())
	}
	return sequence{items, true}
}

func (p *parser) target() expression {
	if p.accept("*") {
		return starred{p.primary()}
	}
	return p.primary()
}

// expression reads one expression, without commas.
func (p *parser) expression() expression {
	p.enter()
	defer p.leave()
	if p.peek().isName("lambda") {
		return p.lambda()
	}
	then := p.or()
	if t := p.peek(); t.is(":=") {
		n, ok := then.(name)
		if !ok {
			p.failAt()
		}
		p.at++
		return walrus{n.text, p.expression()}
	}
	if !p.peek().isName("if") {
		return then
	}
	p.at++
	condition := p.or()
	p.expectName("else")
	return conditional{condition, then, p.expression()}
}

func (p *parser) lambda() expression {
	p.at++
	f := &function{params: p.parameters(":")}
	p.expect(":")
	f.returns = p.expression()
	return f
}

// precedence has the binary operators, those that bind weakest first.
var precedence = [][]string{{"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "//", "%", "@"}}

// primary parses an atom with its trailers.
func (p *parser) primary() expression {
	e := p.atom()
	for {
		switch {
		case p.accept("."):
			e = attribute{e, p.identifier()}
		case p.accept("("):
			e = call{e, p.arguments(")")}
		case p.accept("["):
			e = subscript{e, p.index()}
		default:
			return e
		}
	}
}

// arguments reads the arguments of a call, and its closing bracket.
func (p *parser) arguments(closing string) []argument {
	var all []argument
	for !p.accept(closing) {
		all = append(all, p.argument())
		if !p.accept(",") && !p.peek().is(closing) {
			p.failAt()
		}
	}
	return all
}

func (p *parser) argument() argument {
	switch {
	case p.accept("**"):
		return argument{stars: 2, value: p.expression()}
	case p.accept("*"):
		return argument{stars: 1, value: p.expression()}
	case p.peek().kind == kindName && p.tokens[p.at+1].is("="):
		word := p.identifier()
		p.at++
		return argument{name: word, value: p.expression()}
	}
	value := p.expression()
	if p.startsComprehension() {
		value = comprehension{item: value, clauses: p.clauses()}
	}
	return argument{value: value}
}

func (p *parser) startsComprehension() bool {
	return p.peek().isName("for") || p.peek().isName("async")
}

// index parses the contents of square brackets after an expression, and the closing bracket.
func (p *parser) index() expression {
	var items []expression
	tuple := false
	for !p.accept("]") {
		items = append(items, p.slice())
		if p.accept(",") {
			tuple = true
		} else if !p.peek().is("]") {
			p.failAt()
		}
	}
	switch {
	case len(items) == 0:
		p.fail("it has no index")
	case !tuple:
		return items[0]
	}
	return sequence{items, true}
}

func (p *parser) slice() expression {
	var s sliceIndex
	if !p.peek().is(":") {
		s.low = p.starExpression()
		if !p.peek().is(":") {
			return s.low
		}
	}
	p.expect(":")
	atEnd := func() bool { return p.peek().is(":") || p.peek().is("]") || p.peek().is(",") }
	if !atEnd() {
		s.high = p.expression()
	}
	if p.accept(":") && !atEnd() {
		s.step = p.expression()
	}
	return s
}

func (p *parser) or() expression {
	left := p.and()
	for p.acceptName("or") {
		left = binary{"or", left, p.and()}
	}
	return left
}

func (p *parser) and() expression {
	left := p.not()
	for p.acceptName("and") {
		left = binary{"and", left, p.not()}
	}
	return left
}

func (p *parser) not() expression {
	if p.acceptName("not") {
		p.enter()
		defer p.leave()
		return unary{"not", p.not()}
	}
	return p.comparison()
}

func (p *parser) comparison() expression {
	c := comparison{first: p.binary(0)}
	for {
		operator := p.comparisonOperator()
		if operator == "" {
			break
		}
		c.operators = append(c.operators, operator)
		c.others = append(c.others, p.binary(0))
	}
	if c.operators == nil {
		return c.first
	}
	return c
}

// comparisonOperator consumes an operator of a comparison; "" when there is none.
func (p *parser) comparisonOperator() string {
	t := p.peek()
	switch {
	case t.kind == kindOperator:
		switch t.text {
		case "<", ">", "==", "!=", "<=", ">=":
			return p.next().text
		case "<>":
			p.at++
			return "!="
		}
	case t.isName("in"):
		p.at++
		return "in"
	case t.isName("not") && p.tokens[p.at+1].isName("in"):
		p.at += 2
		return "not in"
	case t.isName("is"):
		p.at++
		if p.acceptName("not") {
			return "is not"
		}
		return "is"
	}
	return ""
}

// binary reads an expression of binary operators of a level and those that bind stronger.
func (p *parser) binary(level int) expression {
	if level == len(precedence) {
		return p.unary()
	}
	left := p.binary(level + 1)
	for {
		operator := p.acceptOneOf(precedence[level])
		if operator == "" {
			return left
		}
		left = binary{operator, left, p.binary(level + 1)}
	}
}

func (p *parser) acceptOneOf(operators []string) string {
	for _, operator := range operators {
		if p.accept(operator) {
			return operator
		}
	}
	return ""
}

func (p *parser) unary() expression {
	p.enter()
	defer p.leave()
	if operator := p.acceptOneOf([]string{"-", "+", "~"}); operator != "" {
		return unary{operator, p.unary()}
	}
	if p.acceptName("await") {
		p.unary()
		return opaque{"it awaits something"}
	}
	left := p.primary()
	if p.accept("**") {
		return binary{"**", left, p.unary()}
	}
	return left
}
