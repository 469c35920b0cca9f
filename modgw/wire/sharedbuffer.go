package wire

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"
)

// SharedBuffer is memory that the host shares with a worker, for the bodies of one connection. The
// worker puts pieces of responses there, and names them in Shared frames. The host puts pieces of
// requests there; if many streams share the connection, each uses a [StreamBuffer].
//
// The reader of the connection calls Acquire, the sender of a request's body calls Room and Put,
// both call Reclaim, and any goroutine may call Release. The host bases no decision on the contents
// of the memory, because the worker can change them at any time.
type SharedBuffer struct {
	memory    []byte
	responses []byte // the part of the worker
	requests  []byte // the part of the host; empty on a connection that many streams share
	slots     *slots // the part of the host on such a connection; nil on others

	users atomic.Int32 // how many Close calls are missing

	mu       sync.Mutex
	acquired ReceiveWindow // bytes of responses; unused where each stream counts its own
	pieces   []acquired    // those that the worker has not got back, in its order

	next int          // offset in requests of the next piece
	put  atomic.Int64 // bytes of requests that the worker has not read
}

// OpenThreadBuffer maps the buffer of a thread, which is counted from 0.
func OpenThreadBuffer(file *os.File, thread int) (*SharedBuffer, error) {
	b, err := openBuffer(file, thread*ThreadBufferSize, ThreadBufferSize)
	if err == nil {
		b.responses, b.requests = b.memory[:BufferWindow:BufferWindow], b.memory[BufferWindow:]
		b.acquired = ReceiveWindow{Size: BufferWindow}
	}
	return b, err
}

// OpenMuxBuffer maps the buffer of a connection that many streams share.
func OpenMuxBuffer(file *os.File) (*SharedBuffer, error) {
	b, err := openBuffer(file, 0, 2*MuxBufferSize)
	if err == nil {
		b.responses = b.memory[:MuxBufferSize:MuxBufferSize]
		b.slots = newSlots(b.memory[MuxBufferSize:])
	}
	return b, err
}

func openBuffer(file *os.File, offset, size int) (*SharedBuffer, error) {
	memory, err := mapMemory(file, offset, size)
	if err != nil {
		return nil, err
	}
	b := &SharedBuffer{memory: memory, responses: memory}
	b.Retain()
	return b, nil
}

// Retain keeps the memory mapped until Close was called once more.
func (b *SharedBuffer) Retain() { b.users.Add(1) }

// Close unmaps the memory, and all that was returned of it, when no other user has retained it.
func (b *SharedBuffer) Close() {
	if b.users.Add(-1) == 0 {
		unmapMemory(b.memory)
	}
}

// Acquire returns the piece of a response that the payload of a Shared frame names.
func (b *SharedBuffer) Acquire(payload []byte) ([]byte, error) {
	piece, err := pieceOf(b.responses, payload)
	if err != nil || b.requests == nil {
		return piece, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.acquired.Received(len(piece)); err != nil {
		return nil, err
	}
	b.pieces = append(b.pieces, acquired{bytes: piece})
	return piece, nil
}

// AcquireAll acquires the pieces of several payloads, or none. Restore reverts it if nothing else
// was acquired since.
func (b *SharedBuffer) AcquireAll(payloads [][]byte) (pieces [][]byte, size int, err error) {
	for _, payload := range payloads {
		piece, err := b.Acquire(payload)
		if err != nil {
			b.Restore(pieces, size)
			return nil, 0, err
		}
		pieces = append(pieces, piece)
		size += len(piece)
	}
	return pieces, size, nil
}

// Restore takes an AcquireAll back.
func (b *SharedBuffer) Restore(pieces [][]byte, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.requests != nil {
		_ = b.acquired.Received(-size) // which is always within the window
		b.pieces = b.pieces[:len(b.pieces)-len(pieces)]
	}
}

// acquired is a piece of a response.
type acquired struct {
	bytes []byte
	free  bool // the host does not use it any more
}

// Release reports that an acquired piece is not used any more. It returns the number of bytes to
// report to the worker now; the worker gets them back in its own order.
func (b *SharedBuffer) Release(piece []byte) (back int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.pieces, func(a acquired) bool {
		return !a.free && &a.bytes[0] == &piece[0] // a worker may have put several in one place
	})
	b.pieces[i].free = true
	done := 0
	for ; done < len(b.pieces) && b.pieces[done].free; done++ {
		back += b.acquired.Consumed(len(b.pieces[done].bytes))
	}
	b.pieces = slices.Delete(b.pieces, 0, done)
	return back
}

// Room returns where the next piece of a request can be put. It is empty while the worker has not
// read enough of those before it.
func (b *SharedBuffer) Room() []byte {
	free := BufferWindow - int(b.put.Load())
	return b.requests[b.next:min(b.next+free, BufferWindow)]
}

// IsRead reports whether the worker has read everything that was put there.
func (b *SharedBuffer) IsRead() bool { return b.put.Load() == 0 }

// Put counts the first n bytes of Room as put there, and returns their offset.
func (b *SharedBuffer) Put(n int) (offset int) {
	offset = b.next
	b.put.Add(int64(n))
	b.next = (b.next + n) % BufferWindow
	return offset
}

// Reclaim counts the bytes that the worker has read. payload is the payload of a Window frame.
func (b *SharedBuffer) Reclaim(payload []byte) error {
	n, err := DecodeWindow(payload)
	if err == nil && b.put.Add(-int64(n)) < 0 {
		err = Errorf("a Window frame for more than was put into the shared buffer")
	}
	return err
}
