package python

import (
	"net/http"
	"net/textproto"
	"strconv"

	"github.com/modgw/modgw/modgw/wire"
)

// What the head of a response may have at most.
const (
	maxHeaderLines = 200
	maxHeaderBytes = 64 << 10
)

// hopByHop are the headers that belong to a connection and not to a response (RFC 9110, 7.6.1); PEP 3333 forbids them.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Proxy-Connection": true, "Te": true, "Trailer": true, "Trailers": true, "Transfer-Encoding": true, "Upgrade": true,
}

// responseHead is the head of an app's response, checked.
type responseHead struct {
	status int
	length int64 // Content-Length; -1 without one
	fields []field
}

type field struct {
	name, value string // name is canonical
}

// decodeHead reads and checks a head. A *wire.ProtocolError is the worker's fault, a *failure the app's. What belongs to
// the connection is dropped when lenient: ASGI apps have the habit of setting it.
func decodeHead(raw []byte, lenient bool) (h responseHead, err error) {
	if len(raw) > maxHeaderBytes {
		return h, badHead("its headers have %d bytes, more than %d", len(raw), maxHeaderBytes)
	}
	d := wire.NewDecoder(string(raw)) // the strings of the head are parts of this one
	if n := d.Tuple(); d.Err() == nil && n != 3 {
		return h, brokeRule("a response head of %d values", n)
	}
	h.status, h.length = int(d.Int()), -1
	d.Latin1() // the reason, which every front makes from the status
	n := d.List()
	if n > maxHeaderLines {
		return h, badHead("it has %d headers, more than %d", n, maxHeaderLines)
	}
	h.fields = make([]field, 0, n)
	for range n {
		if parts := d.Tuple(); d.Err() == nil && parts != 2 {
			return h, brokeRule("a header of %d values", parts)
		}
		f := field{name: d.Latin1(), value: d.Latin1()}
		if d.Err() != nil {
			break
		}
		if err := h.add(f, lenient); err != nil {
			return h, err
		}
	}
	if err := d.Finish(); err != nil {
		return h, err
	}
	if h.status < 200 || h.status > 599 {
		return h, badHead("its status is %d, which must be from 200 to 599", h.status)
	}
	return h, nil
}

// add checks a header and adds it.
func (h *responseHead) add(f field, lenient bool) error {
	if !isToken(f.name) {
		return badHead("%q cannot be the name of a header", f.name)
	}
	f.name = textproto.CanonicalMIMEHeaderKey(f.name)
	if !isFieldValue(f.value) {
		return badHead("the value %q of header %q has a control character", f.value, f.name)
	}
	if hopByHop[f.name] {
		if lenient {
			return nil
		}
		return badHead("header %q concerns the connection, which is not the app's", f.name)
	}
	if f.name == "Content-Length" {
		return h.setLength(f.value)
	}
	h.fields = append(h.fields, f)
	return nil
}

func (h *responseHead) setLength(value string) error {
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil || value[0] == '+' {
		return badHead("its Content-Length %q is not a number", value)
	}
	if h.length >= 0 && h.length != int64(n) {
		return badHead("it has two Content-Length headers, %d and %d", h.length, n)
	}
	h.length = int64(n)
	return nil
}

// copyTo puts the headers into the response. Nothing is invented: without a Content-Type none is guessed from the body.
func (h *responseHead) copyTo(header http.Header) {
	header["Content-Type"] = nil
	values := make([]string, len(h.fields))
	for i, f := range h.fields {
		if old := header[f.name]; len(old) > 0 {
			header[f.name] = append(old, f.value)
			continue
		}
		values[i] = f.value
		header[f.name] = values[i : i+1 : i+1]
	}
}

func isToken(s string) bool {
	for i := range len(s) {
		if !tokenChar(s[i]) {
			return false
		}
	}
	return s != ""
}

func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func badHead(format string, args ...any) error {
	return &failure{http.StatusInternalServerError, badResponse(format, args...)}
}
