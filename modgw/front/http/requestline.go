package http

// takePreface takes what could become HTTP/2. All methods that begin otherwise are seen to at their first octets.
func (f *framing) takePreface(b []byte) int {
	if f.phase == betweenRequests {
		if f.at == atPreface && b[0] != preface[0] {
			f.goTo(atStart)
		} else {
			f.enter(inHead)
		}
		return 0
	}
	for i, c := range b {
		switch {
		case c == preface[f.count]:
			f.count++
		case f.at == atHTTP2 || f.count > len("PRI"):
			return f.refuse(i, badPreface)
		default:
			f.goTo(atMethod)
			return i
		}
		if f.count == len(preface) {
			f.goTo(steppedBy)
			f.enter(inBody)
			return i + 1
		}
	}
	return len(b)
}

// start begins a request. Empty lines before it are ignored (RFC 9112 section 2.2).
func (f *framing) start(c byte) int {
	switch {
	case octets[c]&tokenOctet != 0:
		*f = framing{limits: f.limits, completed: f.completed, at: atMethod, phase: inHead}
		return 0
	case c == '\r' && f.blank < maxBlankLines:
		f.blank++
		return f.endLine(atStart)
	case c == '\n':
		return f.refuse(0, bareLineFeed)
	}
	return f.refuse(0, badRequestLine)
}

func (f *framing) takeMethod(b []byte) int {
	n := run(b, tokenOctet)
	if n == len(b) {
		return n
	}
	if b[n] != ' ' {
		return f.refuse(n, badRequestLine)
	}
	f.goTo(atTarget)
	return n + 1
}

func (f *framing) takeTarget(b []byte) int {
	n := run(b, targetOctet)
	f.count += n
	if n == len(b) {
		return n
	}
	switch c := b[n]; {
	case c == ' ' && f.count > 0:
		f.goTo(atVersion)
		return n + 1
	case c == ' ', c == '\r':
		return f.refuse(n, badRequestLine)
	case c == '\n':
		return f.refuse(n, bareLineFeed)
	}
	return f.refuse(n, controlInTarget)
}

// takeVersion takes "HTTP/", a digit, a point, a digit, and the end of the line.
func (f *framing) takeVersion(b []byte) int {
	const shape = "HTTP/0.0\r"
	for i, c := range b {
		digit := c >= '0' && c <= '9'
		switch {
		case f.count == 5 && digit:
			f.major = c
		case f.count == 7 && digit:
			f.minor = c
		case c == '\n':
			return f.refuse(i, bareLineFeed)
		case c != shape[f.count]:
			return f.refuse(i, badRequestLine)
		case c == '\r' && f.major != '1':
			return f.refuse(i, otherVersion)
		case c == '\r':
			return i + f.endLine(atField)
		}
		f.count++
	}
	return len(b)
}
