package http1

// Chunked is the length of a body that comes in chunks.
const Chunked = -1

// Head is the head of a request. All that it returns as bytes are parts of the buffer that was
// parsed.
type Head struct {
	text           []byte
	method, target span
	fields         []field
	major, minor   uint8
	framing        framing
	length         int64 // length of the body, unless it comes in chunks

	hasHost          bool
	expects          bool // Expect has a value
	close, keepAlive bool // options in the Connection field
}

// framing is the way in which the end of a request's body is determined.
type framing uint8

const (
	noBody   framing = iota // no field declares a body so far
	byLength                // by Content-Length
	inChunks                // by Transfer-Encoding
)

// Length returns the length of the body, [Chunked] if it is not known yet, or 0 if there is no
// body.
func (h *Head) Length() int64 {
	if h.framing == inChunks {
		return Chunked
	}
	return h.length
}

// ExpectsContinue reports whether the client may wait for status 100 before it sends the body.
func (h *Head) ExpectsContinue() bool {
	return h.expects && h.minor > 0 && (h.framing == inChunks || h.length > 0)
}

// KeepsAlive reports whether the client lets the connection be used for another request.
func (h *Head) KeepsAlive() bool { return !h.close && (h.minor > 0 || h.keepAlive) }

// Field returns the name of field i in the client's case, and its value without white space around
// it.
func (h *Head) Field(i int) (name, value []byte) {
	f := h.fields[i]
	return f.name.of(h.text), f.value.of(h.text)
}

// canonicalize writes the names of the fields into the buffer in their canonical form.
func (h *Head) canonicalize() {
	for _, f := range h.fields {
		upper := true
		name := f.name.of(h.text)
		for i, c := range name {
			switch {
			case upper && 'a' <= c && c <= 'z':
				name[i] = c - 0x20
			case !upper && 'A' <= c && c <= 'Z':
				name[i] = c + 0x20
			}
			upper = c == '-'
		}
	}
}
