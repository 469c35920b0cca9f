package fcgi

import "github.com/modgw/modgw/modgw/fcgi"

// recordSize is the size of the content of a long response's records: the number of bytes that
// Apache reads at once with the iobuffersize of the generated configuration.
const recordSize = 64000

// Add implements [front.Output]. It appends p to the buffer, and sends the buffer if p does not
// fit.
func (w *response) Add(p []byte) error {
	w.borrow()
	if len(p) <= cap(w.buf)-tailRoom-len(w.buf) {
		w.buf = append(w.buf, p...)
		return nil
	}
	for len(p) > 0 {
		w.borrow()
		if err := w.sendHeadAlone(); err != nil {
			return err
		}
		start := w.recordStart()
		content := len(w.buf) - start - fcgi.HeaderLen
		n := min(len(p), max(0, recordSize-content))
		fcgi.Header{Type: fcgi.TypeStdout, ID: w.stream.id, Content: content + n}.Put(w.buf[start:])
		if err := w.note(w.stream.conn.send(w.stream, w.buf[start:], p[:n])); err != nil {
			return err
		}
		w.Drop()
		p = p[n:]
	}
	return nil
}

// smallRoom is the room in a buffer that is not worth a read of its own.
const smallRoom = 4 << 10

// room returns the free part of the buffer. If that is too small, it sends the contents first.
func (w *response) room() ([]byte, error) {
	w.borrow()
	if cap(w.buf)-tailRoom-len(w.buf) < smallRoom {
		if err := w.Send(); err != nil {
			return nil, err
		}
		w.borrow()
	}
	return w.buf[len(w.buf) : cap(w.buf)-tailRoom], nil
}

// Send implements [front.Output]. It sends no empty record, which would end the response.
func (w *response) Send() error {
	if w.lent == nil && w.buf == nil {
		return nil
	}
	start := w.recordStart()
	content := w.buf[start+fcgi.HeaderLen:]
	if len(content) == 0 {
		w.Drop()
		return nil
	}
	err := w.note(w.stream.conn.send(w.stream, w.records(start)))
	w.Drop()
	return err
}

// End implements [front.Output]. The end record also ends STDOUT: the empty record that the
// specification has for that (section 3.3) would make Apache poll and read once more. No web server
// needs it, since PHP's processes have never sent it.
func (w *response) End() {
	w.borrow()
	start := w.recordStart()
	var records []byte
	if len(w.buf) > start+fcgi.HeaderLen {
		records = w.records(start)
	} else {
		records = w.buf[:0]
	}
	records = fcgi.AppendEnd(records, w.stream.id, fcgi.End{})
	err := w.note(w.stream.conn.sendLast(w.stream, records))
	w.Drop()
	if err != nil && err != errGone {
		w.CutOff()
	}
}

// records frames the contents of the buffer from start on as a record, or as several if a head is
// too long for one.
func (w *response) records(start int) []byte {
	content := w.buf[start+fcgi.HeaderLen:]
	if len(content) > fcgi.MaxContent {
		return fcgi.AppendStream(nil, fcgi.TypeStdout, w.stream.id, content)
	}
	fcgi.Header{Type: fcgi.TypeStdout, ID: w.stream.id, Content: len(content)}.Put(w.buf[start:])
	return w.buf[start:]
}

// recordStart is where the record in the buffer begins. It moves the head, if it was not sent yet,
// up to the body and ends it.
func (w *response) recordStart() int {
	if w.headLen == 0 {
		return w.bodyAt - fcgi.HeaderLen
	}
	var room [headRoom]byte
	tail := w.AppendHeadEnd(room[:0])
	at := w.bodyAt - len(tail) - w.headLen
	copy(w.buf[at:], w.buf[:w.headLen])
	copy(w.buf[at+w.headLen:], tail)
	w.bodyAt, w.headLen = at, 0
	return at - fcgi.HeaderLen
}

// sendHeadAlone sends the contents of the buffer if they are too long for one record.
func (w *response) sendHeadAlone() error {
	if len(w.buf)-w.bodyAt+w.headLen+headRoom < fcgi.MaxContent {
		return nil
	}
	if err := w.Send(); err != nil {
		return err
	}
	w.borrow()
	return nil
}

// borrow makes sure that there is a buffer.
func (w *response) borrow() {
	if w.buf != nil {
		return
	}
	w.lent = w.stream.conn.server.buffers.get()
	w.bodyAt = fcgi.HeaderLen
	w.buf = w.lent[:w.bodyAt]
}

// Drop implements [front.Output]. It gives the buffer back: a response that waits for its next
// piece needs none.
func (w *response) Drop() {
	w.stream.conn.server.buffers.put(w.lent)
	w.lent, w.buf, w.headLen = nil, nil, 0
}

// note records that records were sent, and informs the request if that failed.
func (w *response) note(err error) error {
	if w.Sent(err) != nil {
		w.stream.conn.lost(w.stream)
	}
	return err
}
