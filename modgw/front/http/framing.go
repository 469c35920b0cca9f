package http

// step is what framing expects next.
type step uint8

const (
	atPreface step = iota // of HTTP/2, or a request: only at the beginning of a connection
	atHTTP2               // in the preface of HTTP/2, which the client has agreed to speak
	atStart               // of a request
	atMethod              // within it; likewise the next ones
	atTarget
	atVersion
	atField // at the beginning of a header's or trailer's line
	atName
	atValue
	atLineFeed // after a carriage return
	atBody     // in the body, or in a chunk's data
	atChunkEnd
	atChunkSize
	atExtension
	steppedBy // what comes is not HTTP/1 any more
)

// phase is which part of a request the next octet belongs to.
type phase uint8

const (
	betweenRequests phase = iota
	inHead
	inBody // or in its trailers, or in what is no HTTP/1
)

// maxBlankLines is how many empty lines may come before a request (RFC 9112 section 2.2 asks for at
// least one).
const maxBlankLines = 10

// headLimits bound the head of a request. Zero fields are no bounds.
type headLimits struct {
	octets int // from the method to the empty line
	fields int // lines of headers
}

// preface is how HTTP/2 begins (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// framing follows a client through its HTTP/1 requests: head, body, next head (RFC 9112). It reads strictly where two
// readers could disagree about where a request ends, and keeps nothing but where it is. The zero value is at the
// beginning of a connection without limits.
type framing struct {
	limits    *headLimits // nil: there are none
	completed int         // requests whose last octet has come

	at      step
	after   step    // what comes after the line feed
	phase   phase   // that the next octet is in
	next    phase   // that begins after the line feed
	verdict verdict // final as soon as it is not accepted

	word  [20]byte // the field's name or value in lower case, as far as it fits
	count int      // octets of the present element, which may be more than word has
	gap   bool     // white space has followed the value in word
	field field

	major, minor byte // of the version, as digits
	hasHost      bool
	hasLength    bool
	chunked      bool
	trailer      bool   // the fields are those after the body
	blank        int    // empty lines that came before the request
	head         int    // octets of its head
	fields       int    // lines of its headers
	remaining    uint64 // octets of the body, or of the chunk
	extensions   int    // octets of all the body's chunk extensions
	trailers     int    // octets of all its trailers
}

// feed takes octets that the client has sent next, in pieces of any size: none after one that is
// refused, which verdict tells, and none beyond the phase of the first. It returns how many it has
// taken.
func (f *framing) feed(b []byte) (n int) {
	for begun := f.phase; n < len(b) && f.verdict == accepted && f.phase == begun; {
		n += f.takeWithinLimits(b[n:])
	}
	return n
}

func (f *framing) takeWithinLimits(b []byte) int {
	switch {
	case f.trailer:
		return f.takeTrailer(b)
	case f.phase == inHead && f.limits != nil && f.limits.octets > 0:
		return f.takeHead(b)
	}
	return f.take(b)
}

// takeHead takes octets of a head that may not be longer than its limit.
func (f *framing) takeHead(b []byte) int {
	left := f.limits.octets - f.head
	if left <= 0 {
		if f.at == atTarget {
			return f.refuse(0, longTarget)
		}
		return f.refuse(0, longHead)
	}
	n := f.take(b[:min(len(b), left)])
	f.head += n
	return n
}

// take takes octets up to the next step, and returns how many.
func (f *framing) take(b []byte) int {
	switch f.at {
	case atPreface, atHTTP2:
		return f.takePreface(b)
	case atStart:
		return f.start(b[0])
	case atMethod:
		return f.takeMethod(b)
	case atTarget:
		return f.takeTarget(b)
	case atVersion:
		return f.takeVersion(b)
	case atField:
		return f.startField(b[0])
	case atName:
		return f.takeName(b)
	case atValue:
		return f.takeValue(b)
	case atLineFeed:
		return f.takeLineFeed(b[0])
	case atBody:
		return f.takeBody(b)
	case atChunkEnd:
		return f.endChunk(b[0])
	case atChunkSize:
		return f.takeChunkSize(b)
	case atExtension:
		return f.takeExtension(b)
	}
	return len(b)
}

// refuse refuses the octet after the n that were taken.
func (f *framing) refuse(n int, why verdict) int {
	f.verdict = why
	return n
}

// goTo goes to a step of which nothing was taken yet.
func (f *framing) goTo(at step) { f.at, f.count = at, 0 }

// endLine takes a carriage return. The step after comes when the line feed has come too.
func (f *framing) endLine(after step) int {
	f.goTo(atLineFeed)
	f.after, f.next = after, f.phase
	return 1
}

// endPart is endLine for the last line of a head or of a body.
func (f *framing) endPart(after step) int {
	n := f.endLine(after)
	if f.next = inBody; after == atStart {
		f.next = betweenRequests
	}
	return n
}

func (f *framing) takeLineFeed(c byte) int {
	if c != '\n' {
		return f.refuse(0, bareReturn)
	}
	f.goTo(f.after)
	f.enter(f.next)
	return 1
}

// enter begins a phase.
func (f *framing) enter(next phase) {
	if next == betweenRequests && f.phase != betweenRequests {
		f.completed++
	}
	f.phase = next
}
