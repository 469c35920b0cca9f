package http

import (
	"io"
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw/http1"
)

// smallRead is the largest read of a handler for which more than the requested bytes are read at
// once.
const smallRead = 4 << 10

// readBody reads the body of the request that is served. The error is [io.EOF] at its end, an
// [http1.Reason], or one of the connection.
func (c *conn) readBody(p []byte, r *http.Request) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		event, used, err := c.parser.Parse(c.in.bytes())
		if event == http1.RequestEnd {
			c.parser.FillTrailer(r)
		}
		c.in.discard(used)
		ahead := c.parser.Ahead()
		switch {
		case err != nil:
			return n, err
		case event == http1.RequestEnd:
			return n, io.EOF
		case n > 0 && (event == http1.NeedMore || ahead > 0):
			return n, nil
		case ahead > 0 && c.in.len() > 0:
			n = copy(p[:min(int64(len(p)), ahead)], c.in.bytes())
			c.in.discard(n)
			c.parser.Advance(n) // and see whether that was all
			continue
		case ahead > 0 && (len(p) >= smallRead || int64(len(p)) >= ahead):
			n, err = c.readInTime(p[:min(int64(len(p)), ahead)], time.Time{}, time.Now(), forMore)
			c.parser.Advance(n)
		default:
			err = c.fill(time.Time{}, time.Now(), forMore)
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return n, err
		}
	}
}

// hasRest reports whether a part of the body of the request that is served has not come yet.
func (c *conn) hasRest() bool {
	ahead, left := c.parser, c.in.bytes() // a copy, which reads in its place
	for {
		event, used, err := ahead.Parse(left)
		left = left[used:]
		switch {
		case event == http1.RequestEnd:
			return false
		case err != nil, event == http1.NeedMore, len(left) == 0:
			return true
		}
		n := int(min(ahead.Ahead(), int64(len(left))))
		ahead.Advance(n)
		left = left[n:]
	}
}
