package http

// field is what a header or trailer is for framing.
type field uint8

const (
	plainField field = iota
	lengthField
	codingField
	expectField
)

// startField begins a header, or ends them all.
func (f *framing) startField(c byte) int {
	switch {
	case octets[c]&tokenOctet != 0:
		if f.fields++; !f.trailer && f.hasTooManyFields() {
			return f.refuse(0, manyFields)
		}
		f.goTo(atName)
		return 0
	case c == '\r':
		return f.endFields()
	case c == ' ', c == '\t':
		return f.refuse(0, foldedField)
	case c == '\n':
		return f.refuse(0, bareLineFeed)
	}
	return f.refuse(0, badFieldName)
}

func (f *framing) hasTooManyFields() bool {
	return f.limits != nil && f.limits.fields > 0 && f.fields > f.limits.fields
}

func (f *framing) takeName(b []byte) int {
	n := run(b, tokenOctet)
	for _, c := range b[:n] {
		if f.count < len(f.word) {
			f.word[f.count] = c | 0x20 // lower case; what it makes of others is in no name that counts
		}
		f.count++
	}
	if n == len(b) {
		return n
	}
	switch b[n] {
	case ':':
		return f.endName(n)
	case ' ', '\t':
		return f.refuse(n, spaceBeforeColon)
	case '\n':
		return f.refuse(n, bareLineFeed)
	}
	return f.refuse(n, badFieldName)
}

// endName takes the colon after n octets, unless the name may not come here or not again.
func (f *framing) endName(n int) int {
	f.field = plainField
	if f.count <= len(f.word) {
		if why := f.judgeName(f.word[:f.count]); why != accepted {
			return f.refuse(n, why)
		}
	}
	f.goTo(atValue)
	f.gap = false
	return n + 1
}

func (f *framing) judgeName(name []byte) verdict {
	if f.trailer {
		return judgeTrailer(name)
	}
	switch string(name) {
	case "host":
		if f.hasHost {
			return twoHosts
		}
		f.hasHost = true
	case "content-length":
		if f.hasLength {
			return twoLengths
		}
		f.hasLength, f.field = true, lengthField
	case "transfer-encoding":
		if f.chunked {
			return badCoding
		}
		f.chunked, f.field = true, codingField
	case "expect":
		f.field = expectField
	}
	if f.hasLength && f.chunked {
		return lengthAndCoding
	}
	return accepted
}

// judgeTrailer refuses what must be known before the body is read, and what says who the client is (RFC 9110
// section 6.5.1).
func judgeTrailer(name []byte) verdict {
	switch string(name) {
	case "content-length", "transfer-encoding", "trailer", "te", "connection", "upgrade", "keep-alive",
		"host", "expect", "max-forwards", "cache-control", "range",
		"authorization", "proxy-authorization", "cookie",
		"content-encoding", "content-type", "content-range":
		return badTrailer
	}
	return accepted
}

// takeValue takes a field's value and the end of its line.
func (f *framing) takeValue(b []byte) int {
	n := run(b, valueOctet)
	if f.field != plainField {
		if taken := f.keepValue(b[:n]); f.verdict != accepted {
			return taken
		}
	}
	if n == len(b) {
		return n
	}
	switch b[n] {
	case '\r':
		if why := f.judgeValue(); why != accepted {
			return f.refuse(n, why)
		}
		return n + f.endLine(atField)
	case '\n':
		return f.refuse(n, bareLineFeed)
	}
	return f.refuse(n, controlInValue)
}

// keepValue keeps in word a value that must be one word.
func (f *framing) keepValue(b []byte) int {
	for i, c := range b {
		switch {
		case c == ' ', c == '\t':
			f.gap = f.count > 0
		case f.gap, f.count == len(f.word):
			return f.refuse(i, f.field.bad())
		default:
			f.word[f.count] = c | 0x20
			f.count++
		}
	}
	return len(b)
}

// judgeValue judges the value in word.
func (f *framing) judgeValue() verdict {
	switch value := f.word[:f.count]; f.field {
	case lengthField:
		if len(value) == 0 {
			return badLength
		}
		f.remaining = 0
		for _, c := range value {
			if c < '0' || c > '9' || f.remaining > (1<<63-1)/10-1 {
				return badLength
			}
			f.remaining = 10*f.remaining + uint64(c-'0')
		}
	case codingField:
		if string(value) != "chunked" {
			return badCoding
		}
	case expectField:
		if len(value) > 0 && string(value) != "100-continue" {
			return badExpect
		}
	}
	return accepted
}

// bad is the verdict on such a field whose value is not as it must be.
func (f field) bad() verdict {
	switch f {
	case lengthField:
		return badLength
	case expectField:
		return badExpect
	}
	return badCoding
}

// endFields takes the carriage return of the empty line after the last field.
func (f *framing) endFields() int {
	switch {
	case f.trailer:
		f.trailer = false
		return f.endPart(atStart)
	case f.minor == '0' && f.chunked:
		return f.refuse(0, oldCoding)
	case f.minor != '0' && !f.hasHost:
		return f.refuse(0, noHost)
	case f.chunked:
		return f.endPart(atChunkSize)
	case f.remaining > 0:
		return f.endPart(atBody)
	}
	return f.endPart(atStart)
}
