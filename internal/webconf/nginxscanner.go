package webconf

import (
	"fmt"
	"strings"
)

// nginxScanner splits a file of nginx into words and the signs between them.
type nginxScanner struct {
	file string
	text string // rest of the file
	line int    // line at which the rest begins

	token string // the last word or sign; "" at the end
	start int    // its first line
	from  int    // its first byte

	length int  // bytes of the file
	plain  bool // it has no quotation marks
	err    error
}

func (s *nginxScanner) fault(format string, args ...any) error {
	return &SyntaxError{File: s.file, Line: s.line, Text: fmt.Sprintf(format, args...)}
}

// next moves to the next token, and reports whether there is one.
func (s *nginxScanner) next() bool {
	s.token, s.plain = "", true
	for {
		space := len(s.text) - len(strings.TrimLeft(s.text, " \t\n\r"))
		s.drop(space)
		if !strings.HasPrefix(s.text, "#") {
			break
		}
		end := strings.IndexByte(s.text, '\n')
		if end < 0 {
			end = len(s.text)
		}
		s.drop(end)
	}
	s.start, s.from = s.line, s.offset()
	if s.text == "" {
		return false
	}
	switch c := s.text[0]; c {
	case ';', '{', '}':
		s.token = string(c)
		s.drop(1)
	case '"', '\'':
		s.quoted(c)
	default:
		s.word()
	}
	return s.err == nil
}

// offset returns the number of bytes that have been read.
func (s *nginxScanner) offset() int { return s.length - len(s.text) }

// drop removes n bytes from the beginning.
func (s *nginxScanner) drop(n int) {
	s.line += strings.Count(s.text[:n], "\n")
	s.text = s.text[n:]
}

func (s *nginxScanner) quoted(mark byte) {
	var word strings.Builder
	for i := 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == mark:
			s.token, s.plain = word.String(), false
			s.drop(i + 1)
			return
		case c == '\\' && i+1 < len(s.text):
			i++
			if s.text[i] != mark && s.text[i] != '\\' {
				word.WriteByte(c)
			}
			word.WriteByte(s.text[i])
		default:
			word.WriteByte(c)
		}
	}
	s.err = s.fault("the text in quotation marks has no end")
}

// word reads up to a space or sign. A { after $ belongs to a variable.
func (s *nginxScanner) word() {
	i := 0
	for ; i < len(s.text) && !strings.ContainsRune(" \t\r\n;{", rune(s.text[i])); i++ {
		switch {
		case s.text[i] == '\\' && i+1 < len(s.text):
			i++
		case strings.HasPrefix(s.text[i:], "${"):
			i++
		}
	}
	s.token = s.text[:min(i, len(s.text))]
	s.drop(len(s.token))
}

// skipBlock skips a block in another language, with pairs of braces.
func (s *nginxScanner) skipBlock() {
	depth := 1
	for i := range len(s.text) {
		switch s.text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				s.drop(i + 1)
				s.token = "}"
				return
			}
		}
	}
	s.token = ""
	s.drop(len(s.text))
}
