package http

import "sync"

// inputSize is the number of bytes that are read at once while nothing is known about the request.
const inputSize = 4 << 10

var inputBuffers = sync.Pool{New: func() any { return new([inputSize]byte) }}

// input has the bytes that were read from a connection and not used yet.
type input struct {
	buffer     []byte // nil if it is empty
	start, end int    // bounds of the unused bytes
	pooled     *[inputSize]byte
}

func (in *input) bytes() []byte { return in.buffer[in.start:in.end] }

func (in *input) len() int { return in.end - in.start }

// discard marks n bytes as used. They stay in place until room is called.
func (in *input) discard(n int) { in.start += n }

// room returns the free part of the buffer, after the unused bytes.
func (in *input) room() []byte {
	if in.buffer == nil {
		in.pooled = inputBuffers.Get().(*[inputSize]byte)
		in.buffer = in.pooled[:]
	}
	if in.start > 0 && (in.start == in.end || in.end == len(in.buffer)) {
		in.end = copy(in.buffer, in.bytes())
		in.start = 0
	}
	if in.end == len(in.buffer) {
		larger := make([]byte, 2*len(in.buffer))
		in.start, in.end = 0, copy(larger, in.bytes())
		in.putBack()
		in.buffer = larger
	}
	return in.buffer[in.end:]
}

// add reports that n bytes were read into room.
func (in *input) add(n int) { in.end += n }

// release gives the buffer back when all of it was used.
func (in *input) release() {
	if in.start == in.end {
		in.putBack()
		*in = input{}
	}
}

func (in *input) putBack() {
	if in.pooled != nil {
		inputBuffers.Put(in.pooled)
		in.pooled = nil
	}
}
