package wire

import (
	"errors"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// NewBoundedWriter returns a Writer for a connection whose other side must not hold up a goroutine:
// a write that takes longer than the limit fails.
func NewBoundedWriter(conn *net.UnixConn, limit time.Duration) *Writer {
	return &Writer{conn: boundedConn{conn, limit}}
}

// boundedConn is a connection with a time limit for each write. It does not embed the connection,
// because [net.Buffers] would call its other methods, which have no limit.
type boundedConn struct {
	conn  *net.UnixConn
	limit time.Duration
}

// Write implements [io.Writer].
func (c boundedConn) Write(p []byte) (int, error) {
	if err := c.bound(); err != nil {
		return 0, err
	}
	return c.conn.Write(p)
}

// bound starts the time limit of a write.
func (c boundedConn) bound() error { return c.conn.SetWriteDeadline(time.Now().Add(c.limit)) }

// passing is files that are about to be passed on.
type passing struct {
	bounded boundedConn
	files   []*os.File
}

// PassFiles is [Writer.Write] for one frame with files, which travel with its first byte, or
// earlier. The files are closed when they were passed. Only a Writer of NewBoundedWriter can do it.
func (w *Writer) PassFiles(f Frame, files []*os.File) error {
	bounded, ok := w.conn.(boundedConn)
	if !ok {
		return errors.New("files can be passed by a bounded writer alone")
	}
	var busy error
	err := w.Write(func(b []byte) []byte {
		if w.files != nil {
			busy = errors.New("other files are being passed")
			return b
		}
		w.files = &passing{bounded, files}
		return AppendFrame(b, f)
	})
	return errors.Join(err, busy)
}

// write writes both pieces, and the files with the first byte.
func (p *passing) write(out, more []byte) (int, error) {
	fds := make([]int, len(p.files))
	for i, f := range p.files {
		fds[i] = int(f.Fd())
		defer f.Close()
	}
	if err := p.bounded.bound(); err != nil {
		return 0, err
	}
	n, _, err := p.bounded.conn.WriteMsgUnix(out, unix.UnixRights(fds...), nil)
	if err != nil {
		return n, err
	}
	rest, err := (&net.Buffers{out[n:], more}).WriteTo(p.bounded.conn)
	return n + int(rest), err
}

// WriteWithFiles writes a frame, and passes files on with its first byte. It takes at most so long.
func WriteWithFiles(
	conn *net.UnixConn, frame []byte, files []*os.File, timeout time.Duration,
) error {
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	n, _, err := conn.WriteMsgUnix(frame, rights, nil)
	if err == nil && n < len(frame) { // the peer may have ended: writing nothing would fail
		_, err = conn.Write(frame[n:])
	}
	return errors.Join(err, conn.SetWriteDeadline(time.Time{}))
}
