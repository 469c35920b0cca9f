package load

// message returns a masked WebSocket message of text. Its mask is zero, which is valid and saves
// work.
func message(text string) []byte {
	return append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
}

// echo reads WebSocket frames until a message has come back.
type echo struct {
	head []byte
	left int
	text bool
}

// feed consumes received bytes. When the message is complete, it returns the bytes after it.
func (e *echo) feed(p []byte) (rest []byte, complete bool) {
	for len(p) > 0 || e.left == 0 && e.text {
		if e.left > 0 {
			n := min(e.left, len(p))
			e.left -= n
			p = p[n:]
		}
		if e.left > 0 {
			return nil, false
		}
		if e.text {
			e.text = false
			return p, true
		}
		if len(p) == 0 {
			return nil, false
		}
		e.head = append(e.head, p[0])
		p = p[1:]
		if e.headComplete() {
			e.text = e.head[0]&0x0f == 1
			e.head = e.head[:0]
		}
	}
	return nil, false
}

// headComplete reads the length of a frame from its head, once the head is complete. The server
// sends no frames of more than 64 KiB.
func (e *echo) headComplete() bool {
	switch {
	case len(e.head) < 2:
		return false
	case e.head[1] < 126:
		e.left = int(e.head[1])
		return true
	case len(e.head) < 4:
		return false
	}
	e.left = int(e.head[2])<<8 | int(e.head[3])
	return true
}
