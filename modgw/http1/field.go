package http1

import (
	"bytes"
	"iter"
)

// kind is the meaning of a field for the parser.
type kind uint8

const (
	plainField kind = iota
	hostField
	lengthField
	codingField
	expectField
	connectionField
	trailerField
)

// span is a part of a buffer.
type span struct{ start, end int }

func (s span) of(b []byte) []byte { return b[s.start:s.end] }

// field is a line of a head, or a trailer.
type field struct {
	name, value span
	kind        kind
}

// startField begins a field, or ends them all.
func (p *Parser) startField(b []byte) {
	if p.part == inBody { // the last chunk was read
		p.part, p.head.fields = inTrailer, p.head.fields[:0]
		return
	}
	switch c := b[p.seen]; {
	case classes[c]&tokenByte != 0:
		if p.part == inHead && len(p.head.fields) == p.limits.Fields {
			p.refused = ManyFields
			return
		}
		p.at, p.start = atName, p.seen
	case c == '\r':
		p.endFields()
	case c == ' ', c == '\t':
		p.refused = FoldedField
	case c == '\n':
		p.refused = BareLineFeed
	default:
		p.refused = BadFieldName
	}
}

func (p *Parser) readName(b []byte) {
	next, ok := p.readRun(b, tokenByte)
	if !ok {
		return
	}
	switch next {
	case ':':
		name := span{p.start, p.seen}
		kind, why := p.judgeName(name.of(b))
		if why != "" {
			p.refused = why
			return
		}
		p.head.fields = append(p.head.fields, field{name: name, kind: kind})
		p.seen++
		p.at, p.start = atValue, p.seen
	case ' ', '\t':
		p.refused = SpaceBeforeColon
	case '\n':
		p.refused = BareLineFeed
	default:
		p.refused = BadFieldName
	}
}

// judgeName returns the kind of a field by its name, and the reason why it may not occur here, or
// not a second time.
func (p *Parser) judgeName(name []byte) (kind, Reason) {
	if p.part == inTrailer {
		if mayNotTrail(name) {
			return plainField, BadTrailer
		}
		return plainField, ""
	}
	switch h := &p.head; {
	case equalFold(name, "host"):
		if h.hasHost {
			return hostField, TwoHosts
		}
		h.hasHost = true
		return hostField, ""
	case equalFold(name, "content-length"):
		switch h.framing {
		case byLength:
			return lengthField, TwoLengths
		case inChunks:
			return lengthField, LengthAndCoding
		}
		h.framing = byLength
		return lengthField, ""
	case equalFold(name, "transfer-encoding"):
		switch h.framing {
		case inChunks:
			return codingField, BadCoding
		case byLength:
			return codingField, LengthAndCoding
		}
		h.framing = inChunks
		return codingField, ""
	case equalFold(name, "expect"):
		return expectField, ""
	case equalFold(name, "connection"):
		return connectionField, ""
	case equalFold(name, "trailer"):
		return trailerField, ""
	}
	return plainField, ""
}

// notTrailers are fields that must be known before the body is read, or that identify the client
// (RFC 9110 section 6.5.1).
var notTrailers = []string{
	"content-length", "transfer-encoding", "trailer", "te", "connection", "upgrade", "keep-alive",
	"host", "expect", "max-forwards", "cache-control", "range",
	"authorization", "proxy-authorization", "cookie",
	"content-encoding", "content-type", "content-range",
}

func mayNotTrail(name []byte) bool {
	for _, not := range notTrailers {
		if equalFold(name, not) {
			return true
		}
	}
	return false
}

// readValue reads a field's value and the end of its line.
func (p *Parser) readValue(b []byte) {
	next, ok := p.readRun(b, valueByte)
	if !ok {
		return
	}
	switch next {
	case '\r':
		f := &p.head.fields[len(p.head.fields)-1]
		f.value.start, f.value.end = trimSpace(b, p.start, p.seen)
		if why := p.judgeValue(f.kind, f.value.of(b)); why != "" {
			p.refused = why
			return
		}
		p.endLine(atField)
	case '\n':
		p.refused = BareLineFeed
	default:
		p.refused = ControlInValue
	}
}

func (p *Parser) judgeValue(kind kind, value []byte) Reason {
	switch h := &p.head; kind {
	case lengthField:
		length, ok := parseLength(value)
		if !ok {
			return BadLength
		}
		p.remaining = length
	case codingField:
		if !equalFold(value, "chunked") {
			return BadCoding
		}
	case expectField:
		if len(value) > 0 && !equalFold(value, "100-continue") {
			return BadExpectation
		}
		h.expects = h.expects || len(value) > 0
	case connectionField:
		for token := range tokens(value) {
			h.close = h.close || equalFold(token, "close")
			h.keepAlive = h.keepAlive || equalFold(token, "keep-alive")
		}
	case trailerField:
		for token := range tokens(value) {
			if equalFold(token, "transfer-encoding") || equalFold(token, "content-length") || equalFold(token, "trailer") {
				return BadTrailer
			}
		}
	}
	return ""
}

// tokens are the members of a list (RFC 9110 section 5.6.1).
func tokens(list []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for token := range bytes.SplitSeq(list, []byte(",")) {
			if start, end := trimSpace(token, 0, len(token)); !yield(token[start:end]) {
				return
			}
		}
	}
}

// parseLength parses a Content-Length that fits into 63 bits.
func parseLength(value []byte) (length uint64, ok bool) {
	for _, c := range value {
		if c < '0' || c > '9' || length > (1<<63-1)/10-1 {
			return 0, false
		}
		length = 10*length + uint64(c-'0')
	}
	return length, len(value) > 0
}

// endFields reads the carriage return of the empty line after the last field.
func (p *Parser) endFields() {
	switch h := &p.head; {
	case p.part == inTrailer:
	case h.minor == 0 && h.framing == inChunks:
		p.refused = OldCoding
		return
	case h.minor != 0 && !h.hasHost:
		p.refused = NoHost
		return
	}
	p.ends, p.head.length = true, int64(p.remaining)
	switch {
	case p.head.framing == inChunks:
		p.endLine(atChunkSize)
	case p.remaining > 0:
		p.endLine(atBody)
	default:
		p.endLine(atBodyEnd)
	}
}
