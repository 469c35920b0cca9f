package spool

import (
	"os"
	"sync"
	"sync/atomic"
)

// Buffer is a queue of bytes with one writer and one reader, which may be different goroutines. Its
// beginning is in memory, as long as there is some to have, and the rest in a file without a name.
// Make it with [NewBuffer], or with [NewSharedBuffer].
type Buffer struct {
	account *Account
	area    *Area // the memory is a part of it; nil: it is not shared
	limit   int64
	users   atomic.Int32 // number of outstanding Close calls, less one

	mu      sync.Mutex
	memory  []piece
	held    int64 // bytes of memory that the account has taken
	first   int   // the offset in the first piece of the bytes that were not read
	last    int   // how many bytes were written to the last piece
	spare   bool  // one chunk is held beyond the account
	pinned  int64 // bytes in memory that are kept until Close and not read; 0: they are read
	size    int64 // bytes that were written and not read
	ended   bool
	end     error         // Read returns it at the end
	cut     bool          // no one reads any more
	written chan struct{} // has a token after something was written, or the end
	taken   chan struct{} // has a token after something was read, or Cut

	// The file is a ring. Its writer uses [start+length, start), its reader [start, start+length);
	// positions are modulo limit.
	file          *os.File
	start, length int64
	reserved      int64 // bytes from its beginning that the account has taken
	broken        error // why the file takes no more
}

// NewBuffer returns an empty buffer that holds at most limit bytes, all charged to the account.
// With a nil account it holds nothing.
func NewBuffer(a *Account, limit int64) *Buffer {
	return &Buffer{
		account: a, limit: limit,
		written: make(chan struct{}, 1), taken: make(chan struct{}, 1),
	}
}

// NewSharedBuffer is [NewBuffer] whose memory is a part of an area, unless that was closed: a
// request can outlast the workers of its app.
func NewSharedBuffer(a *Account, limit int64, area *Area) *Buffer {
	b := NewBuffer(a, limit)
	if area.retain() {
		b.area = area
	}
	return b
}

// Retain keeps everything until Close was called once more.
func (b *Buffer) Retain() { b.users.Add(1) }

// Write stores p, and returns the number of bytes stored. The error is ErrLimit, ErrAccountFull,
// ErrSpoolFull or a *FileError. Bytes stored before are not lost, and Write may be called again
// after some were read.
func (b *Buffer) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = b.write(p[n:])
		n += more
	}
	return n, err
}

// write keeps some of p.
func (b *Buffer) write(p []byte) (int, error) {
	b.mu.Lock()
	if b.length == 0 {
		b.start = 0
		b.shrink()
	}
	if n, ok := b.writeMemory(p); ok {
		b.mu.Unlock()
		notify(b.written)
		return n, nil
	}
	p = p[:min(int64(len(p)), b.limit-b.size)]
	if len(p) == 0 {
		b.mu.Unlock()
		return 0, ErrLimit
	}
	at := (b.start + b.length) % b.limit
	p = p[:min(int64(len(p)), b.limit-at)]
	b.mu.Unlock()
	n, err := b.writeFile(p, at)
	b.mu.Lock()
	b.length += int64(n)
	b.size += int64(n)
	b.mu.Unlock()
	notify(b.written)
	return n, err
}

// End marks the end of the contents; Read returns err when everything was read.
func (b *Buffer) End(err error) {
	b.mu.Lock()
	b.ended, b.end = true, err
	b.mu.Unlock()
	notify(b.written)
}

// Len returns the number of bytes that can be read without waiting.
func (b *Buffer) Len() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size
}

// Ready reports whether Read would not wait.
func (b *Buffer) Ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size > 0 || b.ended
}

// Read waits for bytes that were written and reads some of them.
func (b *Buffer) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		b.mu.Lock()
		switch {
		case len(b.memory) > 0 && b.size > b.length:
			n := b.readMemory(p)
			b.mu.Unlock()
			notify(b.taken)
			return n, nil
		case b.length > 0:
			p = p[:min(int64(len(p)), b.length, b.limit-b.start)]
			at := b.start
			b.mu.Unlock()
			return b.readFile(p, at)
		case b.ended:
			b.mu.Unlock()
			return 0, b.end
		}
		b.mu.Unlock()
		<-b.written
	}
}

// Cut makes awaitRoom return at once, because no more bytes will be read.
func (b *Buffer) Cut() {
	b.mu.Lock()
	b.cut = true
	b.mu.Unlock()
	notify(b.taken)
}

// awaitRoom waits until some of the size bytes present at the call were read. It reports false
// after Cut.
func (b *Buffer) awaitRoom(size int64) bool {
	for {
		b.mu.Lock()
		now, cut := b.size, b.cut
		b.mu.Unlock()
		switch {
		case cut:
			return false
		case now < size || now == 0:
			return true
		}
		<-b.taken
	}
}

// Close lets go of everything, unless it was retained. Neither side uses the buffer any more.
func (b *Buffer) Close() {
	if b.users.Add(-1) >= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropMemory()
	b.size, b.length, b.pinned = 0, 0, 0
	if b.area != nil {
		b.area.Close()
		b.area = nil
	}
	if b.file != nil {
		b.file.Close()
		b.file = nil
	}
	if b.reserved > 0 {
		b.account.giveDisk(b.reserved)
		b.reserved = 0
	}
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
