package pysource

import (
	"math"
	"strconv"
	"strings"
)

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

// stringLiteral parses adjacent strings.
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
