package venv

import (
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/proc"
)

// maxLine is the number of bytes of a line that are shown.
const maxLine = 2000

// lines splits a program's output into lines, passes each on, and keeps the last ones. Packages can
// print anything during a build, so control characters that could steer a terminal or forge a line
// are removed.
type lines struct {
	each    func(string)        // nil: the lines are only kept
	mask    func(string) string // takes secrets out of a line; nil: there are none
	usage   string              // marks the first line of a usage text to drop; "": none
	silent  bool                // since that line
	partial []byte
	last    proc.Tail
}

func (l *lines) Write(data []byte) (int, error) {
	for _, c := range data {
		switch {
		case c == '\n' || c == '\r':
			l.flush()
		case len(l.partial) < maxLine:
			l.partial = append(l.partial, c)
		}
	}
	return len(data), nil
}

// tail is the end of the output.
func (l *lines) tail() string {
	l.flush()
	return l.last.String()
}

func (l *lines) flush() {
	line := strings.TrimRight(plain(string(l.partial)), " \t")
	l.partial = l.partial[:0]
	l.silent = l.silent || l.usage != "" && strings.Contains(line, l.usage)
	if strings.TrimSpace(line) == "" || l.silent {
		return
	}
	if l.mask != nil {
		line = l.mask(line)
	}
	l.last.Add(line)
	if l.each != nil {
		l.each(line)
	}
}

var escapeSequence = lazyregexp.New(`\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?)`)

// plain takes escape sequences and control characters out of a line.
func plain(line string) string {
	line = escapeSequence.ReplaceAllString(line, "")
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(line, "\ufffd"))
}
