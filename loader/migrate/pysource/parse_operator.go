package pysource

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
