package mux

import "bytes"

// maxEvent is the longest event that is kept back until it is complete.
const maxEvent = 64 << 10

// eventScanner finds out where the events of a stream end, and their ids (HTML standard, 9.2.6). It
// looks at a buffer to whose end pieces of the stream are appended. Its zero value is at the
// beginning of a stream.
type eventScanner struct {
	line    int    // begin of the line that is not complete
	seen    int    // bytes that were looked at
	afterCR bool   // a line feed at line belongs to the end of the line before
	long    bool   // the beginning of the line is not in the buffer any more
	begun   bool   // a line was complete
	fields  int    // fields of the event that is not complete
	lastID  string // id of the last complete event; "": none
	nextID  string // id of the event that is not complete
}

// begin begins a stream after an event with an id; "": it had none.
func (e *eventScanner) begin(lastID string) { *e = eventScanner{lastID: lastID, nextID: lastID} }

// scan returns the length of the part of b that ends between two events; 0: there is none. b begins
// with the bytes of the previous call, without those that were dropped since.
func (e *eventScanner) scan(b []byte) (end int) {
	for {
		if e.afterCR && e.line < len(b) {
			e.afterCR = false
			if b[e.line] == '\n' {
				if end == e.line && end > 0 {
					end++
				}
				e.line++
				e.seen = max(e.seen, e.line)
			}
		}
		n := bytes.IndexAny(b[e.seen:], "\r\n")
		if n < 0 {
			e.seen = len(b)
			return end
		}
		stop := e.seen + n
		e.readLine(b[e.line:stop])
		e.afterCR = b[stop] == '\r'
		e.line, e.seen = stop+1, stop+1
		if e.fields == 0 {
			end = e.line
		}
	}
}

// readLine takes note of a line.
func (e *eventScanner) readLine(line []byte) {
	if !e.begun {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	e.begun = true
	switch {
	case e.long:
		e.long = false
		e.fields++
	case len(line) == 0:
		e.fields, e.lastID = 0, e.nextID
	case line[0] != ':': // else it is a comment
		e.fields++
		name, value, _ := bytes.Cut(line, []byte(":"))
		if string(name) == "id" && !bytes.Contains(value, []byte{0}) {
			e.nextID = string(bytes.TrimPrefix(value, []byte(" ")))
		}
	}
}

// drop takes note that the first n bytes were removed from the buffer.
func (e *eventScanner) drop(n int) {
	if n > e.line {
		e.long = true
	}
	e.line, e.seen = max(0, e.line-n), max(0, e.seen-n)
}
