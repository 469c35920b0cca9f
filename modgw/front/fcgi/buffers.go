package fcgi

import "sync"

// bufferSize is the number of bytes that are read or written at once. A record of the largest size
// fits.
const bufferSize = 64 << 10

// buffers keeps buffers of bufferSize bytes for reuse. Each may have bytes from its last use in it.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *[bufferSize]byte {
	if buf, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return buf
	}
	return new([bufferSize]byte)
}

func (b *buffers) put(buf *[bufferSize]byte) {
	if buf != nil {
		b.pool.Put(buf)
	}
}
