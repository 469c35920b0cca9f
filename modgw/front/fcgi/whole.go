package fcgi

import (
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/front/onloop"
)

// wholeRequest has the positions of the parts of a request in a buffer that begins with it.
type wholeRequest struct {
	id         uint16
	keepConn   bool
	params     span
	stdin      span // records of the body, headers included; the body alone after joinBody
	bodyLength int
	length     int // bytes of all its records
}

type span struct{ from, to int }

// findRequest looks for an ordinary request in a buffer: of a responder, with all its variables in
// one record, and nothing between its records.
func findRequest(b []byte) (q wholeRequest, p onloop.Progress) {
	in := records{b: b}
	begin, p := in.next()
	if p != onloop.Whole {
		return q, p
	}
	if begin.Type != fcgi.TypeBegin || begin.ID == 0 || begin.Content != fcgi.BodyLen {
		return q, onloop.Unusual
	}
	parsed := fcgi.ParseBegin(b[fcgi.HeaderLen : fcgi.HeaderLen+fcgi.BodyLen])
	if parsed.Role != fcgi.RoleResponder {
		return q, onloop.Unusual
	}
	q.id, q.keepConn = begin.ID, parsed.KeepConn
	if p := in.expect(fcgi.TypeParams, q.id); p != onloop.Whole {
		return q, p
	}
	q.params = in.content
	if p := in.expect(fcgi.TypeParams, q.id); p != onloop.Whole {
		return q, p
	}
	if !in.content.isEmpty() || q.params.isEmpty() {
		return q, onloop.Unusual
	}
	q.stdin.from = in.at
	for {
		q.stdin.to = in.at
		if p := in.expect(fcgi.TypeStdin, q.id); p != onloop.Whole {
			return q, p
		}
		if in.content.isEmpty() {
			q.length = in.at
			return q, onloop.Whole
		}
		q.bodyLength += in.content.to - in.content.from
	}
}

func (s span) isEmpty() bool { return s.from == s.to }

// records goes through the records in a buffer.
type records struct {
	b       []byte
	at      int  // begin of the next record
	content span // content of the last one
}

// next goes to the next record.
func (r *records) next() (h fcgi.Header, p onloop.Progress) {
	if len(r.b)-r.at < fcgi.HeaderLen {
		return h, onloop.Partial
	}
	h, err := fcgi.ParseHeader(r.b[r.at:])
	if err != nil {
		return h, onloop.Unusual
	}
	from := r.at + fcgi.HeaderLen
	if len(r.b) < from+h.Content+h.Padding {
		return h, onloop.Partial
	}
	r.content = span{from, from + h.Content}
	r.at = r.content.to + h.Padding
	return h, onloop.Whole
}

// expect goes to the next record, which must be of a type and belong to a request.
func (r *records) expect(t fcgi.Type, id uint16) onloop.Progress {
	h, p := r.next()
	if p == onloop.Whole && (h.Type != t || h.ID != id) {
		return onloop.Unusual
	}
	return p
}

// joinBody puts the pieces of the body together, where its first record began.
func (q *wholeRequest) joinBody(b []byte) {
	in := records{b: b[:q.stdin.to], at: q.stdin.from}
	to := q.stdin.from
	for in.at < q.stdin.to {
		if _, p := in.next(); p != onloop.Whole {
			break // which findRequest has ruled out
		}
		to += copy(b[to:], b[in.content.from:in.content.to])
	}
	q.stdin.to = to
}

// body is the body of a request whose pieces were put together.
func (q wholeRequest) body(b []byte) []byte { return b[q.stdin.from:q.stdin.to:q.stdin.to] }
