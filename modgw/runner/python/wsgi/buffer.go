package wsgi

import (
	"os"

	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/wire"
)

// shareMemory makes the memory that large bodies pass through, and returns it as the worker gets
// it, and the memory for kept bodies if there is some. nil: there is none, and the bodies go in
// frames.
func (w *Worker) shareMemory(app *request.App) (theirs []*os.File) {
	file, err := wire.NewSharedMemory(len(w.Conns) * wire.ThreadBufferSize)
	if err == nil {
		theirs = append(theirs, file)
		err = w.openBuffers(file)
	}
	if err == nil && app.Bodies != nil {
		var reader *os.File
		if reader, err = app.Bodies.Reader(); err == nil {
			theirs = append(theirs, reader)
		}
	}
	if err == nil {
		w.shared = len(theirs)
		return theirs
	}
	app.Log.Debug("no memory is shared", "reason", err)
	w.closeBuffers()
	for _, f := range theirs {
		f.Close()
	}
	return nil
}

// openBuffers gives each connection its part of the memory.
func (w *Worker) openBuffers(file *os.File) (err error) {
	for _, c := range w.Conns {
		if c.buffer, err = wire.OpenThreadBuffer(file, c.number); err != nil {
			return err
		}
	}
	return nil
}

// closeBuffers is called before the first request.
func (w *Worker) closeBuffers() {
	for _, c := range w.Conns {
		c.closeBuffer()
	}
}

func (c *Conn) closeBuffer() {
	if c.buffer != nil {
		c.buffer.Close()
		c.buffer = nil
	}
}

// reclaimBody frees the memory of the bytes that the worker has read of a request's body.
func (c *Conn) reclaimBody(payload []byte) error {
	if c.buffer == nil {
		return wire.Errorf("a Window frame without shared memory")
	}
	if err := c.buffer.Reclaim(payload); err != nil {
		return err
	}
	select {
	case c.credit <- struct{}{}:
	default:
	}
	return nil
}

// acquirePiece converts a Shared frame to the Body frame that it represents. Its payload belongs to
// the stream until releasePiece.
func (s *stream) acquirePiece(f wire.Frame) (wire.Frame, error) {
	if s.Buffer == nil {
		return f, wire.Errorf("a Shared frame without shared memory")
	}
	piece, err := s.Buffer.Acquire(f.Payload)
	f.Type, f.Payload = wire.Body, piece
	s.acquired = piece
	return f, err
}

// share makes pieces that were acquired a body for the loop.
func (d *direct) share(pieces [][]byte) *response.Large {
	c, buffer := d.stream.conn, d.stream.Buffer
	buffer.Retain()
	free := func() {
		back := 0
		for _, piece := range pieces {
			back += buffer.Release(piece)
		}
		buffer.Close()
		if back > 0 && c.out.Append(func(b []byte) []byte { return wire.AppendWindow(b, 0, back) }) == nil {
			c.worker.loop.FlushLater(c)
		}
	}
	return &response.Large{Config: &d.server.app.RunnerConfig, Pieces: pieces, Free: free}
}

// releasePiece lets the worker use the memory of the acquired piece again.
func (s *stream) releasePiece() {
	if s.acquired == nil {
		return
	}
	back := s.Buffer.Release(s.acquired)
	s.acquired = nil
	if back > 0 {
		// A write error surfaces on the read side.
		_ = s.conn.out.Write(func(b []byte) []byte { return wire.AppendWindow(b, 0, back) })
	}
}
