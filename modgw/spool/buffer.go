package spool

import (
	"os"
	"sync"
	"sync/atomic"
)

// chunkSize is the unit in which memory is used.
const chunkSize = 32 << 10

// extentSize is the unit in which room in files is reserved.
const extentSize = 256 << 10

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// Buffer is a queue of bytes with one writer and one reader, which may be different goroutines. Its
// beginning is in memory, as long as there is some to have, and the rest in a file without a name.
// Make it with [NewBuffer], or with [NewSharedBuffer].
type Buffer struct {
	account *Account
	area    *Area // the memory is a part of it; nil: it is not shared
	limit   int64
	users   atomic.Int32 // how many Close calls are missing beside the first

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

// piece is memory of a buffer.
type piece struct {
	bytes  []byte
	offset int // in the area, if the buffer has one
}

// NewBuffer makes an empty buffer that holds at most limit bytes, all of which count for the
// account; a nil account keeps nothing.
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

// Pin makes Read go on behind what is in memory, and returns where that is, in its order. It stays
// there until Close. Without an area, nothing is pinned. Nothing was read, and nothing is written
// any more.
func (b *Buffer) Pin() []Region {
	if b.area == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pinned == 0 {
		b.pinned = b.size - b.length
		b.size = b.length
	}
	var regions []Region
	left := int(b.pinned)
	for _, p := range b.memory {
		length := min(len(p.bytes), left)
		left -= length
		if n := len(regions); n > 0 && regions[n-1].Offset+regions[n-1].Length == p.offset {
			regions[n-1].Length += length
		} else if length > 0 {
			regions = append(regions, Region{p.offset, length})
		}
	}
	return regions
}

// Unpin makes Read begin with what is in memory again. Nothing was read since Pin.
func (b *Buffer) Unpin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.size += b.pinned
	b.pinned = 0
}

// Retain keeps everything until Close was called once more.
func (b *Buffer) Retain() { b.users.Add(1) }

// Write keeps p, and returns how much of it was kept. The error is ErrLimit, ErrAccountFull,
// ErrSpoolFull or a *FileError; what was kept before is not lost then, and Write may be called
// again when something was read.
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

// Room is where the writer may put what comes next, instead of having Write copy it; Wrote says how
// much of it was used. It is empty when Write has to keep what comes next. Nothing is read between
// the two calls.
func (b *Buffer) Room() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.room()
}

// Wrote keeps the first n bytes of Room.
func (b *Buffer) Wrote(n int) {
	b.mu.Lock()
	b.wrote(n)
	b.mu.Unlock()
	notify(b.written)
}

// writeMemory keeps some of p in memory if there is any; b.mu is held.
func (b *Buffer) writeMemory(p []byte) (n int, ok bool) {
	room := b.room()
	n = copy(room, p)
	b.wrote(n)
	return n, len(room) > 0
}

// room is memory that is free, unless the file has something that comes first; b.mu is held.
func (b *Buffer) room() []byte {
	if b.length > 0 || b.size >= b.limit {
		return nil
	}
	if len(b.memory) == 0 || b.last == len(b.memory[len(b.memory)-1].bytes) {
		if !b.addPiece() {
			return nil
		}
	}
	free := b.memory[len(b.memory)-1].bytes[b.last:]
	return free[:min(int64(len(free)), b.limit-b.size)]
}

func (b *Buffer) wrote(n int) {
	b.last += n
	b.size += int64(n)
}

// addPiece reports whether there is more memory; b.mu is held.
func (b *Buffer) addPiece() bool {
	if b.area == nil {
		if !b.account.takeMemory(b.held, chunkSize) {
			return false
		}
		b.held += chunkSize
		b.addChunk()
		return true
	}
	size := min(max(b.held, chunkSize), largestPiece) // as much as it has, in few pieces
	size = (min(size, b.limit-b.size) + chunkSize - 1) / chunkSize * chunkSize
	for !b.account.takeMemory(b.held, size) {
		if size = size / 2 / chunkSize * chunkSize; size == 0 {
			return false
		}
	}
	r := b.area.take(int(size))
	b.account.giveMemory(size - int64(r.Length))
	if r.Length == 0 {
		return false
	}
	b.held += int64(r.Length)
	b.append(piece{b.area.memory[r.Offset : r.Offset+r.Length : r.Offset+r.Length], r.Offset})
	return true
}

func (b *Buffer) addChunk() { b.append(piece{bytes: chunks.Get().(*[chunkSize]byte)[:]}) }

func (b *Buffer) append(p piece) {
	if len(b.memory) == 0 {
		b.first = 0
	}
	b.memory = append(b.memory, p)
	b.last = 0
}

// writeFile writes p to the file, in which room is reserved first. Only the writer uses file,
// reserved and broken.
func (b *Buffer) writeFile(p []byte, at int64) (int, error) {
	if b.broken != nil {
		return 0, b.broken
	}
	if beyond := at + int64(len(p)) - b.reserved; beyond > 0 {
		beyond = (beyond + extentSize - 1) / extentSize * extentSize
		if err := b.account.takeDisk(beyond); err != nil {
			return 0, err
		}
		b.reserved += beyond
	}
	if b.file == nil {
		f, err := b.account.openFile()
		if err != nil {
			b.broken = err
			return 0, err
		}
		b.mu.Lock()
		b.file = f
		b.mu.Unlock()
	}
	n, err := b.file.WriteAt(p, at)
	if err != nil {
		b.broken = &FileError{err}
		return n, b.broken
	}
	return n, nil
}

// shrink gives the room of an empty file back; b.mu is held.
func (b *Buffer) shrink() {
	if b.reserved == 0 || b.file.Truncate(0) != nil {
		return
	}
	b.account.giveDisk(b.reserved)
	b.reserved = 0
}

// hold keeps p, which fits into one chunk, in an empty buffer, whatever the account says: so that a
// response goes on in pieces when nothing can be kept. It reports false when the buffer is not
// empty.
func (b *Buffer) hold(p []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.size > 0 {
		return false
	}
	b.addChunk()
	b.spare = true
	b.last = copy(b.memory[0].bytes, p)
	b.size = int64(b.last)
	notify(b.written)
	return true
}

// End says that nothing more is written; Read returns err when everything was read.
func (b *Buffer) End(err error) {
	b.mu.Lock()
	b.ended, b.end = true, err
	b.mu.Unlock()
	notify(b.written)
}

// Len is how many bytes can be read without waiting.
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

// readMemory reads what is in memory, as far as p has room; b.mu is held.
func (b *Buffer) readMemory(p []byte) (n int) {
	for n < len(p) && b.size > b.length {
		filled := len(b.memory[0].bytes)
		if len(b.memory) == 1 {
			filled = b.last
		}
		read := copy(p[n:], b.memory[0].bytes[b.first:filled])
		n += read
		b.first += read
		b.size -= int64(read)
		if b.first == filled {
			b.dropPiece()
		}
	}
	return n
}

// dropPiece lets go of the first piece; b.mu is held.
func (b *Buffer) dropPiece() {
	p := b.memory[0]
	b.memory[0] = piece{}
	b.memory = b.memory[1:]
	b.first = 0
	if b.area != nil {
		b.area.give(Region{p.offset, len(p.bytes)})
	} else {
		chunks.Put((*[chunkSize]byte)(p.bytes))
	}
	if b.spare {
		b.spare = false
		return
	}
	b.held -= int64(len(p.bytes))
	b.account.giveMemory(int64(len(p.bytes)))
}

func (b *Buffer) dropMemory() {
	for len(b.memory) > 0 {
		b.dropPiece()
	}
}

func (b *Buffer) readFile(p []byte, at int64) (int, error) {
	n, err := b.file.ReadAt(p, at)
	if n < len(p) {
		return 0, &FileError{err}
	}
	b.mu.Lock()
	b.start = (b.start + int64(n)) % b.limit
	b.length -= int64(n)
	b.size -= int64(n)
	b.mu.Unlock()
	notify(b.taken)
	return n, nil
}

// Cut makes awaitRoom return at once: no one reads any more.
func (b *Buffer) Cut() {
	b.mu.Lock()
	b.cut = true
	b.mu.Unlock()
	notify(b.taken)
}

// awaitRoom waits until something of what was there, size bytes, was read. It reports false after
// Cut.
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
