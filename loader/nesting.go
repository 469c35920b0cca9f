package loader

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Limits for nesting. The parser and the evaluator recurse once for each bracket and for each
// operator of a chain, and a goroutine that runs out of stack ends the whole host.
const (
	deepest      = 64  // brackets, braces and templates within each other
	longestChain = 256 // operators, indexes and template directives in one expression
	longestExp   = 4   // bytes after the "e" of a number: 1e999999 takes a megabyte
)

// mayNestTooMuch reports whether tooMuch could find something in a text. It only counts bytes,
// which avoids a second lexing of most descriptors: each bracket takes a byte that opens it, and
// each operator takes a byte that no word, number or space has.
func mayNestTooMuch(src []byte) bool {
	opening, marks := 0, 1 // the end of the file counts as an operator
	for i, c := range src {
		switch c {
		case '{', '[', '(', '"', '<':
			opening++
			marks++
		case 'e', 'E':
			if i > 0 && '0' <= src[i-1] && src[i-1] <= '9' {
				return true // perhaps the exponent of a number
			}
		case ' ', '\t', '\r', '\n', ',', '_':
		default:
			if !isLetterOrDigit(c) {
				marks++
			}
		}
	}
	return opening > deepest || marks > longestChain
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// tooMuch finds the first token beyond a limit, and names the limit; "" if there is none.
func tooMuch(tokens hclsyntax.Tokens) (hcl.Range, string) {
	chain := []int{0}     // length of the chain at each level of nesting
	lines := []bool{true} // whether the end of a line ends an expression there
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp,
			hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			chain[len(chain)-1]++
			if t.Type == hclsyntax.TokenTemplateInterp {
				chain[len(chain)-1]-- // pieces of one template are a flat list
			}
			chain = append(chain, 0)
			lines = append(lines, t.Type == hclsyntax.TokenOBrace)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd,
			hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			chain, lines = chain[:max(len(chain)-1, 1)], lines[:max(len(lines)-1, 1)]
		case hclsyntax.TokenComma:
			chain[len(chain)-1] = 0
		case hclsyntax.TokenNewline:
			if lines[len(lines)-1] {
				chain[len(chain)-1] = 0
			}
		case hclsyntax.TokenIdent, hclsyntax.TokenStringLit, hclsyntax.TokenQuotedLit, hclsyntax.TokenComment,
			hclsyntax.TokenEqual:
		case hclsyntax.TokenNumberLit:
			if exponentLength(t.Bytes) > longestExp {
				return t.Range, fmt.Sprintf("The number %s is too large to be used.", t.Bytes)
			}
		default:
			chain[len(chain)-1]++
		}
		switch {
		case len(chain) > deepest+1:
			return t.Range, fmt.Sprintf("At most %d brackets may be open at the same time.", deepest)
		case chain[len(chain)-1] > longestChain:
			return t.Range, fmt.Sprintf("One expression may have at most %d operators.", longestChain)
		}
	}
	return hcl.Range{}, ""
}

func exponentLength(number []byte) int {
	for i, c := range number {
		if c == 'e' || c == 'E' {
			return len(number) - i - 1
		}
	}
	return 0
}
