package fcgi

import (
	"sync"

	"github.com/modgw/modgw/modgw/cgi"
)

// bufferSize is how much is read or written at once. It leaves room for one record as long as
// records can be.
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

// builders keeps what requests are made with for reuse. The request of one that is put
// back must not be used any more.
type builders struct{ pool sync.Pool }

func (b *builders) get() *cgi.Builder {
	if builder, ok := b.pool.Get().(*cgi.Builder); ok {
		return builder
	}
	return new(cgi.Builder)
}

func (b *builders) put(builder *cgi.Builder) {
	builder.Reuse()
	b.pool.Put(builder)
}
