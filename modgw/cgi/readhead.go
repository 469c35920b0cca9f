package cgi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Limits of the head of a response.
const (
	maxHeaderLines = 200
	maxHeaderBytes = 64 << 10
)

// Head is the head of a program's response (RFC 3875, 6), checked.
type Head struct {
	Status int         // from 200 to 599; 0 when Local is set
	Length int64       // Content-Length; -1 if there is none
	Header http.Header // without Status and the fields of a single connection

	// Local is the path and query of a resource of this host whose response is to be the response
	// (6.2.2); "" otherwise.
	Local string
}

// HeadError explains why the head of a response is invalid.
type HeadError struct {
	Reason string // the mistake: "it is empty"
}

// Error is the reason.
func (e *HeadError) Error() string { return e.Reason }

func badHead(format string, args ...any) error {
	return &HeadError{Reason: fmt.Sprintf(format, args...)}
}

// ReadHead reads the head of a response. The error is a *HeadError when the head is bad, else that
// of the reader.
func ReadHead(in *bufio.Reader) (Head, error) {
	p := &headParser{head: Head{Length: -1, Header: http.Header{}}}
	for {
		line, err := p.line(in)
		switch {
		case err != nil:
			return p.head, err
		case len(line) == 0:
			return p.head, p.finish()
		}
		if err := p.take(string(line)); err != nil {
			return p.head, err
		}
	}
}

type headParser struct {
	head  Head
	lines int
	bytes int
	cgi   bool // there was a field that every response must have one of
}

// line reads a line without its end, which is a line feed with or without a carriage return (6.3).
func (p *headParser) line(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		piece, err := in.ReadSlice('\n')
		line = append(line, piece...)
		p.bytes += len(piece)
		switch {
		case p.bytes > maxHeaderBytes:
			return nil, badHead("its headers have more than %d bytes", maxHeaderBytes)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && p.bytes == 0:
			return nil, badHead("it is empty")
		case err == io.EOF:
			return nil, badHead("it ends in its headers")
		case err != nil:
			return nil, err
		}
		break
	}
	if p.lines++; p.lines > maxHeaderLines {
		return nil, badHead("it has more than %d headers", maxHeaderLines)
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'}), nil
}

func (p *headParser) take(line string) error {
	if p.lines == 1 && strings.HasPrefix(line, "HTTP/") {
		return p.statusLine(line)
	}
	name, value, ok := strings.Cut(line, ":")
	value = strings.Trim(value, " \t")
	switch {
	case !ok:
		return badHead("%q is no header", shorten(line))
	case !httpguts.ValidHeaderFieldName(name):
		return badHead("%q cannot be the name of a header", shorten(name))
	case !httpguts.ValidHeaderFieldValue(value):
		return badHead("the value of header %q has a control character", name)
	}
	return p.field(textproto.CanonicalMIMEHeaderKey(name), value)
}

func (p *headParser) field(name, value string) error {
	switch name {
	case "Status":
		p.cgi = true
		return p.status(value)
	case "Content-Length":
		return p.length(value)
	case "Content-Type", "Location":
		p.cgi = true
		if old := p.head.Header.Get(name); old != "" && old != value {
			return badHead("it has two %s headers, %q and %q", name, shorten(old), shorten(value))
		}
		p.head.Header.Set(name, value)
		return nil
	}
	p.head.Header.Add(name, value)
	return nil
}

// statusLine parses the status line of a program that writes its whole head itself (section 5).
func (p *headParser) statusLine(line string) error {
	_, status, _ := strings.Cut(line, " ")
	p.cgi = true
	return p.status(status)
}

// status takes "404" or "404 Not Found"; the words are made by the front.
func (p *headParser) status(value string) error {
	code, _, _ := strings.Cut(strings.TrimLeft(value, " "), " ")
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 || n < 200 || n > 599 {
		return badHead("its status is %q, which must be from 200 to 599", shorten(value))
	}
	if p.head.Status != 0 && p.head.Status != int(n) {
		return badHead("it has two statuses, %d and %d", p.head.Status, n)
	}
	p.head.Status = int(n)
	return nil
}

func (p *headParser) length(value string) error {
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil || value[0] == '+' {
		return badHead("its Content-Length %q is not a number", shorten(value))
	}
	if p.head.Length >= 0 && p.head.Length != int64(n) {
		return badHead("it has two Content-Length headers, %d and %d", p.head.Length, n)
	}
	p.head.Length = int64(n)
	return nil
}

// finish finds out which kind of response it is (6.2).
func (p *headParser) finish() error {
	h := &p.head
	dropHopByHop(h.Header)
	location := h.Header.Get("Location")
	switch {
	case !p.cgi:
		return badHead("it has none of the headers Content-Type, Location and Status")
	case h.Status != 0:
	case location == "":
		h.Status = http.StatusOK
	case isLocal(location) && p.onlyLocation():
		h.Local = location
	default:
		// Of a local one with headers of its own, such as a cookie, the client learns those only in
		// this way.
		h.Status = http.StatusFound
	}
	return nil
}

func (p *headParser) onlyLocation() bool {
	for name := range p.head.Header {
		if name != "Location" && name != "Content-Type" {
			return false
		}
	}
	return p.head.Length <= 0
}

// isLocal reports whether a Location names a path and not a host.
func isLocal(location string) bool {
	return strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//") && !strings.HasPrefix(location, `/\`)
}

// shorten limits the length of a text for the log.
func shorten(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
