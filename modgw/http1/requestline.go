package http1

// readPreface consumes bytes that may be the HTTP/2 preface. Methods that begin otherwise are
// recognised by their first bytes.
func (p *Parser) readPreface(b []byte) {
	if p.part == betweenRequests {
		if b[p.seen] != Preface[0] {
			p.at = atStart
			return
		}
		p.beginHead()
	}
	for ; p.seen < len(b); p.seen++ {
		if b[p.seen] == Preface[p.seen] {
			if p.seen+1 < len(Preface) {
				continue
			}
			p.seen++
			p.at, p.part, p.event = atEnd, inBody, HTTP2Preface
			return
		}
		if p.seen > len("PRI") {
			p.refused = BadPreface
			return
		}
		p.at = atMethod
		return
	}
}

// startRequest begins a request. Empty lines before it are ignored (RFC 9112 section 2.2).
func (p *Parser) startRequest(c byte) {
	switch {
	case classes[c]&tokenByte != 0:
		p.beginHead()
		p.at = atMethod
	case c == '\r' && p.blank < maxBlankLines:
		p.blank++
		p.endLine(atStart)
	case c == '\n':
		p.refused = BareLineFeed
	default:
		p.refused = BadRequestLine
	}
}

// beginHead begins a head, of which no byte was read.
func (p *Parser) beginHead() {
	p.part, p.start, p.blank, p.extension, p.remaining = inHead, 0, 0, 0, 0
	fields := p.head.fields[:0]
	if cap(fields) > keptFields {
		fields = nil
	}
	p.head = Head{fields: fields}
}

func (p *Parser) readMethod(b []byte) {
	switch next, ok := p.readRun(b, tokenByte); {
	case !ok:
	case next != ' ':
		p.refused = BadRequestLine
	default:
		p.head.method = span{p.start, p.seen}
		p.seen++
		p.at, p.start = atTarget, p.seen
	}
}

func (p *Parser) readTarget(b []byte) {
	c, ok := p.readRun(b, targetByte)
	switch {
	case !ok:
	case c == ' ' && p.seen > p.start:
		p.head.target = span{p.start, p.seen}
		p.seen++
		p.at, p.start = atVersion, p.seen
	case c == ' ', c == '\r':
		p.refused = BadRequestLine
	case c == '\n':
		p.refused = BareLineFeed
	default:
		p.refused = ControlInTarget
	}
}

// readVersion reads "HTTP/", a digit, a point, a digit, and the end of the line.
func (p *Parser) readVersion(b []byte) {
	const shape = "HTTP/0.0\r"
	for ; p.seen < len(b); p.seen++ {
		c, at := b[p.seen], p.seen-p.start
		digit := c >= '0' && c <= '9'
		switch {
		case at == len("HTTP/") && digit:
			p.head.major = c - '0'
		case at == len("HTTP/0.") && digit:
			p.head.minor = c - '0'
		case c == '\n':
			p.refused = BareLineFeed
			return
		case c != shape[at]:
			p.refused = BadRequestLine
			return
		case c == '\r' && p.head.major != 1:
			p.refused = OtherVersion
			return
		case c == '\r':
			p.endLine(atField)
			return
		}
	}
}
