package replay

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Parts of an answer that can differ.
const (
	InAnswer = "answer" // one server did not answer
	InStatus = "status"
	InHeader = "header"
	InBody   = "body"
)

// Difference is one between the answers of the two servers.
type Difference struct {
	// In is the part that differs: "answer", "status", "header" or "body".
	In     string `json:"in"`
	Header string `json:"header,omitempty"` // name of the header, and of the cookie
	// status, value, or line of the body; "": there is none
	Old     string `json:"old"`
	New     string `json:"new"`
	OldLine int    `json:"old_line,omitempty"` // line of the body, from 1; 0: not in the body
	NewLine int    `json:"new_line,omitempty"`

	// Before is the line of the body before the one that differs. Of an error that only the new
	// server answers it is the beginning of the body.
	Before string `json:"before,omitempty"`
}

// String describes the difference in one line or several.
func (d Difference) String() string {
	switch d.In {
	case InBody:
		text := fmt.Sprintf("body, line %d:", d.OldLine)
		if d.Before != "" {
			text += "\n    " + d.Before
		}
		return text + "\n  - " + d.Old + "\n  + " + d.New
	case InHeader:
		return fmt.Sprintf("header %s: %s became %s", d.Header, shown(d.Old), shown(d.New))
	}
	text := fmt.Sprintf("%s %s became %s", d.In, d.Old, d.New)
	if d.Before != "" {
		text += ": " + d.Before
	}
	return text
}

func shown(value string) string {
	if value == "" {
		return "nothing"
	}
	return fmt.Sprintf("%q", value)
}

// widestLine is the number of bytes of a line that are shown around a difference.
const widestLine = 160

// line is the line of a text in which a token is.
type line struct {
	number int
	text   string // at most [widestLine] bytes of it
	before string // the line before it; "": none
}

func (t text) lineOf(token int) line {
	at := t.offsets[min(token, t.len())]
	before := string(t.bytes[:at])
	start := strings.LastIndexByte(before, '\n') + 1
	end := len(t.bytes)
	if i := strings.IndexByte(string(t.bytes[at:]), '\n'); i >= 0 {
		end = at + i
	}
	l := line{number: 1 + strings.Count(before, "\n")}
	l.text = excerpt(string(t.bytes[start:end]), at-start)
	if start > 0 {
		previous := before[:start-1]
		l.before = excerpt(previous[strings.LastIndexByte(previous, '\n')+1:], 0)
	}
	return l
}

// excerpt is the part of a line around an offset, without control characters.
func excerpt(text string, at int) string {
	from := max(0, min(at-widestLine/3, len(text)-widestLine))
	to := min(len(text), from+widestLine)
	cut := strings.ToValidUTF8(text[from:to], "")
	if from > 0 {
		cut = "…" + cut
	}
	if to < len(text) {
		cut += "…"
	}
	return printable(strings.TrimSpace(cut))
}

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
}
