package spool

import "sync"

// pieceSize is the number of bytes of a response that are copied to a client at once.
const pieceSize = 256 << 10

var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// Piece is memory that a response is copied through.
type Piece struct {
	Bytes []byte // content of the piece

	account *Account // it counts for this account; nil: for none
	large   *[pieceSize]byte
	small   *[chunkSize]byte
}

// Piece returns memory to copy through, until Release. It is less when the account can have no
// more, so that many slow clients take no more than the spool may have.
func (a *Account) Piece() *Piece {
	if a != nil && a.total.take(pieceSize) {
		if a.spool.memory.take(pieceSize) {
			large := pieces.Get().(*[pieceSize]byte)
			return &Piece{Bytes: large[:], account: a, large: large}
		}
		a.total.give(pieceSize)
	}
	small := chunks.Get().(*[chunkSize]byte)
	return &Piece{Bytes: small[:], small: small}
}

// Release lets go of the memory.
func (p *Piece) Release() {
	if p.large != nil {
		pieces.Put(p.large)
		p.account.giveMemory(pieceSize)
	} else {
		chunks.Put(p.small)
	}
}
