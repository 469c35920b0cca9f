package dev

import (
	"bytes"
	"io"
)

// splice copies an HTML document and inserts text before its last </body>, or at its end if that
// tag is missing. It only holds back data that may be the end of the document.
type splice struct {
	out    io.Writer
	insert []byte

	held     []byte // begins with text that is, or may become, the last </body
	begun    bool
	document bool // it begins like a whole document, and not like a piece of one
	err      error
}

var bodyEnd = []byte("</body")

// tailLimit is the maximum length of the text after the last </body: if more text follows, the tag
// is in a script, or the page is broken.
const tailLimit = 1 << 10

// Write writes the next piece.
func (s *splice) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if !s.begun && len(bytes.TrimSpace(p)) > 0 {
		s.begun, s.document = true, isDocument(p)
	}
	data := append(s.held, p...)
	keep := keepFrom(data)
	s.held = append([]byte(nil), data[keep:]...)
	s.write(data[:keep])
	if s.err != nil {
		return 0, s.err
	}
	return len(p), nil
}

// finish ends the document.
func (s *splice) finish() {
	at := lastBodyEnd(s.held)
	if at < 0 && !s.document {
		s.write(s.held)
		return
	}
	if at < 0 {
		at = len(s.held)
	}
	s.write(s.held[:at])
	s.write(s.insert)
	s.write(s.held[at:])
}

func (s *splice) write(p []byte) {
	if s.err == nil && len(p) > 0 {
		_, s.err = s.out.Write(p)
	}
}

// keepFrom returns the position in data from which on data must wait for further data.
func keepFrom(data []byte) int {
	if at := lastBodyEnd(data); at >= 0 && len(data)-at <= tailLimit {
		return at
	}
	for n := min(len(bodyEnd)-1, len(data)); n > 0; n-- {
		if bytes.EqualFold(data[len(data)-n:], bodyEnd[:n]) {
			return len(data) - n
		}
	}
	return len(data)
}

func lastBodyEnd(data []byte) int {
	for end := len(data); ; {
		at := bytes.LastIndex(data[:end], []byte("</"))
		if at < 0 {
			return -1
		}
		if len(data)-at >= len(bodyEnd) && bytes.EqualFold(data[at:at+len(bodyEnd)], bodyEnd) {
			return at
		}
		end = at
	}
}

// isDocument reports whether a page begins as a whole document does.
func isDocument(p []byte) bool {
	p = bytes.TrimPrefix(p, []byte("\xef\xbb\xbf"))
	p = bytes.TrimSpace(p)
	for _, start := range []string{"<!doctype", "<html", "<head"} {
		if len(p) >= len(start) && bytes.EqualFold(p[:len(start)], []byte(start)) {
			return true
		}
	}
	return false
}
