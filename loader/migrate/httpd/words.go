package httpd

import "strings"

// split splits arguments as Apache does: at white space, outside of quotation marks, within which a
// backslash lets a mark or a backslash stand for itself. The last word may lack its mark.
func split(text string) (words []string) {
	for {
		text = strings.TrimLeft(text, " \t")
		if text == "" {
			return words
		}
		var word string
		if text[0] == '"' || text[0] == '\'' {
			word, text = quoted(text)
		} else {
			end := strings.IndexAny(text, " \t")
			if end < 0 {
				end = len(text)
			}
			word, text = strings.ReplaceAll(text[:end], `\\`, `\`), text[end:]
		}
		words = append(words, word)
	}
}

// quoted reads a word that begins with a quotation mark.
func quoted(text string) (word, rest string) {
	mark := text[0]
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == '\\' || text[i+1] == mark):
			i++
			b.WriteByte(text[i])
		case c == mark:
			return b.String(), text[i+1:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
