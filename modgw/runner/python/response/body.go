package response

import (
	"io"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
	"github.com/modgw/modgw/modgw/wire"
)

var _ spool.Source = (*Response)(nil)

// Read implements [spool.Source]: it reads the body. The worker may send more as soon as bytes are
// read. OnLast is called with the last of them.
func (p *Response) Read(b []byte) (int, error) {
	if err := p.fill(); err != nil {
		return 0, err
	}
	n := copy(b, p.rest)
	return n, p.take(n)
}

// fill reads until there is something in rest.
func (p *Response) fill() (err error) {
	for len(p.rest) == 0 && err == nil {
		err = p.readFrame()
	}
	return p.noteEnd(err)
}

// take removes n bytes, which were passed on or copied, from rest. The error is io.EOF after the
// last ones.
func (p *Response) take(n int) error {
	if p.rest = p.rest[n:]; len(p.rest) > 0 {
		return nil
	}
	err := p.releasePiece()
	if err == nil && p.isOver() {
		err = io.EOF
	}
	return p.noteEnd(err)
}

// noteEnd records that the body has ended because of err.
func (p *Response) noteEnd(err error) error {
	if err != nil && p.source.Ended() {
		p.request.NoteLast()
		if p.OnLast != nil {
			p.OnLast()
		}
	}
	return err
}

// passBriefly passes the body on from where the worker has put it, without another copy, as long as
// the client takes it soon. The error is io.EOF after the end of the body.
func (p *Response) passBriefly() error {
	to, ok := p.request.W.(modgw.BriefWriter)
	for ok && !p.bodiless && p.ahead.Take() {
		if err := p.fill(); err != nil {
			return err
		}
		begun, size := time.Now(), len(p.rest)
		n, err := to.WriteBriefly(p.rest, spool.StallTime)
		p.ahead.Waited(begun)
		if err != nil {
			return clientError(err)
		}
		if err := p.take(n); err != nil {
			return err
		}
		ok = n == size
	}
	return nil
}

// isOver reports whether everything that the worker has sent was received.
func (p *Response) isOver() bool { return !p.next.valid && p.source.Ended() }

// readFrame reads the next frame.
func (p *Response) readFrame() error {
	if err := p.releasePiece(); err != nil {
		return err
	}
	if p.isOver() {
		return io.EOF
	}
	f, err := p.nextFrame()
	if err != nil {
		return err
	}
	switch f.Type {
	case wire.Abort:
		return AppFailed(f)
	case wire.File:
		return p.openFile(f)
	case wire.Event:
		return p.keepTrailers(f)
	}
	return p.setPiece(f.Payload)
}

// nextFrame returns the next frame. The end of the connection is not the end of the response.
func (p *Response) nextFrame() (f wire.Frame, err error) {
	if p.next.valid {
		f, err = p.next.frame, p.next.err
		p.next = lookahead{}
	} else {
		f, err = p.source.Next()
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return f, err
}

// setPiece sets the piece of the body that Read reads from.
func (p *Response) setPiece(piece []byte) error {
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

// releasePiece lets the worker send as much as was read of the last piece.
func (p *Response) releasePiece() error {
	used := p.used
	if p.used = 0; used == 0 {
		return nil
	}
	return p.source.Release(used)
}

// Ready implements [spool.Source].
func (p *Response) Ready() bool {
	if len(p.rest) == 0 && !p.next.valid {
		f, ok, err := p.source.Buffered()
		p.next = lookahead{valid: ok || err != nil, frame: f, err: err}
	}
	return len(p.rest) > 0 || p.next.valid
}

// Waited implements [spool.Source].
func (p *Response) Waited(d time.Duration) { p.source.Extend(d) }

// Interrupt implements [spool.Source].
func (p *Response) Interrupt() { p.source.Interrupt() }
