// Package shellwords splits lines of shell into commands and their words. It executes nothing: it
// handles quotes, variables with given values, assignments before a command, and command
// separators.
package shellwords

import (
	"strings"
)

// Command is one command of a line.
type Command struct {
	Env  []string // assignments before it, NAME=VALUE
	Args []string // words of the command; none for assignments alone
	Then string   // && || ; | or & before the next one; empty at the end
}

// Variable returns the value of a variable. written is the variable as written in the line, and
// otherwise its default there.
type Variable func(name, written, otherwise string) string

// Fields splits a line into words without regard to commands. Variables stay as they are.
func Fields(line string) (words []string) {
	for _, c := range Split(line, func(_, written, _ string) string { return written }) {
		words = append(append(words, c.Env...), c.Args...)
	}
	return words
}

// Split splits a line into commands. Redirections are left out.
func Split(line string, variable Variable) []Command {
	s := &splitter{text: line, variable: variable}
	for s.at < len(s.text) {
		s.step()
	}
	s.endCommand("")
	return s.all
}

type splitter struct {
	text     string
	at       int
	variable Variable
	word     strings.Builder
	inWord   bool
	skip     bool // the next word is the file of a redirection
	current  Command
	all      []Command
}

func (s *splitter) step() {
	c := s.text[s.at]
	s.at++
	switch c {
	case ' ', '\t', '\r':
		s.endWord()
	case '\n':
		s.endCommand(";")
	case ';':
		s.endCommand(";")
	case '#':
		if s.inWord {
			s.add(c)
			return
		}
		for s.at < len(s.text) && s.text[s.at] != '\n' {
			s.at++
		}
	case '&', '|':
		s.separate(c)
	case '>', '<':
		s.redirect()
	case '\'':
		s.inWord = true
		end := strings.IndexByte(s.text[s.at:], '\'')
		if end < 0 {
			end = len(s.text) - s.at
		}
		s.word.WriteString(s.text[s.at : s.at+end])
		s.at = min(s.at+end+1, len(s.text))
	case '"':
		s.quoted()
	case '\\':
		s.escaped()
	case '$':
		s.inWord = true
		s.dollar()
	default:
		s.add(c)
	}
}

func (s *splitter) add(c byte) {
	s.inWord = true
	s.word.WriteByte(c)
}

func (s *splitter) escaped() {
	if s.at == len(s.text) {
		return
	}
	if s.text[s.at] == '\n' {
		s.at++
		return
	}
	s.add(s.text[s.at])
	s.at++
}

func (s *splitter) quoted() {
	s.inWord = true
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '"':
			return
		case c == '\\' && s.at < len(s.text) && strings.IndexByte("\"\\$`\n", s.text[s.at]) >= 0:
			if s.text[s.at] != '\n' {
				s.word.WriteByte(s.text[s.at])
			}
			s.at++
		case c == '$':
			s.dollar()
		default:
			s.word.WriteByte(c)
		}
	}
}

// dollar reads a variable, or $(…), which stays as it is.
func (s *splitter) dollar() {
	start := s.at - 1
	rest := s.text[s.at:]
	switch {
	case strings.HasPrefix(rest, "{"):
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			break
		}
		s.at += end + 1
		name, otherwise := rest[1:end], ""
		if at := strings.IndexAny(name, ":-="); at >= 0 {
			otherwise = strings.TrimLeft(name[at:], ":-=")
			name = name[:at]
		}
		s.word.WriteString(s.variable(name, s.text[start:s.at], otherwise))
		return
	case strings.HasPrefix(rest, "("):
		depth := 0
		for i := range len(rest) {
			switch rest[i] {
			case '(':
				depth++
			case ')':
				if depth--; depth == 0 {
					s.at += i + 1
					s.word.WriteString(s.text[start:s.at])
					return
				}
			}
		}
	default:
		end := 0
		for end < len(rest) && (isLetter(rest[end]) || end > 0 && rest[end] >= '0' && rest[end] <= '9') {
			end++
		}
		if end > 0 {
			s.at += end
			s.word.WriteString(s.variable(rest[:end], s.text[start:s.at], ""))
			return
		}
	}
	s.word.WriteByte('$')
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

// separate ends a command at &&, ||, | or &. 2>&1 is a redirection.
func (s *splitter) separate(c byte) {
	then := string(c)
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		then += string(c)
	}
	s.endCommand(then)
}

// redirect leaves out a redirection with its file.
func (s *splitter) redirect() {
	if number := s.word.String(); number == "1" || number == "2" {
		s.word.Reset()
		s.inWord = false
	}
	s.endWord()
	for s.at < len(s.text) && strings.IndexByte("<>&|", s.text[s.at]) >= 0 {
		s.at++
	}
	s.skip = true
}

func (s *splitter) endWord() {
	if !s.inWord {
		return
	}
	word := s.word.String()
	s.word.Reset()
	s.inWord = false
	switch name, _, isSet := strings.Cut(word, "="); {
	case s.skip:
		s.skip = false
	case len(s.current.Args) == 0 && isSet && isName(name):
		s.current.Env = append(s.current.Env, word)
	default:
		s.current.Args = append(s.current.Args, word)
	}
}

func isName(text string) bool {
	for i := range len(text) {
		if !isLetter(text[i]) && (i == 0 || text[i] < '0' || text[i] > '9') {
			return false
		}
	}
	return text != ""
}

func (s *splitter) endCommand(then string) {
	s.endWord()
	s.skip = false
	if len(s.current.Args) > 0 || len(s.current.Env) > 0 {
		s.current.Then = then
		s.all = append(s.all, s.current)
	}
	s.current = Command{}
}
