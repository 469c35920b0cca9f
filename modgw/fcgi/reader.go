package fcgi

import (
	"fmt"
	"io"
)

// Reader reads records from a stream of bytes through a buffer of its user's. It allocates
// nothing. A read error leaves it where it was, so that reading can go on after a deadline.
type Reader struct {
	src        io.Reader
	buf        []byte
	start, end int    // part of buf that was read and not taken yet
	current    Header // the record that Next announced; Content and Padding count down
}

// Reset makes the reader start again with src, buf, and the n bytes that buf holds already. buf
// must not be shorter than HeaderLen; a longer one needs fewer reads.
func (r *Reader) Reset(src io.Reader, buf []byte, n int) {
	*r = Reader{src: src, buf: buf, end: n}
}

// Next reads the header of the next record, after skipping the rest of the current one. It returns
// io.EOF if the stream ends between two records, and io.ErrUnexpectedEOF if it ends within one.
func (r *Reader) Next() (Header, error) {
	if err := r.Skip(); err != nil {
		return Header{}, err
	}
	for r.end-r.start < HeaderLen {
		if err := r.fill(); err != nil {
			return Header{}, err
		}
	}
	h, err := ParseHeader(r.buf[r.start:])
	if err != nil {
		return Header{}, err
	}
	r.start += HeaderLen
	r.current = h
	return h, nil
}

// Current returns the header of the current record, with the number of bytes that are left of it.
func (r *Reader) Current() Header { return r.current }

// Left is the number of bytes of the current record's content that were not taken yet.
func (r *Reader) Left() int { return r.current.Content }

// Buffered is the number of bytes that were read from the stream and not taken yet.
func (r *Reader) Buffered() int { return r.end - r.start }

// Ready reports whether a record, or a piece of the current one, is at hand: taking it reads
// nothing.
func (r *Reader) Ready() bool {
	if r.current.Content > 0 {
		return r.Buffered() > 0
	}
	return r.Buffered() > r.current.Padding+HeaderLen
}

// Between reports whether the reader is between two records and its buffer is empty.
func (r *Reader) Between() bool {
	return r.Buffered() == 0 && r.current.Content == 0 && r.current.Padding == 0
}

// Piece takes a piece of the current record's content: as much as is at hand, at least one byte
// unless none is left. The piece is valid until the next call.
func (r *Reader) Piece() ([]byte, error) {
	return r.take(r.current.Content)
}

// Read reads content of the current record, as [io.Reader]; io.EOF marks the end of this record.
// Bytes that are not buffered are read directly into p, if the source can put the bytes after them
// into the buffer.
func (r *Reader) Read(p []byte) (int, error) {
	if r.current.Content == 0 {
		return 0, io.EOF
	}
	if src, ok := r.src.(splitter); ok && r.start == r.end && len(p) >= r.current.Content {
		return r.readStraight(src, p[:r.current.Content])
	}
	piece, err := r.take(min(len(p), r.current.Content))
	return copy(p, piece), err
}

// splitter is a source that reads into p, and into more the bytes for which p has no room.
type splitter interface {
	ReadTwo(p, more []byte) (int, error)
}

// following is the number of bytes that are read after content that goes directly into the caller's
// buffer. It covers the header of the next record, and so little of its content that the rest can
// be read directly, too.
const following = 4 * HeaderLen

func (r *Reader) readStraight(src splitter, p []byte) (int, error) {
	n, err := src.ReadTwo(p, r.buf[:min(following, len(r.buf))])
	taken := min(n, len(p))
	r.start, r.end = 0, n-taken
	r.current.Content -= taken
	return taken, r.outcome(n, err)
}

// ReadBody takes the whole content of the current record, which must be BodyLen bytes long, as
// begin and end records' is.
func (r *Reader) ReadBody() ([BodyLen]byte, error) {
	var b [BodyLen]byte
	if r.current.Content != BodyLen {
		return b, fmt.Errorf("record of type %d with %d bytes of content, not %d", r.current.Type, r.current.Content, BodyLen)
	}
	_, err := io.ReadFull(r, b[:])
	return b, err
}

func (r *Reader) take(limit int) ([]byte, error) {
	if limit == 0 {
		return nil, nil
	}
	if r.start == r.end {
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
	n := min(limit, r.end-r.start)
	piece := r.buf[r.start : r.start+n]
	r.start += n
	r.current.Content -= n
	return piece, nil
}

// Skip discards the rest of the current record.
func (r *Reader) Skip() error {
	for r.current.Content > 0 {
		if _, err := r.take(r.current.Content); err != nil {
			return err
		}
	}
	for r.current.Padding > 0 {
		if r.start == r.end {
			if err := r.fill(); err != nil {
				return err
			}
		}
		n := min(r.current.Padding, r.end-r.start)
		r.start += n
		r.current.Padding -= n
	}
	return nil
}

// fill reads once from the source, after making room.
func (r *Reader) fill() error {
	switch {
	case r.start == r.end:
		r.start, r.end = 0, 0
	case r.end == len(r.buf):
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	n, err := r.src.Read(r.buf[r.end:])
	r.end += n
	return r.outcome(n, err)
}

// outcome is the error of a read of n bytes.
func (r *Reader) outcome(n int, err error) error {
	switch {
	case n > 0:
		return nil // an error comes again with the next read
	case err == nil:
		return io.ErrNoProgress
	case err == io.EOF && !r.Between():
		return io.ErrUnexpectedEOF
	}
	return err
}
