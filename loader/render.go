package loader

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// The colours of the text form (ECMA-48).
const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	blue   = "\x1b[34m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

// WriteText writes the diagnostics for people, each with the source line that it is about:
//
//	error[MGW-CFG-005]: Invalid value for "workers"
//	  --> blog.hcl:3:13, in app "blog", wsgi
//	   3 |   workers = 2.5
//	     |             ^^^
//	     = "workers" must be a whole number from 0 to 1024.
func (ds Diagnostics) WriteText(w io.Writer, colour bool) error {
	out := bufio.NewWriter(w)
	for i, d := range ds {
		if i > 0 {
			fmt.Fprintln(out)
		}
		d.writeText(out, paint(colour))
	}
	return out.Flush()
}

func (d Diagnostic) writeText(w io.Writer, paint func(code, text string) string) {
	tone := red
	if d.Severity == Warning {
		tone = yellow
	}
	fmt.Fprintf(w, "%s: %s\n", paint(tone, fmt.Sprintf("%s[%s]", d.Severity, d.Code)), paint(bold, d.Summary))
	if d.Range.Filename != "" {
		within := ""
		if d.Snippet != nil && d.Snippet.Context != "" {
			within = ", in " + d.Snippet.Context
		}
		fmt.Fprintf(w, "  %s %s%s\n", paint(blue, "-->"), d.Range, within)
	}
	if s := d.Snippet; s != nil {
		number := fmt.Sprintf("%4d", s.Line)
		margin := strings.Repeat(" ", len(number))
		carets := strings.Repeat("^", max(utf8.RuneCountInString(s.Code[s.From:s.To]), 1))
		fmt.Fprintf(w, "%s %s %s\n", paint(blue, number), paint(blue, "|"), s.Code)
		fmt.Fprintf(w, "%s %s %s%s\n", margin, paint(blue, "|"), strings.Repeat(" ", utf8.RuneCountInString(s.Code[:s.From])), paint(tone, carets))
	}
	for i, line := range strings.Split(d.Detail, "\n") {
		switch {
		case line == "":
		case i == 0:
			fmt.Fprintf(w, "     %s %s\n", paint(blue, "="), line)
		default:
			fmt.Fprintf(w, "       %s\n", line)
		}
	}
}

func paint(colour bool) func(code, text string) string {
	return func(code, text string) string {
		if !colour {
			return text
		}
		return code + text + plain
	}
}
