package process

import (
	"bytes"
	"errors"
	"net"
	"sync/atomic"
)

// errTwoLengths says that a response tells its length in two ways, so that two readers could disagree on its end
// (RFC 9112, 6.3). net/http would believe the one and not mention the other.
var errTwoLengths = errors.New("it has both Content-Length and Transfer-Encoding")

// conn is a connection to the program, which looks at the heads of responses as they pass.
type conn struct {
	net.Conn
	expecting atomic.Bool // the next thing to be read is the head of a response
	head      headScan    // for the reader alone
}

// Read reads from the program.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && c.expecting.Swap(false) {
		c.head = headScan{open: true}
	}
	if c.head.open && !c.head.take(p[:n]) {
		c.head.open = false
		return 0, errTwoLengths
	}
	return n, err
}

// lineStart is how much of a header line is kept: enough for the names that matter.
const lineStart = 24

// headScan looks for headers that must not stand together, in a head that comes in pieces.
type headScan struct {
	open         bool
	line         [lineStart]byte // how the current line begins
	length       int             // of the current line
	first        bool            // the first line has passed
	interim      bool            // it said that another head follows
	sized, coded bool
}

// take reports whether all is well with a piece.
func (h *headScan) take(p []byte) bool {
	for _, c := range p {
		if c != '\n' {
			if h.length < lineStart {
				h.line[h.length] = c
			}
			h.length++
			continue
		}
		if !h.endLine() {
			return false
		}
		if !h.open {
			break
		}
	}
	return true
}

func (h *headScan) endLine() bool {
	line := bytes.TrimSuffix(h.line[:min(h.length, lineStart)], []byte{'\r'})
	h.length = 0
	switch {
	case !h.first:
		_, status, _ := bytes.Cut(line, []byte{' '})
		h.first, h.interim = true, len(status) > 2 && status[0] == '1' && !bytes.HasPrefix(status, []byte("101"))
		return true
	case len(line) == 0:
		*h = headScan{open: h.interim}
		return true
	}
	name, _, _ := bytes.Cut(bytes.ToLower(line), []byte{':'})
	switch string(name) {
	case "content-length":
		h.sized = true
	case "transfer-encoding":
		h.coded = true
	}
	return !h.sized || !h.coded
}
