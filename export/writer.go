package export

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/modgw/modgw/modgw"
)

// writer writes lines of a configuration so that no value can be read as anything but that value.
type writer struct {
	server string // for errors
	buffer bytes.Buffer
	indent int
	err    error
}

// line writes one line. Values in it must have come from quoted.
func (w *writer) line(format string, args ...any) {
	if format != "" {
		w.buffer.WriteString(strings.Repeat("    ", w.indent))
		fmt.Fprintf(&w.buffer, format, args...)
	}
	w.buffer.WriteByte('\n')
}

// open begins a block, and close ends it.
func (w *writer) open(format string, args ...any) {
	w.line(format+" {", args...)
	w.indent++
}

func (w *writer) close() {
	w.indent--
	w.line("}")
}

// comment writes a line of its own. Variable parts must be written with %q.
func (w *writer) comment(format string, args ...any) { w.line("# "+format, args...) }

// comments writes a line for each note, whose variable parts are quoted.
func (w *writer) comments(all notes) {
	for _, note := range all {
		w.comment("%s", note)
	}
}

// deadEnd notes why WebSockets do not pass, if an app has them and the host has an HTTP listener.
func (w *writer) deadEnd(up upstream, apps []modgw.Descriptor) {
	if up.distrusted == "" || !slices.ContainsFunc(apps, modgw.Descriptor.Upgrades) {
		return
	}
	w.comment("WebSockets end in %s: the host's HTTP listener %q believes nothing that it says of clients.", w.server, up.distrusted)
	w.comment("Let the host listen on a Unix socket, or name the address of %s in trusted_proxies.", w.server)
}

// quoted returns a value in quotes. Characters that a server might interpret are refused: a quote,
// a backslash, and the dollar sign, which begins a variable and cannot be escaped.
func (w *writer) quoted(what, value string) string {
	if !utf8.ValidString(value) || strings.ContainsAny(value, "\"\\$") || strings.ContainsFunc(value, unicode.IsControl) {
		w.fail(what, value)
	}
	return `"` + value + `"`
}

// quotedPattern quotes a regular expression, in which a dollar sign is literal. backslash is the
// server's notation for one within quotation marks.
func (w *writer) quotedPattern(what, pattern, backslash string) string {
	if !utf8.ValidString(pattern) || strings.ContainsFunc(pattern, unicode.IsControl) {
		w.fail(what, pattern)
	}
	return `"` + strings.NewReplacer(`\`, backslash, `"`, backslash+"x22").Replace(pattern) + `"`
}

func (w *writer) fail(what, value string) {
	if w.err == nil {
		w.err = unusable(w.server, what, value)
	}
}

func (w *writer) bytes() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	return w.buffer.Bytes(), nil
}
