package loader

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"pgregory.net/rapid"
)

// TestTextThatIsNotLexedBeforeItIsParsedCannotNestTooMuch compares the count of bytes with the
// result of the lexer, for texts near the limits.
func TestTextThatIsNotLexedBeforeItIsParsedCannotNestTooMuch(t *testing.T) {
	pieces := rapid.SliceOf(rapid.SampledFrom([]string{
		"{", "}", "[", "]", "(", ")", "\"", "${", "%{", "}", "<<E\n", "\nE\n", "+", "-", "!", ".",
		"=>", "==", "&&", "x", "a.b", "x = 1\n", "1e5", "1.5E99999", "9e+12345", ",", "\n", " ",
		"# c\n", "/* c */", "é", "\x00", ";", "`",
	}))
	rapid.Check(t, func(t *rapid.T) {
		part := strings.Join(pieces.Draw(t, "pieces"), "")
		times := rapid.SampledFrom([]int{1, 10, 63, 64, 65, 255, 256, 257}).Draw(t, "times")
		text := []byte(strings.Repeat(part, times))
		if len(text) > 1<<14 || mayNestTooMuch(text) {
			return
		}
		tokens, _ := hclsyntax.LexConfig(text, "modgw.hcl", hcl.InitialPos)
		if _, what := tooMuch(tokens); what != "" {
			t.Fatalf("%q is not lexed, and this is wrong with it: %s", text, what)
		}
	})
}

func TestSmallDescriptorIsLexedOnce(t *testing.T) {
	const text = "app \"blog\" {\n  mount = \"/blog\"\n  hosts = [\"blog.example.com\"]\n" +
		"  wsgi { entry = \"blog.wsgi\" }\n}\n"
	if mayNestTooMuch([]byte(text)) {
		t.Errorf("%s\nis lexed to find out whether it nests too much", text)
	}
}
