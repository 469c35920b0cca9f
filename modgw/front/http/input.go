package http

import "sync"

// inputSize is how much is read at once while no more is known of a request.
const inputSize = 4 << 10

var inputBuffers = sync.Pool{New: func() any { return new([inputSize]byte) }}

// input is what was read from a connection and is not used yet.
type input struct {
	buffer     []byte // nil without one
	start, end int    // bounds of what is not used
	pooled     *[inputSize]byte
}

func (in *input) bytes() []byte { return in.buffer[in.start:in.end] }

func (in *input) len() int { return in.end - in.start }

// discard says that n bytes were used. They stay where they are until room is called.
func (in *input) discard(n int) { in.start += n }

// room returns where more can be read to, behind what is not used yet.
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

// add says that n bytes were read to room.
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
