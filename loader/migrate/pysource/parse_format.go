package pysource

import "strings"

// format reads the text of an f-string, which begins at a line.
func (p *parser) format(text string, line int, raw bool) expression {
	p.enter()
	defer p.leave()
	var f formatted
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			part := plain.String()
			if !raw {
				part = unescape(part)
			}
			f.parts = append(f.parts, literal{part})
			plain.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case (c == '{' || c == '}') && i+1 < len(text) && text[i+1] == c:
			plain.WriteByte(c)
			i++
		case !raw && strings.HasPrefix(text[i:], `\N{`) && strings.Contains(text[i:], "}"):
			plain.WriteString(text[i : i+strings.IndexByte(text[i:], '}')+1])
			i += strings.IndexByte(text[i:], '}')
		case c == '{':
			flush()
			end := fieldEnd(text, i+1)
			if end < 0 {
				p.fail("a field of its f-string is not closed")
			}
			f.parts = append(f.parts, p.field(text[i+1:end], line+strings.Count(text[:i], "\n"), raw))
			i = end
		case c == '}':
			p.fail("its f-string has a single }")
		default:
			plain.WriteByte(c)
		}
	}
	flush()
	return f
}

// fieldEnd returns the index of the bracket that closes a field, from the start of the field, or
// -1.
func fieldEnd(text string, start int) int {
	depth := 0
	for i := start; i < len(text); i++ {
		switch c := text[i]; c {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			if depth == 0 && c == '}' {
				return i
			}
			depth--
		case '"', '\'':
			if inner := strings.IndexByte(text[i+1:], c); inner >= 0 {
				i += inner + 1
			}
		}
	}
	return -1
}

// specification returns the index of the colon before the format of a field, or -1.
func specification(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
		case ':':
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// field parses the contents of the brackets of an f-string: an expression, perhaps with "=", a
// conversion and a format.
func (p *parser) field(text string, line int, raw bool) expression {
	inner := &parser{tokens: tokenizeExpression(text, line), depth: p.depth}
	f := field{of: inner.expressions()}
	if inner.accept("=") {
		f.selfDescribe = text[:strings.Index(text, "=")+1]
	}
	if inner.peek().kind == kindBroken && strings.Contains(text, "!") { // the tokenizer has no "!"
		inner.at++
		f.conversion = inner.identifier()
	}
	switch t := inner.peek(); {
	case t.is(":"):
		spec := formatted{}
		if at := specification(text); at >= 0 && at+1 < len(text) {
			spec = p.format(text[at+1:], line, raw).(formatted)
		}
		f.format = &spec
	case t.kind != kindEnd:
		panic(syntaxError{line, "a field of its f-string cannot be read"})
	}
	return f
}
