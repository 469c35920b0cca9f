package fcgi

import (
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/fcgi"
)

// verdict says what is in a buffer.
type verdict uint8

const (
	isIncomplete verdict = iota // perhaps the beginning of an ordinary request
	isComplete                  // one
	isUnusual                   // something else
)

// completeRequest says where the parts of a request are in a buffer that begins with it.
type completeRequest struct {
	id         uint16
	keepConn   bool
	params     span
	stdin      span // of the body's records, headers included; of the body alone after joinBody
	bodyLength int
	length     int // of all its records
}

type span struct{ from, to int }

// findRequest looks for an ordinary request in a buffer: of a responder, with all its variables in one record, and nothing
// between its records.
func findRequest(b []byte) (q completeRequest, v verdict) {
	in := records{b: b}
	begin, v := in.next()
	if v != isComplete {
		return q, v
	}
	if begin.Type != fcgi.TypeBegin || begin.ID == 0 || begin.Content != fcgi.BodyLen {
		return q, isUnusual
	}
	parsed := fcgi.ParseBegin(b[fcgi.HeaderLen : fcgi.HeaderLen+fcgi.BodyLen])
	if parsed.Role != fcgi.RoleResponder {
		return q, isUnusual
	}
	q.id, q.keepConn = begin.ID, parsed.KeepConn
	if v := in.expect(fcgi.TypeParams, q.id); v != isComplete {
		return q, v
	}
	q.params = in.content
	if v := in.expect(fcgi.TypeParams, q.id); v != isComplete {
		return q, v
	}
	if !in.content.isEmpty() || q.params.isEmpty() {
		return q, isUnusual
	}
	q.stdin.from = in.at
	for {
		q.stdin.to = in.at
		if v := in.expect(fcgi.TypeStdin, q.id); v != isComplete {
			return q, v
		}
		if in.content.isEmpty() {
			q.length = in.at
			return q, isComplete
		}
		q.bodyLength += in.content.to - in.content.from
	}
}

func (s span) isEmpty() bool { return s.from == s.to }

// records goes through the records in a buffer.
type records struct {
	b       []byte
	at      int  // where the next record begins
	content span // of the last one
}

// next goes to the next record.
func (r *records) next() (h fcgi.Header, v verdict) {
	if len(r.b)-r.at < fcgi.HeaderLen {
		return h, isIncomplete
	}
	h, err := fcgi.ParseHeader(r.b[r.at:])
	if err != nil {
		return h, isUnusual
	}
	from := r.at + fcgi.HeaderLen
	if len(r.b) < from+h.Content+h.Padding {
		return h, isIncomplete
	}
	r.content = span{from, from + h.Content}
	r.at = r.content.to + h.Padding
	return h, isComplete
}

// expect goes to the next record, which must be of a type and belong to a request.
func (r *records) expect(t fcgi.Type, id uint16) verdict {
	h, v := r.next()
	if v == isComplete && (h.Type != t || h.ID != id) {
		return isUnusual
	}
	return v
}

// joinBody puts the pieces of the body together, where its first record began.
func (q *completeRequest) joinBody(b []byte) {
	in := records{b: b[:q.stdin.to], at: q.stdin.from}
	to := q.stdin.from
	for in.at < q.stdin.to {
		if _, v := in.next(); v != isComplete {
			break // which findRequest has ruled out
		}
		to += copy(b[to:], b[in.content.from:in.content.to])
	}
	q.stdin.to = to
}

// body is the body of a request whose pieces were put together.
func (q completeRequest) body(b []byte) []byte { return b[q.stdin.from:q.stdin.to:q.stdin.to] }

// makeRequest makes a request of the variables in the buffer. ok is false when something is wrong with it, which a goroutine
// says.
func (c *loopConn) makeRequest(q completeRequest) (r *http.Request, ok bool) {
	config := &c.server.config
	c.builder = c.server.onLoop.takeBuilder()
	b := c.builder
	if err := config.Limits.EachPair(string(c.buf[q.params.from:q.params.to]), b.Set); err != nil {
		return nil, false
	}
	r, err := b.Request(c.base, cgi.Options{Front: "fcgi", Trusted: c.trusted, Received: time.Now()})
	if err != nil || r.TransferEncoding != nil || r.ContentLength >= 0 && r.ContentLength != int64(q.bodyLength) {
		return nil, false
	}
	r.ContentLength = int64(q.bodyLength)
	config.TrustedProxies.Resolve(r)
	return r, true
}
