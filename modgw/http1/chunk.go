package http1

// endChunk reads the end of the line that ends a chunk's data.
func (p *Parser) endChunk(c byte) {
	if c != '\r' {
		p.refused = BadChunkEnd
		return
	}
	p.endLine(atChunkSize)
}

func (p *Parser) readChunkSize(b []byte) {
	for ; p.seen < len(b); p.seen++ {
		c := b[p.seen]
		digit, isDigit := hexDigit(c)
		switch {
		case isDigit && p.count < maxSizeDigits:
			p.remaining = 16*p.remaining + digit
			p.count++
		case c == '\r' && p.count > 0:
			p.endChunkSize()
			return
		case c == ';' && p.count > 0:
			p.at = atExtension
			return
		case c == '\n':
			p.refused = BareLineFeed
			return
		default:
			p.refused = BadChunkSize
			return
		}
	}
}

// readExtension reads and ignores the extension of a chunk's size.
func (p *Parser) readExtension(b []byte) {
	n := countLeading(b[p.seen:], valueByte)
	if p.extension += n; p.extension > p.limits.ExtensionBytes {
		p.refused = LongExtensions
		return
	}
	if p.seen += n; p.seen == len(b) {
		return
	}
	switch b[p.seen] {
	case '\r':
		p.endChunkSize()
	case '\n':
		p.refused = BareLineFeed
	default:
		p.refused = BadChunkSize
	}
}

// endChunkSize reads the carriage return of the line. The chunk without data is the last one;
// trailers follow it.
func (p *Parser) endChunkSize() {
	if p.remaining > 0 {
		p.endLine(atBody)
		return
	}
	p.endLine(atField)
}

func hexDigit(c byte) (value uint64, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0'), true
	case c >= 'a' && c <= 'f':
		return uint64(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return uint64(c-'A') + 10, true
	}
	return 0, false
}
