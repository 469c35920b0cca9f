package pysource

import "fmt"

// kind is the kind of a token.
type kind int

const (
	kindEnd kind = iota
	kindNewline
	kindIndent
	kindDedent
	kindName
	kindNumber
	kindString
	kindFormat // an f-string, its text not yet read
	kindOperator
	kindBroken // text that is no token; text has the reason
)

// token is one word of the source. The text of a string is its value, that of an f-string the text
// between its quotes.
type token struct {
	kind kind
	text string
	line int
	raw  bool // a string without escapes, for f-strings
}

func (t token) is(operator string) bool { return t.kind == kindOperator && t.text == operator }

func (t token) isName(name string) bool { return t.kind == kindName && t.text == name }

func (t token) String() string {
	switch t.kind {
	case kindEnd:
		return "the end of the file"
	case kindNewline:
		return "the end of the line"
	case kindIndent, kindDedent:
		return "another indentation"
	case kindString, kindFormat:
		return "a string"
	default:
		return fmt.Sprintf("%q", t.text)
	}
}

// keywords cannot be names of variables. print and exec, which are keywords of Python 2 alone, are
// statements where no other reading is possible.
var keywords = map[string]bool{
	"and": true, "as": true, "assert": true, "async": true, "await": true, "break": true, "class": true,
	"continue": true, "def": true, "del": true, "elif": true, "else": true, "except": true, "finally": true,
	"for": true, "from": true, "global": true, "if": true, "import": true, "in": true, "is": true,
	"lambda": true, "nonlocal": true, "not": true, "or": true, "pass": true, "raise": true, "return": true,
	"try": true, "while": true, "with": true, "yield": true,
}
