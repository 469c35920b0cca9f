package upload

import (
	"io"
	"math"
	"sync"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
)

// pieceSize is how much is read from the client at once.
const pieceSize = 64 << 10

var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// Kept is a part of a request body that the host keeps. A nil one is empty.
type Kept struct {
	// Complete is set when it is all that there is to read from the client.
	Complete bool

	buffer *spool.Buffer
}

// Keep reads a request body with read, which returns io.EOF at its end, as far as the app's spool { upload } goes. An
// error is that of read, or a *NotKept.
func Keep(c *modgw.RunnerConfig, read func([]byte) (int, error)) (*Kept, error) {
	limit := c.Descriptor.Spool.Upload
	if c.Spool == nil || limit <= 0 {
		return nil, nil
	}
	return keep(c, limit, read)
}

// KeepAll is Keep for a body that must be complete, however long it is.
func KeepAll(c *modgw.RunnerConfig, read func([]byte) (int, error)) (*Kept, error) {
	return keep(c, math.MaxInt64, read)
}

func keep(c *modgw.RunnerConfig, limit int64, read func([]byte) (int, error)) (*Kept, error) {
	k := &Kept{buffer: spool.NewBuffer(c.Spool, limit)}
	if err := k.fill(limit, read); err != nil {
		k.Close()
		return nil, err
	}
	k.buffer.End(io.EOF)
	return k, nil
}

func (k *Kept) fill(limit int64, read func([]byte) (int, error)) error {
	piece := pieces.Get().(*[pieceSize]byte)
	defer pieces.Put(piece)
	for left := limit; left > 0 && !k.Complete; {
		n, err := read(piece[:min(left, pieceSize)])
		left -= int64(n)
		if err != nil && err != io.EOF {
			return err
		}
		k.Complete = err == io.EOF
		if _, err := k.buffer.Write(piece[:n]); err != nil {
			return &NotKept{err}
		}
	}
	return nil
}

// Read reads what was kept, without waiting. It is io.EOF with the last of it, or after that.
func (k *Kept) Read(p []byte) (int, error) {
	if k == nil {
		return 0, io.EOF
	}
	n, err := k.buffer.Read(p)
	if err == nil && k.buffer.Len() == 0 {
		err = io.EOF
	}
	return n, err
}

// IsComplete reports whether there is nothing more to read from the client.
func (k *Kept) IsComplete() bool { return k != nil && k.Complete }

// Close lets go of what was kept.
func (k *Kept) Close() {
	if k != nil {
		k.buffer.Close()
	}
}
