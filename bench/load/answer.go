package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// answer reads one HTTP/1.1 response piece by piece.
type answer struct {
	head   []byte // the part that has arrived; kept to reuse its memory
	state  state
	status int
	left   int64 // remaining bytes of the body or chunk
	length int64 // received bytes of the body
	closes bool  // the end of the connection ends the response
}

type state int

const (
	inHead state = iota
	inBody
	inSize    // of a chunk
	inChunk   //
	afterData // the line end behind a chunk
	inTrailer
	untilClose
)

var (
	lineEnd    = []byte("\r\n")
	headEnd    = []byte("\r\n\r\n")
	errNotHTTP = errors.New("not HTTP")
)

const longestHead = 64 << 10

func (a *answer) reset() { *a = answer{head: a.head[:0]} }

// begun reports whether any byte of the response has arrived.
func (a *answer) begun() bool { return a.state != inHead || len(a.head) > 0 }

// feed consumes received bytes. When the response is complete, it returns the bytes after it.
func (a *answer) feed(p []byte) (rest []byte, complete bool, err error) {
	for {
		switch a.state {
		case inHead:
			if p, err = a.gather(p, headEnd); p == nil || err != nil {
				return nil, false, err
			}
			if complete, err := a.readHead(); complete || err != nil {
				return p, complete, err
			}
		case inBody, inChunk:
			n := min(a.left, int64(len(p)))
			a.left -= n
			a.length += n
			p = p[n:]
			switch {
			case a.left > 0:
				return nil, false, nil
			case a.state == inBody:
				return p, true, nil
			}
			a.state = afterData
		case afterData, inSize, inTrailer:
			if p, err = a.gather(p, lineEnd); p == nil || err != nil {
				return nil, false, err
			}
			if complete, err := a.readLine(); complete || err != nil {
				return p, complete, err
			}
		case untilClose:
			a.length += int64(len(p))
			return nil, false, nil
		}
	}
}

// gather adds to head until it ends in mark. Until then it returns nil.
func (a *answer) gather(p, mark []byte) ([]byte, error) {
	from := max(0, len(a.head)-len(mark)+1)
	before := len(a.head)
	a.head = append(a.head, p[:min(len(p), longestHead)]...)
	at := bytes.Index(a.head[from:], mark)
	if at < 0 {
		if len(a.head) > longestHead {
			return nil, errNotHTTP
		}
		return nil, nil
	}
	end := from + at + len(mark)
	a.head = a.head[:end]
	return p[end-before:], nil
}

func (a *answer) readHead() (complete bool, err error) {
	line, fields, _ := bytes.Cut(a.head, lineEnd)
	a.head = a.head[:0]
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return false, errNotHTTP
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return false, errNotHTTP
	}
	a.closes = line[7] == '0'
	a.state, a.left = untilClose, -1
	for field := range bytes.SplitSeq(fields, lineEnd) {
		name, value, _ := bytes.Cut(field, []byte(":"))
		if err := a.readField(name, bytes.TrimSpace(value)); err != nil {
			return false, err
		}
	}
	switch {
	case a.status == 101 || a.status == 204 || a.status == 304 || a.state == inBody && a.left == 0:
		return true, nil
	case a.status < 200:
		a.state = inHead
	case a.state == untilClose:
		a.closes = true
	}
	return false, nil
}

func (a *answer) readField(name, value []byte) (err error) {
	switch {
	case is(name, "content-length"):
		if a.left, err = strconv.ParseInt(string(value), 10, 64); err != nil || a.left < 0 {
			return errNotHTTP
		}
		if a.state == untilClose {
			a.state = inBody
		}
	case is(name, "transfer-encoding"):
		a.state = inSize
	case is(name, "connection"):
		switch {
		case is(value, "close"):
			a.closes = true
		case is(value, "keep-alive"):
			a.closes = false
		}
	}
	return nil
}

func is(text []byte, lower string) bool {
	return len(text) == len(lower) && bytes.EqualFold(text, []byte(lower))
}

// readLine reads one of the lines around chunks.
func (a *answer) readLine() (complete bool, err error) {
	line := a.head[:len(a.head)-2]
	defer func() { a.head = a.head[:0] }()
	switch a.state {
	case afterData:
		if len(line) > 0 {
			return false, errNotHTTP
		}
		a.state = inSize
	case inSize:
		size, _, _ := bytes.Cut(line, []byte(";"))
		if a.left, err = strconv.ParseInt(string(size), 16, 64); err != nil || a.left < 0 {
			return false, errNotHTTP
		}
		a.state = inChunk
		if a.left == 0 {
			a.state = inTrailer
		}
	case inTrailer:
		return len(line) == 0, nil
	}
	return false, nil
}

// verdict returns the fault of a complete response, or "" if it is right.
func (a *answer) verdict(length int64) string {
	switch {
	case a.status != 200:
		return fmt.Sprintf("status %d", a.status)
	case a.length != length:
		return fmt.Sprintf("body of %d bytes", a.length)
	}
	return ""
}
