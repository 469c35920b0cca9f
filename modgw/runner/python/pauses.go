package python

import (
	"encoding/binary"
	"errors"
	"math"
	"os"

	"github.com/modgw/modgw/modgw"
)

// pausesSize is how many bytes the memory has in which a worker counts its pauses.
const pausesSize = 4096

// The memory consists of words of 8 bytes in the machine's byte order, which is little-endian on
// all machines that modgw runs on. The first one is a magic number. Each kind of pauses has
// kindWords words from firstWord on: 1 if the worker measures it, the seconds of all pauses, those
// of the longest one, and from bucketsAt on the numbers of pauses in the buckets.
const (
	pausesMagic = 0x31554150574d // "MWPAU1"
	firstWord   = 8
	kindWords   = 16
	bucketsAt   = 4
	pauseKinds  = 3
)

// mostPauses is how many pauses, and seconds of them, an honest worker may have at mostPauses.
const mostPauses = 1 << 53

// readPauses returns a worker's measurements of its own interpreter: pauses for garbage collection,
// waits for the global interpreter lock, and delays of its event loop. It is nil if there are none,
// and for nil.
//
// The worker writes them to memory that it shares with the host. So there are no messages, and a
// stuck interpreter can still be read. Workers are not trusted: the memory is read as a file, so
// that an access to it cannot fail in another way, and numbers that no honest worker writes are
// ignored.
func readPauses(from *os.File) *modgw.InterpreterStatus {
	if from == nil {
		return nil
	}
	var memory [8 * (firstWord + pauseKinds*kindWords)]byte
	n, err := from.ReadAt(memory[:], 0)
	if err != nil && (n < len(memory) || errors.Is(err, os.ErrClosed)) {
		return nil
	}
	return decodePauses(memory[:])
}

func decodePauses(memory []byte) *modgw.InterpreterStatus {
	if word(memory, 0) != pausesMagic {
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
		if n > mostPauses {
			return nil
		}
		p.Buckets[i] = n
		p.Count += n
	}
	if !(p.Seconds >= 0 && p.Seconds < mostPauses && p.Longest >= 0 && p.Longest < mostPauses) {
		return nil
	}
	return p
}

func word(memory []byte, index int) uint64 { return binary.LittleEndian.Uint64(memory[8*index:]) }
