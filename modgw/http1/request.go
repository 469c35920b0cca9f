package http1

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// Request converts heads to requests, one after the other. All of them share the Header map and
// URL, which are valid until the next one is made. A head that equals the previous one costs no
// allocation; any other costs a copy of its bytes. The zero value is ready.
type Request struct {
	text   string // the head's bytes
	url    url.URL
	header http.Header
	values []string // memory of the header's lists
}

// Fill sets all fields of r that a head has: not Body, RemoteAddr and TLS. It writes the names of
// the head's fields into its buffer in their canonical form. ok is false when the target is no URL;
// then r has one without a path.
//
// Like net/http it takes Host, Transfer-Encoding and Trailer out of the header, and believes the
// host in a target in absolute form.
func (m *Request) Fill(r *http.Request, h *Head) (ok bool) {
	h.canonicalize()
	if string(h.text) != m.text {
		m.text = string(h.text)
	}
	r.Method = m.part(h.method)
	r.RequestURI = m.part(h.target)
	r.Proto, r.ProtoMajor, r.ProtoMinor = m.proto(h), 1, int(h.minor)
	r.ContentLength, r.TransferEncoding = h.Length(), nil
	if h.framing == inChunks {
		r.TransferEncoding = chunkedCoding
	}
	r.Close, r.Host, r.Trailer = !h.KeepsAlive(), "", nil
	m.fillHeader(r, h)
	r.Header = m.header
	ok = m.fillURL(r)
	if r.URL.Host != "" {
		r.Host = r.URL.Host
	}
	return ok
}

// Size returns the number of bytes of the head in the last call of Fill.
func (m *Request) Size() int { return len(m.text) }

var chunkedCoding = []string{"chunked"}

func (m *Request) part(s span) string { return m.text[s.start:s.end] }

func (m *Request) proto(h *Head) string {
	start := h.target.end + len(" ")
	return m.text[start : start+len("HTTP/1.1")]
}

func (m *Request) fillHeader(r *http.Request, h *Head) {
	clear(m.header)
	if m.header == nil {
		m.header = make(http.Header, len(h.fields))
	}
	clear(m.values)
	if m.values = m.values[:0]; cap(m.values) < len(h.fields) {
		m.values = make([]string, 0, max(16, len(h.fields)))
	}
	for _, f := range h.fields {
		value := m.part(f.value)
		switch f.kind {
		case hostField:
			r.Host = value
			continue
		case codingField:
			continue
		case trailerField:
			if h.framing == inChunks {
				declare(&r.Trailer, value)
				continue
			}
		}
		name := m.part(f.name)
		if values, ok := m.header[name]; ok {
			m.header[name] = append(values, value)
			continue
		}
		n := len(m.values)
		m.values = append(m.values, value)
		m.header[name] = m.values[n : n+1 : n+1]
	}
	pragma, control := m.header["Pragma"], m.header["Cache-Control"]
	if len(pragma) > 0 && pragma[0] == "no-cache" && control == nil {
		m.header["Cache-Control"] = []string{"no-cache"}
	}
}

// fillURL reads a target. One that is a plain path needs no more than to be cut.
func (m *Request) fillURL(r *http.Request) (ok bool) {
	m.url = url.URL{}
	r.URL = &m.url
	target := r.RequestURI
	if r.Method == http.MethodConnect && target[0] != '/' {
		m.url.Host = target // an authority
		return true
	}
	path, query, asked := strings.Cut(target, "?")
	if target[0] == '/' && isPlainPath(path) {
		m.url.Path, m.url.RawQuery, m.url.ForceQuery = path, query, asked && query == ""
		return true
	}
	parsed, err := url.ParseRequestURI(target)
	if err != nil {
		return false
	}
	m.url = *parsed
	return true
}

// isPlainPath reports whether a path is the same decoded and encoded.
func isPlainPath(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '/', c == '-', c == '_', c == '.', c == '~':
		default:
			return false
		}
	}
	return true
}

// declare adds the names that a Trailer field has to those that are expected.
func declare(trailer *http.Header, value string) {
	for name := range strings.SplitSeq(value, ",") {
		if name = http.CanonicalHeaderKey(strings.Trim(name, " \t")); name != "" {
			if *trailer == nil {
				*trailer = make(http.Header)
			}
			(*trailer)[name] = nil
		}
	}
}

// FillTrailer adds the trailers of a request that has just ended to r.
func (p *Parser) FillTrailer(r *http.Request) {
	h := &p.head
	if h.framing != inChunks || len(h.fields) == 0 {
		return
	}
	h.canonicalize()
	trailer := make(http.Header, len(h.fields))
	for i := range h.fields {
		name, value := h.Field(i)
		trailer[string(name)] = append(trailer[string(name)], string(value))
	}
	if r.Trailer == nil {
		r.Trailer = trailer
		return
	}
	maps.Copy(r.Trailer, trailer)
}
