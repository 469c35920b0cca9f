package python

import (
	"io"
	"time"

	"github.com/modgw/modgw/modgw/spool"
	"github.com/modgw/modgw/modgw/wire"
)

var _ spool.Source = (*response)(nil)

// Read implements [spool.Source]: it reads what the worker sends of the body. Bytes are given back to the worker as soon
// as they are read, and the worker is released with the last of them.
func (p *response) Read(b []byte) (int, error) {
	n, err := p.read(b)
	if err != nil && p.release != nil && p.stream.ended() {
		p.release()
	}
	return n, err
}

func (p *response) read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if err := p.more(); err != nil {
			return 0, err
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	if len(p.rest) > 0 {
		return n, nil
	}
	err := p.giveBack()
	if err == nil && p.isOver() {
		err = io.EOF
	}
	return n, err
}

// isOver reports whether everything that the worker has sent was received.
func (p *response) isOver() bool { return !p.pending && p.stream.ended() }

// more receives the next frame.
func (p *response) more() error {
	if err := p.giveBack(); err != nil {
		return err
	}
	if p.isOver() {
		return io.EOF
	}
	f, err := p.next()
	if err != nil {
		return err
	}
	switch f.Type {
	case wire.Abort:
		return appFailed(f)
	case wire.File:
		return p.takeFile(f)
	case wire.Event:
		return p.takeTrailers(f)
	}
	return p.take(f.Payload)
}

// next is that of the stream. The end of the connection is no end of the response.
func (p *response) next() (f wire.Frame, err error) {
	if p.pending {
		p.pending = false
		f, err = p.frame, p.failed
	} else {
		f, err = p.stream.next()
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return f, err
}

// take makes a piece of the body the one that Read reads from.
func (p *response) take(piece []byte) error {
	if err := p.checkRoom(int64(len(piece))); err != nil {
		return err
	}
	p.used = len(piece)
	p.written += int64(len(piece))
	if p.bodiless {
		piece = nil
	}
	p.rest = piece
	return nil
}

// giveBack gives the bytes of a piece that was read back to the worker.
func (p *response) giveBack() error {
	used := p.used
	if p.used = 0; used == 0 {
		return nil
	}
	return p.stream.consumed(used)
}

// Ready implements [spool.Source].
func (p *response) Ready() bool {
	if len(p.rest) == 0 && !p.pending {
		var ok bool
		p.frame, ok, p.failed = p.stream.buffered()
		p.pending = ok || p.failed != nil
	}
	return len(p.rest) > 0 || p.pending
}

// Waited implements [spool.Source].
func (p *response) Waited(d time.Duration) { p.stream.extend(d) }

// Interrupt implements [spool.Source].
func (p *response) Interrupt() { p.stream.interrupt() }
