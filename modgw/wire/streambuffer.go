package wire

import "sync"

// SlotSize is the size of a slot for pieces of requests.
const SlotSize = MuxWindow / 2

// slots are parts of a connection's shared memory that the bodies of many requests take in turn.
// The slot that was used last is given out first: it is still in the processor's cache.
type slots struct {
	memory []byte

	mu   sync.Mutex
	free []int // offsets
}

func newSlots(memory []byte) *slots {
	s := &slots{memory: memory}
	for at := len(memory) - SlotSize; at >= 0; at -= SlotSize {
		s.free = append(s.free, at)
	}
	return s
}

// StreamBuffer puts pieces of one request's body into slots of the connection's shared memory.
// Room, Holds, Put, Skip and Done are for the sender of the body, Reclaim and Close for the reader
// of the connection.
type StreamBuffer struct {
	buffer *SharedBuffer
	slots  *slots

	// Guarded by slots.mu.
	held   int // offset of the slot that is being filled; -1: none is
	pieces []slotPiece
	sent   int64 // bytes of the body that were sent
	read   int64 // bytes that the worker has read
	closed bool
}

// slotPiece is a slot that the worker may read.
type slotPiece struct {
	slot int
	end  int64 // bytes of the body up to its own end
}

// ForStream returns the buffer of a request whose Request frame contains the first sent bytes of
// the body. The memory stays mapped until Done.
func (b *SharedBuffer) ForStream(sent int) *StreamBuffer {
	b.Retain()
	return &StreamBuffer{buffer: b, slots: b.slots, held: -1, sent: int64(sent)}
}

// Room returns where the next piece can be put. It is empty when there is no free slot.
func (b *StreamBuffer) Room() []byte {
	s := b.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.held < 0 {
		n := len(s.free)
		if n == 0 {
			return nil
		}
		b.held, s.free = s.free[n-1], s.free[:n-1]
	}
	return s.memory[b.held : b.held+SlotSize : b.held+SlotSize]
}

// Holds reports whether Room has returned the piece.
func (b *StreamBuffer) Holds(piece []byte) bool {
	return b.held >= 0 && len(piece) > 0 && &piece[0] == &b.slots.memory[b.held]
}

// Put counts the first n bytes of Room as put there, and returns their offset.
func (b *StreamBuffer) Put(n int) (offset int) {
	s := b.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	offset, b.held = b.held, -1
	b.sent += int64(n)
	if b.closed {
		s.free = append(s.free, offset) // the worker does not look at it
	} else {
		b.pieces = append(b.pieces, slotPiece{offset, b.sent})
	}
	return offset
}

// Skip counts n bytes that were sent in a frame.
func (b *StreamBuffer) Skip(n int) {
	b.slots.mu.Lock()
	defer b.slots.mu.Unlock()
	b.sent += int64(n)
}

// Reclaim frees the slots that the worker has read: n more bytes of the body.
func (b *StreamBuffer) Reclaim(n int) {
	s := b.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	b.read += int64(n)
	for len(b.pieces) > 0 && b.pieces[0].end <= b.read {
		s.free = append(s.free, b.pieces[0].slot)
		b.pieces = b.pieces[1:]
	}
}

// Close frees all slots except the one that is being filled. The worker has closed the stream, so
// it reads none of them any more.
func (b *StreamBuffer) Close() {
	s := b.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	b.closed = true
	for _, p := range b.pieces {
		s.free = append(s.free, p.slot)
	}
	b.pieces = nil
}

// Done reports that nothing more will be put there.
func (b *StreamBuffer) Done() {
	s := b.slots
	s.mu.Lock()
	if b.held >= 0 {
		s.free = append(s.free, b.held)
		b.held = -1
	}
	s.mu.Unlock()
	b.buffer.Close()
}
