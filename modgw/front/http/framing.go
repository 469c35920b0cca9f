package http

// step is what framing expects next.
type step uint8

const (
	atPreface step = iota // of HTTP/2, or a request: only at the beginning of a connection
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
	atEnd     // of what can be understood: nothing may follow
	steppedBy // what comes is not HTTP/1 any more
)

// preface is how HTTP/2 begins (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// framing follows a client through its HTTP/1 requests: head, body, next head (RFC 9112). It reads strictly where two
// readers could disagree about where a request ends, and keeps nothing but where it is. The zero value is at the
// beginning of a connection.
type framing struct {
	at      step
	after   step    // what comes after the line feed
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
	blank        bool   // an empty line came before the request
	remaining    uint64 // octets of the body, or of the chunk
	extensions   int    // octets of all the body's chunk extensions
	trailers     int    // octets of all its trailers
}

// feed takes what the client has sent next, in pieces of any size. It returns how many octets of b come before the one
// that is refused, and why that one is; len(b) and accepted when none is. After a refusal it takes nothing.
func (f *framing) feed(b []byte) (int, verdict) {
	n := 0
	for n < len(b) && f.verdict == accepted {
		if f.trailer {
			n += f.takeTrailer(b[n:])
		} else {
			n += f.take(b[n:])
		}
	}
	return n, f.verdict
}

// take takes octets up to the next step, and returns how many.
func (f *framing) take(b []byte) int {
	switch f.at {
	case atPreface:
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
	case atEnd:
		return f.refuse(0, afterTheEnd)
	}
	return len(b)
}

// refuse refuses the octet after the n that were taken.
func (f *framing) refuse(n int, why verdict) int {
	f.verdict = why
	return n
}

// next goes to a step of which nothing was taken yet.
func (f *framing) next(at step) { f.at, f.count = at, 0 }

// endLine takes a carriage return. The step after comes when the line feed has come too.
func (f *framing) endLine(after step) int {
	f.next(atLineFeed)
	f.after = after
	return 1
}

func (f *framing) takeLineFeed(c byte) int {
	if c != '\n' {
		return f.refuse(0, bareReturn)
	}
	f.next(f.after)
	return 1
}

// early reports whether so little of a request was taken that its first line cannot be complete.
func (f *framing) early() bool {
	return f.at == atStart || f.at == atMethod || f.at == atTarget || f.at == atLineFeed && f.blank
}
