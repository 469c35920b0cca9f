package pauses

import (
	"encoding/binary"
	"errors"
	"math"
	"os"

	"github.com/modgw/modgw/modgw"
)

// Size is how many bytes the memory of a worker has.
const Size = 4096

// The memory consists of words of 8 bytes in the machine's byte order, which is little-endian on
// all machines that modgw runs on. The first one is a magic number. Each kind of pauses has
// kindWords words from firstWord on: 1 if the worker measures it, the seconds of all pauses, those
// of the longest one, and from bucketsAt on the numbers of pauses in the buckets.
const (
	magic     = 0x31554150574d // "MWPAU1"
	firstWord = 8
	kindWords = 16
	bucketsAt = 4
	kinds     = 3
)

// most is how many pauses, and seconds of them, an honest worker may have at most.
const most = 1 << 53

// Page is the memory of one worker. It is read until Close.
type Page struct{ memory *os.File }

// New makes the page of a worker from the host's descriptor of its memory, which belongs to the
// page then.
func New(memory *os.File) *Page { return &Page{memory} }

// Close lets the memory go. It may be called again, and for nil.
func (p *Page) Close() {
	if p != nil {
		_ = p.memory.Close() // it was only read
	}
}

// Memory is what the page reads; nil for a nil page.
func (p *Page) Memory() *os.File {
	if p == nil {
		return nil
	}
	return p.memory
}

// Read returns what the worker has measured; nil: nothing. It is nil for a nil page.
func (p *Page) Read() *modgw.InterpreterStatus {
	if p == nil {
		return nil
	}
	var memory [8 * (firstWord + kinds*kindWords)]byte
	n, err := p.memory.ReadAt(memory[:], 0)
	if err != nil && (n < len(memory) || errors.Is(err, os.ErrClosed)) {
		return nil
	}
	return decode(memory[:])
}

func decode(memory []byte) *modgw.InterpreterStatus {
	if word(memory, 0) != magic {
		return nil
	}
	return &modgw.InterpreterStatus{
		GC: decodeKind(memory, 0), GIL: decodeKind(memory, 1), Loop: decodeKind(memory, 2),
	}
}

// decodeKind returns the pauses of a kind; nil if they are not measured, or damaged.
func decodeKind(memory []byte, kind int) *modgw.Pauses {
	at := firstWord + kind*kindWords
	if word(memory, at) != 1 {
		return nil
	}
	p := &modgw.Pauses{
		Seconds: math.Float64frombits(word(memory, at+1)), Longest: math.Float64frombits(word(memory, at+2)),
	}
	for i := range p.Buckets {
		n := word(memory, at+bucketsAt+i)
		if n > most {
			return nil
		}
		p.Buckets[i] = n
		p.Count += n
	}
	if !(p.Seconds >= 0 && p.Seconds < most && p.Longest >= 0 && p.Longest < most) {
		return nil
	}
	return p
}

func word(memory []byte, index int) uint64 { return binary.LittleEndian.Uint64(memory[8*index:]) }
