package load

import (
	"bytes"
	"strconv"
	"time"
)

// stream reads an event stream whose events contain the time when they were sent: "data:
// NANOSECONDS" since 1970.
type stream struct {
	line []byte
}

var dataField = []byte("data: ")

// feed consumes received bytes, however they are divided into chunks, and calls seen with the age
// of each event.
func (s *stream) feed(p []byte, now time.Time, seen func(age time.Duration)) {
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		s.line = append(s.line, line...)
		p = rest
		if !ended {
			return
		}
		if at := bytes.Index(s.line, dataField); at >= 0 {
			if sent, err := strconv.ParseInt(string(bytes.TrimSpace(s.line[at+len(dataField):])), 10, 64); err == nil {
				seen(now.Sub(time.Unix(0, sent)))
			}
		}
		s.line = s.line[:0]
	}
}
