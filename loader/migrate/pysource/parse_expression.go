package pysource

import (
	"math"
	"strconv"
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

// targets reads what a for statement assigns to.
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

// precedence has the binary operators, those that bind weakest first.
var precedence = [][]string{{"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "//", "%", "@"}}

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

// primary reads an atom with what is applied to it.
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

// index reads what stands in square brackets behind an expression, and the closing bracket.
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

func (p *parser) atom() expression {
	p.enter()
	defer p.leave()
	t := p.peek()
	switch t.kind {
	case kindNumber:
		p.at++
		return parseNumber(t.text)
	case kindString, kindFormat:
		return p.stringLiteral()
	case kindName:
		return p.nameOrConstant()
	case kindOperator:
		switch t.text {
		case "(":
			p.at++
			return p.parenthesised()
		case "[":
			p.at++
			return p.list()
		case "{":
			p.at++
			return p.dictionaryOrSet()
		case "...":
			p.at++
			return opaque{"it is left open with ..."}
		case "`":
			p.at++
			p.expressions()
			p.expect("`")
			return opaque{"it asks for the text of an object"}
		}
	}
	p.failAt()
	return nil
}

func (p *parser) nameOrConstant() expression {
	switch t := p.peek(); t.text {
	case "None":
		p.at++
		return literal{None{}}
	case "True", "False":
		p.at++
		return literal{t.text == "True"}
	default:
		return name{p.identifier()}
	}
}

func (p *parser) parenthesised() expression {
	if p.accept(")") {
		return sequence{tuple: true}
	}
	if p.peek().isName("yield") {
		e := p.yield()
		p.expect(")")
		return e
	}
	first := p.starExpression()
	if p.startsComprehension() {
		c := comprehension{item: first, clauses: p.clauses()}
		p.expect(")")
		return c
	}
	if p.accept(")") {
		return first
	}
	s := sequence{[]expression{first}, true}
	for p.accept(",") {
		if p.peek().is(")") {
			break
		}
		s.items = append(s.items, p.starExpression())
	}
	p.expect(")")
	return s
}

func (p *parser) list() expression {
	var s sequence
	for !p.accept("]") {
		item := p.starExpression()
		if s.items == nil && p.startsComprehension() {
			c := comprehension{item: item, clauses: p.clauses()}
			p.expect("]")
			return c
		}
		s.items = append(s.items, item)
		if !p.accept(",") && !p.peek().is("]") {
			p.failAt()
		}
	}
	return s
}

func (p *parser) dictionaryOrSet() expression {
	var d dictionary
	var set sequence
	for !p.accept("}") {
		if p.accept("**") {
			d.keys, d.values = append(d.keys, nil), append(d.values, p.binary(0))
		} else {
			key := p.starExpression()
			if p.accept(":") {
				value := p.expression()
				if d.keys == nil && p.startsComprehension() {
					c := comprehension{key, value, p.clauses()}
					p.expect("}")
					return c
				}
				d.keys, d.values = append(d.keys, key), append(d.values, value)
			} else {
				if set.items == nil && p.startsComprehension() {
					c := comprehension{item: key, clauses: p.clauses()}
					p.expect("}")
					return c
				}
				set.items = append(set.items, key)
			}
		}
		if !p.accept(",") && !p.peek().is("}") {
			p.failAt()
		}
	}
	if set.items != nil {
		return set
	}
	return d
}

func (p *parser) clauses() []clause {
	var all []clause
	for {
		switch {
		case p.acceptName("async"):
		case p.acceptName("for"):
			target := p.targets()
			p.expectName("in")
			all = append(all, clause{target, p.or()})
		case p.acceptName("if"):
			all = append(all, clause{nil, p.or()})
		default:
			return all
		}
	}
}

func parseNumber(text string) expression {
	plain := strings.TrimRight(strings.ReplaceAll(text, "_", ""), "lL")
	if n, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return literal{n}
	}
	if f, err := strconv.ParseFloat(plain, 64); err == nil && !math.IsInf(f, 0) {
		if n, err := strconv.ParseInt(plain, 10, 64); err == nil {
			return literal{n}
		}
		return literal{f}
	}
	return opaque{"the number " + text + " is too large or has an unknown form"}
}

// stringLiteral reads strings that stand beside each other.
func (p *parser) stringLiteral() expression {
	var parts []expression
	for {
		switch t := p.peek(); t.kind {
		case kindString:
			p.at++
			parts = append(parts, literal{t.text})
			continue
		case kindFormat:
			p.at++
			parts = append(parts, p.format(t.text, t.line, t.raw))
			continue
		}
		break
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return joined{parts}
}
