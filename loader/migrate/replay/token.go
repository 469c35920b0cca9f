package replay

// span is a range of tokens, the end excluded.
type span struct{ from, to int }

// tokens splits text into words, runs of white space without line breaks, and single other bytes.
// The result has the offset of each token, and the length of text at the end.
func tokens(text []byte) []int {
	offsets := make([]int, 0, len(text)/4+1)
	for i := 0; i < len(text); {
		offsets = append(offsets, i)
		kind := kindOf(text[i])
		i++
		for kind <= blank && i < len(text) && kindOf(text[i]) == kind {
			i++
		}
	}
	return append(offsets, len(text))
}

// kind is the kind of a token by its first byte.
type kind uint8

const (
	word  kind = iota // letters, digits, "_", and all beyond ASCII
	blank             // spaces and tabs
	mark              // any other byte
)

func kindOf(c byte) kind {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c >= 0x80:
		return word
	case c == ' ', c == '\t':
		return blank
	}
	return mark
}

// endsValue reports whether a token that begins with c is no part of a value, such as an attribute,
// a number or an encoded token.
func endsValue(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', '"', '\'', '<', '>', '=', '&', ';', ',', '(', ')', '{', '}', '[', ']':
		return true
	}
	return false
}

// text is a text and its tokens.
type text struct {
	bytes   []byte
	offsets []int
}

func newText(b []byte) text { return text{b, tokens(b)} }

// len is the number of tokens.
func (t text) len() int { return len(t.offsets) - 1 }

func (t text) token(i int) []byte { return t.bytes[t.offsets[i]:t.offsets[i+1]] }

// first is the first byte of a token.
func (t text) first(i int) byte { return t.bytes[t.offsets[i]] }

// padding returns the end of the signs "=" at the end of a value, as in base64; i if there are
// none.
func (t text) padding(i int) int {
	end := i
	for end < t.len() && t.first(end) == '=' {
		end++
	}
	if end < t.len() && !endsValue(t.first(end)) {
		return i // it is the sign between a name and its value
	}
	return end
}
