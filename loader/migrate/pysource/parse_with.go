package pysource

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
