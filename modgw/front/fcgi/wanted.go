package fcgi

// wanted is where a handler that has the reading turn wants the body of its request. It is made and
// cleared with conn.mu held, and belongs to the reading turn meanwhile.
type wanted struct {
	stream *stream // nil: nothing is wanted
	// room that is still free there; nil for a place so small that records go through stream.stdin
	into []byte
	n    int // bytes that were put there
}

// room is where content of request id is wanted.
func (w *wanted) room(id uint16) []byte {
	if w.stream == nil || w.stream.id != id {
		return nil
	}
	return w.into
}

// full reports whether nothing more can be put where it is wanted.
func (w *wanted) full() bool { return w.n > 0 && len(w.into) == 0 }

// took reports whether a piece was put where it is wanted, and takes note of it.
func (w *wanted) took(piece []byte) bool {
	if len(piece) == 0 || len(w.into) == 0 || &piece[0] != &w.into[0] {
		return false
	}
	w.into = w.into[len(piece):]
	w.n += len(piece)
	return true
}

// takeWanted is takeTurn for a handler: it copies n bytes of the body of s into p. It returns
// early, without an error, if the body is closed. The caller holds c.mu, which is released
// meanwhile.
func (c *conn) takeWanted(s *stream, p []byte) (n int, err error) {
	c.wanted = wanted{stream: s}
	if len(p) >= smallRoom {
		c.wanted.into = p
	}
	err = c.takeTurn()
	n = c.wanted.n
	c.wanted = wanted{}
	return n, err
}
