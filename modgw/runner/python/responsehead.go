package python

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"

	"golang.org/x/net/http/httpguts"

	"github.com/modgw/modgw/internal/hopbyhop"
	"github.com/modgw/modgw/modgw/wire"
)

// What the head of a response may have at most.
const (
	maxHeaderLines = 200
	maxHeaderBytes = 64 << 10
)

// responseHead is the head of an app's response, checked.
type responseHead struct {
	status int
	length int64 // Content-Length; -1 without one
	fields []field

	values []string // those of fields, where copyTo needs them

	connection []string // the values of its Connection headers, which name others that are not passed on
}

type field struct {
	name, value string // name is canonical
}

// decodeHead reads and checks a head. A *wire.ProtocolError is the worker's fault, a *relay.Failure the app's. What concerns the
// connection, which is not the app's, is left out.
func decodeHead(raw []byte) (h responseHead, err error) {
	err = h.decode(raw)
	return h, err
}

// decode is decodeHead into h, whose memory it uses again.
func (h *responseHead) decode(raw []byte) error {
	*h = responseHead{fields: h.fields[:0], values: h.values[:0]}
	if len(raw) > maxHeaderBytes {
		return badResponse("its headers have %d bytes, more than %d", len(raw), maxHeaderBytes)
	}
	d := wire.NewDecoder(string(raw)) // the strings of the head are parts of this one
	if n := d.Tuple(); d.Err() == nil && n != 3 {
		return wire.Errorf("a response head of %d values", n)
	}
	h.status, h.length = int(d.Int()), -1
	d.Latin1() // the reason, which every front makes from the status
	n := d.List()
	if n > maxHeaderLines {
		return badResponse("it has %d headers, more than %d", n, maxHeaderLines)
	}
	h.fields = slices.Grow(h.fields, n)
	for range n {
		if parts := d.Tuple(); d.Err() == nil && parts != 2 {
			return wire.Errorf("a header of %d values", parts)
		}
		f := field{name: d.Latin1(), value: d.Latin1()}
		if d.Err() != nil {
			break
		}
		if err := h.add(f); err != nil {
			return err
		}
	}
	if err := d.Finish(); err != nil {
		return err
	}
	h.dropListed()
	if h.status < 200 || h.status > 599 {
		return badResponse("its status is %d, which must be from 200 to 599", h.status)
	}
	return nil
}

// add checks a header and adds it unless it concerns the connection.
func (h *responseHead) add(f field) error {
	if !httpguts.ValidHeaderFieldName(f.name) {
		return badResponse("%q cannot be the name of a header", f.name)
	}
	f.name = textproto.CanonicalMIMEHeaderKey(f.name)
	if !httpguts.ValidHeaderFieldValue(f.value) {
		return badResponse("the value %q of header %q has a control character", f.value, f.name)
	}
	switch {
	case f.name == "Content-Length":
		return h.setLength(f.value)
	case f.name == "Connection":
		h.connection = append(h.connection, f.value)
	case !hopbyhop.Is(f.name):
		h.fields = append(h.fields, f)
	}
	return nil
}

// dropListed takes the headers out that Connection lists.
func (h *responseHead) dropListed() {
	if len(h.connection) > 0 {
		h.fields = slices.DeleteFunc(h.fields, func(f field) bool { return httpguts.HeaderValuesContainsToken(h.connection, f.name) })
	}
}

func (h *responseHead) setLength(value string) error {
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil || value[0] == '+' {
		return badResponse("its Content-Length %q is not a number", value)
	}
	if h.length >= 0 && h.length != int64(n) {
		return badResponse("it has two Content-Length headers, %d and %d", h.length, n)
	}
	h.length = int64(n)
	return nil
}

// copyTo puts the headers into the response, which has them only until h is used again. Nothing is invented: without a Content-Type none is guessed from the body.
func (h *responseHead) copyTo(header http.Header) {
	header["Content-Type"] = nil
	h.values = slices.Grow(h.values[:0], len(h.fields))
	for i, f := range h.fields {
		h.values = append(h.values, f.value)
		if old := header[f.name]; len(old) > 0 {
			header[f.name] = append(old, f.value)
			continue
		}
		header[f.name] = h.values[i : i+1 : i+1]
	}
}
