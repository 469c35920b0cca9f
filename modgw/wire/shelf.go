package wire

import (
	"os"
	"sync/atomic"
)

// ShelfSize is how many bytes an area has in which all streams of a lane have their responses, in slots that the worker gives
// out.
const ShelfSize = 4 << 20

// Shelf is the area of a lane that many streams share. Whoever looks at what it has holds it: it is unmapped when nobody
// does.
type Shelf struct {
	memory []byte
	held   atomic.Int32
}

// OpenShelf maps an area, which the caller holds then.
func OpenShelf(area *os.File) (*Shelf, error) {
	memory, err := share(area, 0, ShelfSize)
	if err != nil {
		return nil, err
	}
	s := &Shelf{memory: memory}
	s.Hold()
	return s, nil
}

// Borrow is the piece of a response that the payload of a Lent frame names.
func (s *Shelf) Borrow(payload []byte) ([]byte, error) { return lent(s.memory, payload) }

// Hold keeps the memory mapped until Release is called once more. Somebody else must hold it.
func (s *Shelf) Hold() { s.held.Add(1) }

// Release lets go of it.
func (s *Shelf) Release() {
	if s.held.Add(-1) == 0 {
		unshare(s.memory)
	}
}
