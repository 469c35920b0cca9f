package pysource

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenizer splits source into tokens, by the rules of Python's lexical analysis.
type tokenizer struct {
	src     string
	at      int
	line    int
	depth   int   // open brackets: no line ends in them
	indents []int // columns of the open blocks, the first 0
	tokens  []token
}

// tokenize returns the tokens of src, the last of them kindEnd. line is the number of its first
// line.
func tokenize(src string, line int) []token {
	t := &tokenizer{src: strings.TrimPrefix(src, "\ufeff"), line: line, indents: []int{0}}
	for t.at < len(t.src) {
		t.readLine()
	}
	t.endLine()
	for range t.indents[1:] {
		t.add(kindDedent, "")
	}
	t.add(kindEnd, "")
	return t.tokens
}

// tokenizeExpression returns the tokens of an expression that may go over several lines.
func tokenizeExpression(src string, line int) []token {
	t := &tokenizer{src: src, line: line, depth: 1, indents: []int{0}}
	for t.at < len(t.src) {
		t.readToken()
	}
	t.add(kindEnd, "")
	return t.tokens
}

func (t *tokenizer) add(k kind, text string) {
	t.tokens = append(t.tokens, token{kind: k, text: text, line: t.line})
}

func (t *tokenizer) rest() string { return t.src[t.at:] }

// peek returns the byte that is n bytes ahead, 0 behind the end.
func (t *tokenizer) peek(n int) byte {
	if t.at+n < len(t.src) {
		return t.src[t.at+n]
	}
	return 0
}

// readLine reads the tokens of one logical line.
func (t *tokenizer) readLine() {
	column := t.skipIndent()
	if t.at == len(t.src) || t.peek(0) == '#' || t.atLineEnd() {
		t.skipComment()
		t.skipLineEnd()
		return
	}
	t.setIndent(column)
	for t.at < len(t.src) {
		if t.depth == 0 && t.atLineEnd() {
			t.endLine()
			t.skipLineEnd()
			return
		}
		t.readToken()
	}
}

func (t *tokenizer) atLineEnd() bool { return t.peek(0) == '\n' || t.peek(0) == '\r' }

// endLine adds the end of a line that has tokens.
func (t *tokenizer) endLine() {
	if n := len(t.tokens); n > 0 {
		switch t.tokens[n-1].kind {
		case kindNewline, kindIndent, kindDedent:
			return
		}
		t.add(kindNewline, "")
	}
	t.depth = 0
}

// skipIndent returns the column of the first character that is no space.
func (t *tokenizer) skipIndent() int {
	column := 0
	for ; t.at < len(t.src); t.at++ {
		switch t.src[t.at] {
		case ' ':
			column++
		case '\t':
			column = column/8*8 + 8
		case '\f':
			column = 0
		default:
			return column
		}
	}
	return column
}

func (t *tokenizer) setIndent(column int) {
	last := func() int { return t.indents[len(t.indents)-1] }
	if column > last() {
		t.indents = append(t.indents, column)
		t.add(kindIndent, "")
		return
	}
	for column < last() {
		t.indents = t.indents[:len(t.indents)-1]
		t.add(kindDedent, "")
	}
	if column != last() {
		t.add(kindBroken, "its indentation fits no line above")
	}
}

func (t *tokenizer) skipComment() {
	if t.peek(0) == '#' {
		for t.at < len(t.src) && !t.atLineEnd() {
			t.at++
		}
	}
}

func (t *tokenizer) skipLineEnd() {
	if t.at >= len(t.src) {
		return
	}
	if t.peek(0) == '\r' && t.peek(1) == '\n' {
		t.at++
	}
	t.at++
	t.line++
}

// readToken reads one token, or skips the text between tokens.
func (t *tokenizer) readToken() {
	c := t.peek(0)
	switch {
	case c == ' ' || c == '\t' || c == '\f':
		t.at++
	case c == '#':
		t.skipComment()
	case t.atLineEnd():
		t.skipLineEnd()
	case c == '\\' && (t.peek(1) == '\n' || t.peek(1) == '\r'):
		t.at++
		t.skipLineEnd()
	case c == '"' || c == '\'':
		t.readString("")
	case isDigit(c) || c == '.' && isDigit(t.peek(1)):
		t.readNumber()
	default:
		if !t.readWord() {
			t.readOperator()
		}
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// readWord reads a name, or a string with a prefix. It reports whether there was one.
func (t *tokenizer) readWord() bool {
	end := t.at
	for end < len(t.src) {
		r, size := utf8.DecodeRuneInString(t.src[end:])
		if r != '_' && !unicode.IsLetter(r) && (end == t.at || !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Mc, r)) {
			break
		}
		end += size
	}
	if end == t.at {
		return false
	}
	word := t.src[t.at:end]
	t.at = end
	if (t.peek(0) == '"' || t.peek(0) == '\'') && isStringPrefix(word) {
		t.readString(strings.ToLower(word))
		return true
	}
	t.add(kindName, word)
	return true
}

func isStringPrefix(word string) bool {
	switch strings.ToLower(word) {
	case "r", "u", "b", "f", "t", "br", "rb", "ur", "fr", "rf", "tr", "rt":
		return true
	}
	return false
}

func (t *tokenizer) readNumber() {
	start := t.at
	for t.at < len(t.src) {
		c := t.src[t.at]
		sign := (c == '+' || c == '-') && (t.src[t.at-1]|0x20) == 'e' && !strings.HasPrefix(t.src[start:], "0x")
		if !sign && c != '.' && c != '_' && !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') || sign && t.at == start {
			break
		}
		t.at++
	}
	t.add(kindNumber, t.src[start:t.at])
}

var operators = []string{
	"**=", "//=", ">>=", "<<=", "...", "!=", "==", "<=", ">=", "<>", "->", ":=", "+=", "-=", "*=", "/=", "%=",
	"&=", "|=", "^=", "@=", "**", "//", ">>", "<<",
}

func (t *tokenizer) readOperator() {
	for _, operator := range operators {
		if strings.HasPrefix(t.rest(), operator) {
			t.at += len(operator)
			t.add(kindOperator, operator)
			return
		}
	}
	r, size := utf8.DecodeRuneInString(t.rest())
	t.at += size
	switch {
	case strings.ContainsRune("([{", r):
		t.depth++
	case strings.ContainsRune(")]}", r):
		t.depth = max(t.depth-1, 0)
	case !strings.ContainsRune("+-*/%@&|^~<>()[]{},:.;=`", r):
		t.add(kindBroken, "it has the character "+strconv.QuoteRune(r))
		return
	}
	t.add(kindOperator, string(r))
}
