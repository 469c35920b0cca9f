package http1

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Values for the length of a body that is unknown. Both are negative.
const (
	unknown = -1 - iota // none is declared
	chunked             // none is declared, and each piece has its own
)

// Writer frames the response to one request: its methods append to a buffer everything that is sent
// apart from the bytes of the body. Its order of calls is
//
//	AppendInformational, any number of times
//	AppendHead, AppendHeadEnd
//	Count, AppendPiece, the bytes of a piece of the body, AppendPieceEnd: any number of times
//	AppendEnd
type Writer struct {
	minor     uint8 // minor version of the request
	isHead    bool
	status    int
	length    int64 // Content-Length, unknown or chunked
	written   int64 // bytes of the body
	dated     bool
	keepsOpen bool // the connection as far as is known
	says      connectionWord
	trailers  []string // announced trailers
	trails    bool     // the handler's header has trailers or may get some
}

// connectionWord is an option in the handler's Connection field.
type connectionWord uint8

const (
	saysNothing connectionWord = iota
	saysClose
	saysOther
)

// Begin begins the response to a request with the head.
func (w *Writer) Begin(h *Head) {
	*w = Writer{
		minor:     h.minor,
		isHead:    string(h.method.of(h.text)) == http.MethodHead,
		length:    unknown,
		keepsOpen: h.KeepsAlive(),
	}
}

// EndConnection closes the connection after the response. Call it before AppendHeadEnd.
func (w *Writer) EndConnection() { w.keepsOpen = false }

// KeepsOpen reports whether the connection can be used for another request when the response is
// complete. It is certain after AppendHeadEnd.
func (w *Writer) KeepsOpen() bool { return w.keepsOpen }

// HasBody reports whether the response has a body on the wire: its status and the request's method
// decide. It is for after AppendHead.
func (w *Writer) HasBody() bool { return !w.isHead && bodyAllowed(w.status) }

// HasRoom reports whether the body has a declared length, and n more bytes are within it. Such
// bytes may be sent as they are.
func (w *Writer) HasRoom(n int64) bool { return w.length >= 0 && n <= w.length-w.written }

// Written returns the number of bytes that were counted.
func (w *Writer) Written() int64 { return w.written }

// IsComplete reports whether the body has all bytes that the head has declared.
func (w *Writer) IsComplete() bool {
	return w.length < 0 || w.length == w.written || !w.HasBody()
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// AppendInformational appends a response with a status below 200 that another one follows.
func (w *Writer) AppendInformational(b []byte, status int, header http.Header) []byte {
	var room [usualFields]string
	b = w.appendStatus(b, status)
	for _, name := range sortNames(room[:0], header) {
		if name != "Content-Length" && name != "Transfer-Encoding" {
			b = appendField(b, name, header[name])
		}
	}
	return append(b, "\r\n"...)
}

// AppendHead appends the status line and the fields of a response's head, but for those that depend
// on the body. status is 101, or at least 200.
func (w *Writer) AppendHead(b []byte, status int, header http.Header) []byte {
	w.status = status
	w.readHeader(header)
	var room [usualFields]string
	b = w.appendStatus(b, status)
	for _, name := range sortNames(room[:0], header) {
		switch name {
		case "Content-Length", "Transfer-Encoding":
			continue
		case "Connection":
			if status != http.StatusSwitchingProtocols {
				continue
			}
		case "Content-Type":
			if status == http.StatusNotModified {
				continue // RFC 9110 section 15.4.5
			}
		}
		b = appendField(b, name, header[name])
	}
	return b
}

// readHeader reads the fields of a header that concern framing.
func (w *Writer) readHeader(header http.Header) {
	w.length = unknown
	if values := header["Content-Length"]; len(values) == 1 && bodyAllowed(w.status) {
		if length, ok := parseLength([]byte(values[0])); ok {
			w.length = int64(length)
		}
	}
	_, w.dated = header["Date"]
	switch values, ok := header["Connection"]; {
	case !ok:
	case httpguts.HeaderValuesContainsToken(values, "close"):
		w.keepsOpen, w.says = false, saysClose
	default:
		w.says = saysOther
	}
	w.trails = false
	for name := range header {
		w.trails = w.trails || strings.HasPrefix(name, http.TrailerPrefix)
	}
	for _, value := range header["Trailer"] {
		w.trails = true
		for name := range strings.SplitSeq(value, ",") {
			name = http.CanonicalHeaderKey(strings.Trim(name, " \t"))
			if httpguts.ValidTrailerHeader(name) {
				w.trailers = append(w.trailers, name)
			}
		}
	}
}

// AppendHeadEnd appends the rest of the head. complete is the length of the body when all of it is
// known already, and negative otherwise; date is the value of the Date field.
func (w *Writer) AppendHeadEnd(b []byte, complete int64, date []byte) []byte {
	switching := w.status == http.StatusSwitchingProtocols
	hasBody := w.HasBody()
	// to HEAD, a handler may have kept its body back
	knows := complete > 0 || complete == 0 && hasBody
	if knows && w.length == unknown && !w.trails && bodyAllowed(w.status) {
		w.length = complete
	}
	switch {
	case w.length >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, w.length, 10)
		b = append(b, "\r\n"...)
	case !hasBody:
	case w.minor > 0:
		w.length = chunked
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	default:
		w.keepsOpen = false // the end of the connection marks the end of the body
	}
	if !w.dated {
		b = append(b, "Date: "...)
		b = append(b, date...)
		b = append(b, "\r\n"...)
	}
	switch {
	case switching:
		w.keepsOpen = false
	case w.keepsOpen && w.minor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	case !w.keepsOpen && (w.minor > 0 || w.says == saysClose):
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...)
}

// Count announces n more bytes of the body. They must not be sent after an error, or if the
// response has no body on the wire. The error is [http.ErrBodyNotAllowed] or
// [http.ErrContentLength].
func (w *Writer) Count(n int64) error {
	switch {
	case !bodyAllowed(w.status):
		return http.ErrBodyNotAllowed
	case w.length >= 0 && w.written+n > w.length:
		return http.ErrContentLength
	}
	w.written += n
	return nil
}

// AppendPiece appends the framing before a piece of the body with n bytes, n > 0.
func (w *Writer) AppendPiece(b []byte, n int) []byte {
	if w.length != chunked {
		return b
	}
	b = strconv.AppendUint(b, uint64(n), 16)
	return append(b, "\r\n"...)
}

// AppendPieceEnd appends the framing after a piece of the body.
func (w *Writer) AppendPieceEnd(b []byte) []byte {
	if w.length != chunked {
		return b
	}
	return append(b, "\r\n"...)
}

// AppendEnd appends the framing after the body. header is the header of AppendHead, with the values
// of trailers.
func (w *Writer) AppendEnd(b []byte, header http.Header) []byte {
	if w.length != chunked {
		return b
	}
	b = append(b, "0\r\n"...)
	if w.trails || hasTrailers(header) {
		b = w.appendTrailers(b, header)
	}
	return append(b, "\r\n"...)
}

func hasTrailers(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

func (w *Writer) appendTrailers(b []byte, header http.Header) []byte {
	for name, values := range header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			b = appendField(b, name, values)
		}
	}
	for _, name := range w.trailers {
		b = appendField(b, name, header[name])
	}
	return b
}

func (w *Writer) appendStatus(b []byte, status int) []byte {
	if w.minor == 0 {
		b = append(b, "HTTP/1.0 "...)
	} else {
		b = append(b, "HTTP/1.1 "...)
	}
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	return append(b, "\r\n"...)
}

// usualFields is the number of fields that a head can have without an allocation.
const usualFields = 24

// sortNames appends the names of fields that can be in a head, sorted, so that equal headers are
// equal on the wire.
func sortNames(names []string, header http.Header) []string {
	for name := range header {
		if !strings.HasPrefix(name, http.TrailerPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// appendField appends a line for each value of a field. An invalid name is left out, and an invalid
// byte in a value becomes a space, so that an app cannot begin another line.
func appendField(b []byte, name string, values []string) []byte {
	if !IsToken(name) {
		return b
	}
	for _, value := range values {
		b = append(b, name...)
		b = append(b, ": "...)
		start := len(b)
		b = append(b, value...)
		for i := start; i < len(b); i++ {
			if classes[b[i]]&valueByte == 0 {
				b[i] = ' '
			}
		}
		b = append(b, "\r\n"...)
	}
	return b
}
