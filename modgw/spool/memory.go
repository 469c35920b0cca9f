package spool

import (
	"sync"
)

// chunkSize is the unit in which memory is used.
const chunkSize = 32 << 10

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// piece is memory of a buffer.
type piece struct {
	bytes  []byte
	offset int // in the area, if the buffer has one
}

// Pin returns the regions of the buffer that are in memory, in order, and makes Read continue after
// them. They stay in place until Close. Without an area, nothing is pinned. Nothing may have been
// read before, and nothing may be written afterwards.
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

// Unpin makes Read begin with the part in memory again. Nothing may have been read since Pin.
func (b *Buffer) Unpin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.size += b.pinned
	b.pinned = 0
}

// Room returns memory into which the writer may put the next bytes itself, to avoid the copy in
// Write. Wrote reports the number of bytes used. Room is empty if only Write can store the next
// bytes. Nothing may be read between the two calls.
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

// hold stores p, which fits into one chunk, in an empty buffer regardless of the account's limit,
// so that a response makes progress even if nothing else can be kept. It reports false if the
// buffer is not empty.
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

// readMemory reads bytes that are in memory into p; b.mu is held.
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
