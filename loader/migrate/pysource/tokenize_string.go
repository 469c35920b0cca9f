package pysource

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// readString reads a string from its first quote on.
func (t *tokenizer) readString(prefix string) {
	line := t.line
	quote := t.src[t.at : t.at+1]
	if strings.HasPrefix(t.rest(), strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	t.at += len(quote)
	raw := strings.Contains(prefix, "r")
	format := strings.ContainsAny(prefix, "ft")
	text, closed := t.scanString(quote, format)
	switch {
	case !closed:
		t.tokens = append(t.tokens, token{kind: kindBroken, text: "its string has no end", line: line})
	case format:
		t.tokens = append(t.tokens, token{kind: kindFormat, text: text, line: line, raw: raw})
	case raw:
		t.tokens = append(t.tokens, token{kind: kindString, text: text, line: line})
	default:
		t.tokens = append(t.tokens, token{kind: kindString, text: unescape(text), line: line})
	}
}

// scanString returns the text before the closing quote. A string without one ends with its line, or
// with the file.
func (t *tokenizer) scanString(quote string, format bool) (text string, closed bool) {
	start := t.at
	for t.at < len(t.src) {
		switch c := t.src[t.at]; {
		case strings.HasPrefix(t.rest(), quote):
			text = t.src[start:t.at]
			t.at += len(quote)
			return text, true
		case c == '\\':
			t.at++
			if t.atLineEnd() {
				t.skipLineEnd()
			} else if t.at < len(t.src) {
				t.at++
			}
		case c == '\n' || c == '\r':
			if len(quote) == 1 {
				return t.src[start:t.at], false
			}
			t.skipLineEnd()
		case format && c == '{' && t.peek(1) == '{':
			t.at += 2
		case format && c == '{':
			t.skipField(quote)
		default:
			t.at++
		}
	}
	return t.src[start:t.at], false
}

// skipField skips a replacement field of an f-string. Since Python 3.12 it may have the quotes of
// the f-string itself, when brackets or quotes in it are balanced.
func (t *tokenizer) skipField(quote string) {
	depth := 0
	for t.at < len(t.src) {
		switch c := t.src[t.at]; c {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			if depth--; depth <= 0 {
				t.at++
				return
			}
		case '\n', '\r':
			if len(quote) == 1 {
				return
			}
			t.skipLineEnd()
			continue
		case '"', '\'':
			if inner := strings.Index(t.src[t.at+1:], string(c)); inner >= 0 && !strings.Contains(t.src[t.at+1:t.at+1+inner], "\n") {
				t.at += inner + 2
				continue
			}
			return
		}
		t.at++
	}
}

// unescape returns the value of the text between the quotes of a string.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch c := text[i]; c {
		case '\r':
			if i+1 < len(text) && text[i+1] == '\n' {
				i++
			}
		case '\n':
		case '\\', '\'', '"':
			b.WriteByte(c)
		case 'a', 'b', 'f', 'n', 'r', 't', 'v':
			b.WriteByte("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		case 'x', 'u', 'U':
			digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			if r, ok := parseDigits(text, i+1, digits, 16); ok {
				b.WriteRune(r)
				i += digits
				continue
			}
			b.WriteString(text[i-1 : i+1])
		case '0', '1', '2', '3', '4', '5', '6', '7':
			length := 1
			for length < 3 && i+length < len(text) && text[i+length] >= '0' && text[i+length] <= '7' {
				length++
			}
			r, _ := parseDigits(text, i, length, 8)
			b.WriteRune(r)
			i += length - 1
		default:
			b.WriteString(text[i-1 : i+1])
		}
	}
	return b.String()
}

// parseDigits returns the character that length digits of text give.
func parseDigits(text string, start, length, base int) (rune, bool) {
	if start+length > len(text) {
		return 0, false
	}
	n, err := strconv.ParseUint(text[start:start+length], base, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}
