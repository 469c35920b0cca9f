package http

// Bounds of what comes with a chunked body beside its data. They are below those of net/http, so that the guard is the one
// that refuses: an error in a body does not always make net/http close the connection.
const (
	maxExtensions = 1 << 10 // octets of the extensions of all chunks; nobody uses any
	maxTrailers   = 2 << 10 // octets of all trailers, with their ends of line
	maxSizeDigits = 12      // of a chunk's size; net/http allows 16 octets of overhead for each chunk
)

// takeBody takes octets of the body, or of one chunk.
func (f *framing) takeBody(b []byte) int {
	n := int(min(uint64(len(b)), f.remaining))
	f.remaining -= uint64(n)
	switch {
	case f.remaining > 0:
	case f.chunked:
		f.goTo(atChunkEnd)
	default:
		f.goTo(atStart)
		f.enter(betweenRequests)
	}
	return n
}

// endChunk takes the end of the line that ends a chunk's data.
func (f *framing) endChunk(c byte) int {
	if c != '\r' {
		return f.refuse(0, badChunkEnd)
	}
	return f.endLine(atChunkSize)
}

func (f *framing) takeChunkSize(b []byte) int {
	for i, c := range b {
		digit, isDigit := hexDigit(c)
		switch {
		case isDigit && f.count < maxSizeDigits:
			f.remaining = 16*f.remaining + digit
			f.count++
		case c == '\r' && f.count > 0:
			return i + f.endChunkSize()
		case c == ';' && f.count > 0:
			f.goTo(atExtension)
			return i
		case c == '\n':
			return f.refuse(i, bareLineFeed)
		default:
			return f.refuse(i, badChunkSize)
		}
	}
	return len(b)
}

// takeExtension takes what stands behind a chunk's size, whatever it means.
func (f *framing) takeExtension(b []byte) int {
	n := run(b, valueOctet)
	if left := maxExtensions - f.extensions; n > left {
		return f.refuse(left, longExtensions)
	}
	f.extensions += n
	if n == len(b) {
		return n
	}
	switch b[n] {
	case '\r':
		return n + f.endChunkSize()
	case '\n':
		return f.refuse(n, bareLineFeed)
	}
	return f.refuse(n, badChunkSize)
}

// endChunkSize takes the end of the line. The chunk without data is the last one; trailers follow it.
func (f *framing) endChunkSize() int {
	if f.remaining > 0 {
		return f.endLine(atBody)
	}
	f.trailer = true
	return f.endLine(atField)
}

// takeTrailer is take, within bounds.
func (f *framing) takeTrailer(b []byte) int {
	left := maxTrailers - f.trailers
	if left == 0 {
		return f.refuse(0, longTrailers)
	}
	n := f.take(b[:min(len(b), left)])
	f.trailers += n
	return n
}

func hexDigit(c byte) (value uint64, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0'), true
	case c >= 'a' && c <= 'f':
		return uint64(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return uint64(c-'A') + 10, true
	}
	return 0, false
}
