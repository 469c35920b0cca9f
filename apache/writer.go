package apache

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// writer writes directives so that no value can be read as anything but that value.
type writer struct {
	buffer bytes.Buffer
	indent int
	err    error
}

// directive writes one line. Arguments that are not plain words are quoted.
func (w *writer) directive(name string, args ...string) {
	var b strings.Builder
	b.WriteString(name)
	for _, a := range args {
		b.WriteString(" " + w.quoted(name, a))
	}
	w.line(b.String())
}

func (w *writer) open(section string, args ...string) {
	var b strings.Builder
	b.WriteString("<" + section)
	for _, a := range args {
		b.WriteString(" " + w.quoted(section, a))
	}
	w.line(b.String() + ">")
	w.indent++
}

// openMatch opens a section for paths that match a regular expression.
func (w *writer) openMatch(section, pattern string) {
	w.line("<" + section + " " + w.quotedPattern(section, pattern) + ">")
	w.indent++
}

// directiveMatch is directive with a regular expression as the first argument.
func (w *writer) directiveMatch(name, pattern string, args ...string) {
	text := name + " " + w.quotedPattern(name, pattern)
	for _, a := range args {
		text += " " + w.quoted(name, a)
	}
	w.line(text)
}

// quotedPattern is quoted for a regular expression, in which Apache reads two backslashes as one.
func (w *writer) quotedPattern(directive, pattern string) string {
	if strings.Contains(pattern, "${") {
		w.fail(unusable("value for "+directive, pattern))
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(pattern) + `"`
}

func (w *writer) close(section string) {
	w.indent--
	w.line("</" + section + ">")
}

// comment writes a comment on a line of its own: after a directive Apache takes "#" for an
// argument. Variable parts must be written with %q: a backslash at the end of a line would continue
// the comment on the next line.
func (w *writer) comment(format string, args ...any) {
	w.line("# " + strings.ReplaceAll(fmt.Sprintf(format, args...), "${", "$ {"))
}

func (w *writer) line(text string) {
	if text != "" {
		w.buffer.WriteString(strings.Repeat("    ", w.indent) + text)
	}
	w.buffer.WriteByte('\n')
}

// quoted returns an argument as Apache reads it back unchanged. Others are refused: Apache replaces
// ${NAME} everywhere, and cannot express a line feed or every use of a backslash.
func (w *writer) quoted(directive, value string) string {
	if !utf8.ValidString(value) || strings.Contains(value, "${") || strings.ContainsFunc(value, unicode.IsControl) ||
		strings.Contains(value, `\`) && !strings.HasPrefix(directive, "Rewrite") {
		w.fail(unusable("value for "+directive, value))
	}
	if value != "" && !strings.ContainsFunc(value, needsQuotes) {
		return value
	}
	return `"` + strings.ReplaceAll(value, `"`, `\"`) + `"`
}

func needsQuotes(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("=:*.-_[]", r))
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) bytes() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	return w.buffer.Bytes(), nil
}

func join(words []string) string { return strings.Join(words, " ") }
