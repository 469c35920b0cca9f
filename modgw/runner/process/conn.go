package process

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
)

var (
	// errTwoLengths means that a response declares its length in two ways, so that two readers
	// could disagree on its end (RFC 9112, 6.3). net/http would use one and ignore the other.
	errTwoLengths = errors.New("it has both Content-Length and Transfer-Encoding")

	// errBeyond means that a response is longer than its Content-Length. net/http would drop the
	// rest.
	errBeyond = errors.New("its body is longer than its Content-Length")
)

// conn is a connection to the program, which looks at responses as they pass.
type conn struct {
	net.Conn
	next atomic.Pointer[expected] // begins with the next byte that is read; nil: none does

	// For the reader alone.
	now  *expected // is being read, or was read last
	scan responseScan
}

// expected is a response that is to come.
type expected struct {
	isHead bool   // it answers HEAD
	beyond func() // is called when more comes after the whole Content-Length was read
}

// Read reads from the program. A piece with which a response breaks a rule is not passed on.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	if next := c.next.Swap(nil); next != nil {
		c.now, c.scan = next, responseScan{state: inStatusLine, isHead: next.isHead}
	}
	complete := c.scan.isComplete()
	if err := c.scan.follow(p[:n]); err != nil {
		if complete {
			c.now.beyond() // the request has its answer already
		}
		return 0, err
	}
	return n, err
}

// lineStart is the number of bytes of a header line that are kept: enough for the relevant names
// and a length.
const lineStart = 48

// responseScan follows a response that arrives in pieces: it looks for headers that exclude each
// other, and counts the bytes of a body of known length. Its zero value lets everything pass.
type responseScan struct {
	state  scanState
	isHead bool // the response answers HEAD

	line   [lineStart]byte // the beginning of the current line
	length int             // bytes of the current line so far; a long one has more than line

	after   following // part after the head, by the status
	framing framing   // end of the body, by the head
	left    uint64    // the Content-Length, and then the bytes of the body that have not passed yet
}

// scanState is the part of a response that comes next.
type scanState int

const (
	inPassing    scanState = iota // the rest, of which nothing is known
	inStatusLine                  // the first line of a head
	inHeaders                     // a line of the head after the first
	inBody                        // a body whose bytes are counted
)

// following is the part of a response after the head, as the status determines it.
type following int

const (
	bodyFollows    following = iota
	headFollows              // the response is interim
	nothingFollows           // the status has no body, or another protocol follows
)

// framing is the way in which a head determines the end of its body.
type framing int

const (
	untold     framing = iota
	sized              // by a Content-Length
	unreadable         // by a Content-Length that is no number, which net/http refuses
	coded              // by a Transfer-Encoding
)

// isComplete reports whether all bytes of a response with a length have passed.
func (s *responseScan) isComplete() bool { return s.state == inBody && s.left == 0 }

// follow follows a piece.
func (s *responseScan) follow(p []byte) error {
	for (s.state == inStatusLine || s.state == inHeaders) && len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		line := p[:max(0, end)]
		if end < 0 {
			line = p
		}
		if s.length < lineStart {
			copy(s.line[s.length:], line)
		}
		s.length += len(line)
		if end < 0 {
			return nil
		}
		p = p[end+1:]
		if err := s.endLine(); err != nil {
			return err
		}
	}
	if s.state != inBody {
		return nil
	}
	if uint64(len(p)) > s.left {
		return errBeyond
	}
	s.left -= uint64(len(p))
	return nil
}

func (s *responseScan) endLine() error {
	line := bytes.TrimSuffix(s.line[:min(s.length, lineStart)], []byte{'\r'})
	s.length = 0
	switch {
	case s.state == inStatusLine:
		s.state = inHeaders
		s.readStatusLine(line)
		return nil
	case len(line) == 0:
		s.endHead()
		return nil
	}
	return s.readHeader(line)
}

// readStatusLine determines the part after the head.
func (s *responseScan) readStatusLine(line []byte) {
	_, status, _ := bytes.Cut(line, []byte{' '})
	code, _, _ := bytes.Cut(status, []byte{' '})
	switch {
	case len(code) > 2 && code[0] == '1' && string(code) != "101":
		s.after = headFollows
	case string(code) == "101", string(code) == "204", string(code) == "304":
		s.after = nothingFollows
	}
}

// readHeader finds out where the body ends.
func (s *responseScan) readHeader(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte{':'})
	switch string(bytes.ToLower(name)) {
	case "content-length":
		if s.framing == coded {
			return errTwoLengths
		}
		n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 63)
		if s.framing = sized; err != nil {
			s.framing = unreadable
		}
		s.left = n
	case "transfer-encoding":
		if s.framing == sized || s.framing == unreadable {
			return errTwoLengths
		}
		s.framing = coded
	}
	return nil
}

// endHead begins another head after an interim response, or the body.
func (s *responseScan) endHead() {
	switch {
	case s.after == headFollows:
		*s = responseScan{state: inStatusLine, isHead: s.isHead}
	case s.framing == sized && s.after == bodyFollows && !s.isHead:
		*s = responseScan{state: inBody, left: s.left}
	default:
		*s = responseScan{}
	}
}
