package http1

// Event is a result of a [Parser].
type Event uint8

const (
	// NeedMore means that the input does not complete another event.
	NeedMore Event = iota

	// HeadRead means that the head of a request is complete: see [Parser.Head].
	HeadRead

	// BodyNext means that [Parser.Ahead] bytes of the body follow. The caller consumes as many of
	// them as it has, and reports the number to [Parser.Advance].
	BodyNext

	// RequestEnd means that the request is complete, with its body and trailers: see
	// [Parser.FillTrailer]. The next byte begins another request.
	RequestEnd

	// HTTP2Preface means that the client speaks HTTP/2. The preface is taken; the parser has
	// nothing else to do.
	HTTP2Preface
)

// Preface is the beginning of an HTTP/2 connection (RFC 9113 section 3.4).
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// step is the state of the parser.
type step uint8

const (
	atPreface step = iota // of HTTP/2, or a request: only at the beginning of a connection
	atStart               // of a request
	atMethod              // within it, as in the next two
	atTarget
	atVersion
	atField // at the beginning of a field's or trailer's line
	atName
	atValue
	atLineFeed // after a carriage return
	atBody     // in the body, or in a chunk's data
	atBodyEnd  // of a body without chunks, or of none
	atChunkEnd
	atChunkSize
	atExtension
	atEnd // of all that the parser reads
)

// part is the part of the request to which the next byte belongs.
type part uint8

const (
	betweenRequests part = iota
	inHead
	inBody
	inTrailer
)

// Parser follows one client through its requests: head, body, next head. It is strict wherever two
// readers could disagree about where a request ends, and keeps no bytes. The zero value is at the
// beginning of a connection.
type Parser struct {
	Limits Limits // set before the first call of Parse

	limits  Limits // without zeros, once Parse was called
	at      step
	after   step // step after the line feed
	part    part
	event   Event  // to be returned; NeedMore: none
	refused Reason // final; "": not refused

	head      Head
	ends      bool // the line is the last one of the head, or of the trailers
	seen      int  // bytes of the head, or of the trailers, that were read
	start     int  // start of the present method, target, name or value
	count     int  // bytes of the present element, where only their number matters
	blank     int  // empty lines before the request
	remaining uint64
	extension int // bytes of all chunk extensions of the body
}

// Head is the head of the request that was read last. It is valid until the caller changes the
// buffer that has it.
func (p *Parser) Head() *Head { return &p.head }

// Ahead returns the number of following bytes that all belong to the body: the rest of the body, or
// of the present chunk.
func (p *Parser) Ahead() int64 {
	if p.at != atBody {
		return 0
	}
	return int64(p.remaining)
}

// Advance reports that the caller has consumed n bytes of the body. n is at most Ahead.
func (p *Parser) Advance(n int) {
	if n < 0 || int64(n) > p.Ahead() {
		panic("http1: Advance beyond the body")
	}
	if n == 0 {
		return
	}
	if p.remaining -= uint64(n); p.remaining > 0 {
		return
	}
	if p.at = atBodyEnd; p.head.framing == inChunks {
		p.at = atChunkEnd
	}
}

// WithinHead reports whether a part of a request's head was read, and the rest is to come.
func (p *Parser) WithinHead() bool { return p.part == inHead && p.refused == "" }

// Refuse makes every further call of Parse fail with the reason: [SlowHead], for example.
func (p *Parser) Refuse(why Reason) { p.refused = why }

// SkipPreface makes the parser read the HTTP/2 preface as an HTTP/1 request, as is required on a
// connection for which HTTP/1 was negotiated. Call it at the beginning of a connection.
func (p *Parser) SkipPreface() { p.at = atStart }

// Parse continues parsing. in begins with the first byte that was not consumed yet: the rest of the
// previous call's input, and the bytes that have arrived since. It returns the next event, and the
// number of bytes of in that were consumed. An error is a [Reason], and final.
func (p *Parser) Parse(in []byte) (event Event, taken int, err error) {
	if p.limits.HeadBytes == 0 {
		p.limits = p.Limits.withDefaults()
	}
	for p.refused == "" {
		switch p.at {
		case atBody:
			return BodyNext, taken, nil
		case atBodyEnd:
			p.endRequest()
			return RequestEnd, taken, nil
		}
		kept := in[taken:]
		if p.seen == len(kept) || p.at == atEnd {
			return NeedMore, taken, nil
		}
		p.read(kept)
		if p.part == inHead || p.part == inTrailer {
			continue // the caller keeps it until it is complete
		}
		taken, p.seen = taken+p.seen, 0
		if event := p.event; event != NeedMore {
			p.event = NeedMore
			return event, taken, nil
		}
	}
	return NeedMore, taken, p.refused
}

// read consumes b from the bytes already seen up to the end of the present step, within the limits
// of its part.
func (p *Parser) read(b []byte) {
	if p.part == inHead || p.part == inTrailer {
		limit, why := p.limit()
		if p.seen >= limit {
			p.refused = why
			return
		}
		b = b[:min(len(b), limit)]
	}
	switch p.at {
	case atPreface:
		p.readPreface(b)
	case atStart:
		p.startRequest(b[p.seen])
	case atMethod:
		p.readMethod(b)
	case atTarget:
		p.readTarget(b)
	case atVersion:
		p.readVersion(b)
	case atField:
		p.startField(b)
	case atName:
		p.readName(b)
	case atValue:
		p.readValue(b)
	case atLineFeed:
		p.readLineFeed(b)
	case atChunkEnd:
		p.endChunk(b[p.seen])
	case atChunkSize:
		p.readChunkSize(b)
	case atExtension:
		p.readExtension(b)
	}
}

// limit returns the largest size of the present part in bytes, and the reason to refuse more.
func (p *Parser) limit() (int, Reason) {
	switch {
	case p.part == inTrailer:
		return p.limits.TrailerBytes, LongTrailers
	case p.at == atTarget:
		return p.limits.HeadBytes, LongTarget
	}
	return p.limits.HeadBytes, LongHead
}

// endLine consumes a carriage return. The step after follows when the line feed has been consumed.
func (p *Parser) endLine(after step) {
	p.seen++
	p.at, p.after = atLineFeed, after
}

func (p *Parser) readLineFeed(b []byte) {
	if b[p.seen] != '\n' {
		p.refused = BareReturn
		return
	}
	p.seen++
	p.at, p.count = p.after, 0
	if !p.ends {
		return
	}
	p.ends, p.head.text = false, b[:p.seen]
	if p.part == inTrailer {
		p.event = RequestEnd
		p.endRequest()
		return
	}
	p.event, p.part = HeadRead, inBody
}

func (p *Parser) endRequest() { p.at, p.part = atStart, betweenRequests }
