package replay

import (
	"strings"
	"unicode/utf8"
)

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
