package proc

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable escapes text so that it can be shown anywhere: it escapes control characters, which
// could control a terminal or fake a line of a log, and bytes that are not UTF-8. It keeps tabs.
func printable(text []byte) string {
	for _, c := range text {
		if c != '\t' && (c < ' ' || c >= 0x7f) {
			return escaped(text)
		}
	}
	return string(text)
}

func escaped(text []byte) string {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case r == '\t' || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			b.Write(text[:size])
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		text = text[size:]
	}
	return b.String()
}

// PrintableLine escapes all characters that could control a terminal or fake a line of a log.
func PrintableLine(text string) string { return printable([]byte(text)) }

// Printable escapes all characters that could control a terminal or fake a line of a log, except
// line feeds.
func Printable(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = printable([]byte(line))
	}
	return strings.Join(lines, "\n")
}
