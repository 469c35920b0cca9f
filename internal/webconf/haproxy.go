package webconf

import (
	"path/filepath"
	"slices"
	"strings"
)

// haproxySections are the words that begin a section of HAProxy.
var haproxySections = []string{
	"global", "defaults", "frontend", "backend", "listen", "fcgi-app", "resolvers", "peers", "userlist", "mailers", "program",
	"http-errors", "cache", "ring", "log-forward", "log-profile", "crt-store", "traces", "acme",
}

// ReadHAProxy reads a HAProxy configuration from its file, as sections with their lines. A syntax
// error is a *SyntaxError.
func ReadHAProxy(file string) (*Tree, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	var f files
	text, err := f.enter(file)
	if err != nil {
		return nil, err
	}
	tree := &Tree{Files: f.read}
	var section *Directive
	for i, line := range strings.Split(text, "\n") {
		words, closed := haproxyWords(line)
		if !closed {
			return nil, &SyntaxError{File: file, Line: i + 1, Text: "the text in quotation marks has no end"}
		}
		if len(words) == 0 {
			continue
		}
		d := &Directive{Name: words[0], Args: words[1:], File: file, Line: i + 1, End: i + 1}
		switch {
		case slices.Contains(haproxySections, d.Name):
			d.Block, section = true, d
			tree.add(d)
		case section == nil:
			return nil, &SyntaxError{File: file, Line: i + 1, Text: "the line stands in no section"}
		default:
			section.End = d.End
			section.add(d)
		}
	}
	return tree, nil
}

// haproxyWords splits a line. A backslash keeps the character after it, except within ' and '.
func haproxyWords(line string) (words []string, closed bool) {
	var word strings.Builder
	var mark byte
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && mark != '\'' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			begun = true
		case mark != 0 && c == mark:
			mark = 0
		case mark == 0 && (c == '"' || c == '\''):
			mark, begun = c, true
		case mark == 0 && c == '#':
			end()
			return words, true
		case mark == 0 && (c == ' ' || c == '\t'):
			end()
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	end()
	return words, mark == 0
}
