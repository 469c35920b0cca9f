package process

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
)

var (
	// errTwoLengths says that a response tells its length in two ways, so that two readers could
	// disagree on its end (RFC 9112, 6.3). net/http would believe the one and not mention the
	// other.
	errTwoLengths = errors.New("it has both Content-Length and Transfer-Encoding")

	// errBeyond says that more came than the response's Content-Length. net/http would drop it.
	errBeyond = errors.New("its body is longer than its Content-Length")
)

// conn is a connection to the program, which looks at responses as they pass.
type conn struct {
	net.Conn
	next atomic.Pointer[expected] // whose response the next thing to be read begins; nil: nothing is expected to begin

	// For the reader alone.
	now  *expected // whose response is being read, or was read last
	scan responseScan
}

// expected is a response that is to come.
type expected struct {
	isHead bool   // it answers HEAD
	beyond func() // is called when more comes than the response's Content-Length after all of that was read
}

// Read reads from the program. Of a piece with which a response breaks a rule nothing is passed on.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	if next := c.next.Swap(nil); next != nil {
		c.now, c.scan = next, responseScan{inHead: true, bodiless: next.isHead}
	}
	complete := c.scan.isComplete()
	if err := c.scan.take(p[:n]); err != nil {
		if complete {
			c.now.beyond() // the request has its answer already
		}
		return 0, err
	}
	return n, err
}

// lineStart is how much of a header line is kept: enough for the names that matter, and a length.
const lineStart = 48

// responseScan follows a response that comes in pieces: it looks for headers that must not stand
// together, and counts the bytes of a body whose length is known. Its zero value lets everything
// pass.
type responseScan struct {
	inHead   bool
	line     [lineStart]byte // how the current line begins
	length   int             // of the current line
	first    bool            // the first line has passed
	interim  bool            // it said that another head follows
	bodiless bool            // what follows the head is no body of it

	sized, coded bool
	size         uint64 // Content-Length, if sized
	counts       bool   // left is to be counted
	left         uint64 // bytes of the body that have not passed yet
}

// isComplete reports whether all bytes of a response with a length have passed.
func (s *responseScan) isComplete() bool { return s.counts && s.left == 0 }

// take follows a piece.
func (s *responseScan) take(p []byte) error {
	for s.inHead && len(p) > 0 {
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
	if !s.counts {
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
	case !s.first:
		s.first = true
		s.statusLine(line)
		return nil
	case len(line) == 0:
		s.endHead()
		return nil
	}
	name, value, _ := bytes.Cut(line, []byte{':'})
	switch string(bytes.ToLower(name)) {
	case "content-length":
		n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 63)
		s.sized, s.size = true, n
		if err != nil {
			s.bodiless = true // net/http refuses it
		}
	case "transfer-encoding":
		s.coded = true
	}
	if s.sized && s.coded {
		return errTwoLengths
	}
	return nil
}

func (s *responseScan) statusLine(line []byte) {
	_, status, _ := bytes.Cut(line, []byte{' '})
	code, _, _ := bytes.Cut(status, []byte{' '})
	switch {
	case len(code) > 2 && code[0] == '1' && string(code) != "101":
		s.interim = true
	case string(code) == "101", string(code) == "204", string(code) == "304":
		s.bodiless = true
	}
}

// endHead begins another head after an interim response, or the body.
func (s *responseScan) endHead() {
	if s.interim {
		*s = responseScan{inHead: true, bodiless: s.bodiless}
		return
	}
	*s = responseScan{counts: s.sized && !s.bodiless, left: s.size}
}
