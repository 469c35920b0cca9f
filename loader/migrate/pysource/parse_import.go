package pysource

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
