package response

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/wire"
)

// Limits of the head of a response.
const (
	maxHeaderLines = 200
	maxHeaderBytes = 64 << 10
)

// Head is the head of an app's response, checked. The zero value can be decoded into.
type Head struct {
	Status int   // from 200 to 599
	Length int64 // Content-Length; -1: it has none

	length     [1]string // Length, when it has one and was copied
	fields     []Field
	values     []string // values of fields, as CopyTo puts them into a response
	connection []string // values of Connection headers, which name headers to drop
}

// Field is a header or a trailer.
type Field struct {
	Name  string // in canonical form
	Value string // valid as [httpguts.ValidHeaderFieldValue] has it
}

// Reset clears the head and keeps the memory for the next one.
func (h *Head) Reset() { *h = Head{fields: h.fields[:0], values: h.values[:0]} }

// Decode decodes the head of a Response frame, without the fields of a single connection. The error
// is a [*wire.ProtocolError] for mistakes of the worker, a [*relay.Failure] for mistakes of the
// app.
func (h *Head) Decode(raw []byte) error {
	h.Reset()
	if len(raw) > maxHeaderBytes {
		return Bad("its headers have %d bytes, more than %d", len(raw), maxHeaderBytes)
	}
	text := string(raw) // the decoded strings are parts of it
	parts := strings.Count(text, wire.HeadSeparator)
	switch {
	case parts%2 != 0:
		return wire.Errorf("a response head with a header that has no value")
	case parts/2 > maxHeaderLines:
		return Bad("it has %d headers, more than %d", parts/2, maxHeaderLines)
	}
	status, text, _ := strings.Cut(text, wire.HeadSeparator)
	code, _, _ := strings.Cut(status, " ") // every front makes the reason from the status
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil {
		return wire.Errorf("a response head whose status is %q", code)
	}
	h.Status, h.Length = int(n), -1
	for ; parts > 0; parts -= 2 {
		var f Field
		f.Name, text, _ = strings.Cut(text, wire.HeadSeparator)
		f.Value, text, _ = strings.Cut(text, wire.HeadSeparator)
		if err := h.add(f); err != nil {
			return err
		}
	}
	h.dropListed()
	if h.Status < 200 || h.Status > 599 {
		return Bad("its status is %d, which must be from 200 to 599", h.Status)
	}
	return nil
}

// add checks a header and adds it unless it concerns the connection.
func (h *Head) add(f Field) error {
	if !httpguts.ValidHeaderFieldName(f.Name) {
		return Bad("%q cannot be the name of a header", f.Name)
	}
	f.Name = textproto.CanonicalMIMEHeaderKey(f.Name)
	if !httpguts.ValidHeaderFieldValue(f.Value) {
		return Bad("the value %q of header %q has a control character", f.Value, f.Name)
	}
	switch {
	case f.Name == "Content-Length":
		return h.setLength(f.Value)
	case f.Name == "Connection":
		h.connection = append(h.connection, f.Value)
	case !cgi.IsHopByHop(f.Name):
		h.fields = append(h.fields, f)
	}
	return nil
}

// dropListed removes the headers that Connection lists.
func (h *Head) dropListed() {
	if len(h.connection) > 0 {
		h.fields = slices.DeleteFunc(h.fields, func(f Field) bool {
			return httpguts.HeaderValuesContainsToken(h.connection, f.Name)
		})
	}
}

func (h *Head) setLength(value string) error {
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil || value[0] == '+' {
		return Bad("its Content-Length %q is not a number", value)
	}
	if h.Length >= 0 && h.Length != int64(n) {
		return Bad("it has two Content-Length headers, %d and %d", h.Length, n)
	}
	h.Length = int64(n)
	return nil
}

// Measure returns the Content-Length to send, or -1 for none, and whether the response has no body.
// size is the length of the body's beginning. With complete it is the length of the whole body,
// which must agree.
func (h *Head) Measure(
	isHead bool, size int64, complete bool,
) (length int64, bodiless bool, err error) {
	length = h.Length
	bodiless = isHead || h.Status == http.StatusNoContent || h.Status == http.StatusNotModified
	switch {
	case h.Status == http.StatusNoContent:
		length = -1
	case complete && length < 0 && (!bodiless || size > 0):
		length = size
	case complete && length > size && !bodiless:
		return 0, false, Bad("it has %d bytes, and its Content-Length is %d", size, length)
	}
	if length >= 0 && size > length && !bodiless {
		return 0, false, tooLong(length)
	}
	return length, bodiless, nil
}

// IsEventStream reports whether the response is an event stream that the host can read: one with
// status 200 and no encoding.
func (h *Head) IsEventStream() bool {
	found := false
	for _, f := range h.fields {
		switch f.Name {
		case "Content-Encoding":
			return false
		case "Content-Type":
			found = strings.HasPrefix(f.Value, "text/event-stream")
		}
	}
	return found && h.Status == http.StatusOK && h.Length < 0
}

// CopyTo puts the headers into a response, which has them only until h is used again. A response
// without a Content-Type gets none: net/http would guess one from the body.
func (h *Head) CopyTo(header http.Header) {
	header["Content-Type"] = nil
	h.values = slices.Grow(h.values[:0], len(h.fields))
	for i, f := range h.fields {
		h.values = append(h.values, f.Value)
		if old := header[f.Name]; len(old) > 0 {
			header[f.Name] = append(old, f.Value)
			continue
		}
		header[f.Name] = h.values[i : i+1 : i+1]
	}
}

// DecodeFields decodes a list of headers or trailers. Errors are those of [Head.Decode].
func DecodeFields(d *wire.Decoder) ([]Field, error) {
	h := Head{Length: -1}
	size := 0
	n := d.List()
	if n > maxHeaderLines {
		return nil, Bad("it has %d headers, more than %d", n, maxHeaderLines)
	}
	for range n {
		if parts := d.Tuple(); d.Err() == nil && parts != 2 {
			return nil, wire.Errorf("a header of %d values", parts)
		}
		f := Field{Name: d.Latin1(), Value: d.Latin1()}
		if d.Err() != nil {
			return nil, d.Err()
		}
		if size += len(f.Name) + len(f.Value); size > maxHeaderBytes {
			return nil, Bad("its headers have more than %d bytes", maxHeaderBytes)
		}
		if err := h.add(f); err != nil {
			return nil, err
		}
	}
	h.dropListed()
	return h.fields, d.Err()
}

// RespondOn answers a request on the loop with the head in raw and a body that is complete. After
// an error nothing was sent.
func (h *Head) RespondOn(x modgw.LoopExchange, isHead bool, raw, body []byte) error {
	if _, err := h.prepare(x, isHead, raw, len(body)); err != nil {
		return err
	}
	x.Respond(h.Status, body)
	return nil
}

// BeginOn is RespondOn for a body of so many bytes, none of which were looked at: the caller sends
// it with RespondFrom. ok is false when that is impossible.
func (h *Head) BeginOn(x modgw.LoopExchange, isHead bool, raw []byte, size int) (ok bool) {
	bodiless, err := h.prepare(x, isHead, raw, size)
	return err == nil && !bodiless && x.Begin(h.Status, size)
}

// prepare puts the head of a complete response with so many bytes into the exchange's header.
func (h *Head) prepare(
	x modgw.LoopExchange, isHead bool, raw []byte, size int,
) (bodiless bool, err error) {
	if err := h.Decode(raw); err != nil {
		return false, err
	}
	length, bodiless, err := h.Measure(isHead, int64(size), true)
	if err != nil {
		return false, err
	}
	header := x.Header()
	h.CopyTo(header)
	if length >= 0 {
		h.length[0] = strconv.FormatInt(length, 10)
		header["Content-Length"] = h.length[:]
	}
	return bodiless, nil
}
