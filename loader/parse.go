package loader

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// parse turns the text of a file into its body; nil when it cannot be used, which is reported then.
func (r *report) parse(src []byte, filename string) *hclsyntax.Body {
	r.sources[filename] = &hcl.File{Bytes: src}
	if at := invalidUTF8(src); at >= 0 {
		r.add(codeTooMuch, lineRange(src, filename, at), "Invalid character encoding",
			"The file must be UTF-8 text; the byte here belongs to no character.")
		return nil
	}
	if mayNestTooMuch(src) {
		tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos)
		if rng, what := tooMuch(tokens); what != "" {
			r.add(codeTooMuch, rng, "Too deeply nested", what)
			return nil
		}
	}
	file, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
	if file != nil {
		r.sources[filename] = file
	}
	if diags.HasErrors() {
		r.addSyntax(src, diags)
		return nil
	}
	return file.Body.(*hclsyntax.Body)
}

// addSyntax reports syntax errors. Only the first one of a line counts: the others follow from it.
func (r *report) addSyntax(src []byte, diags hcl.Diagnostics) {
	lines := strings.Split(string(src), "\n")
	reported := map[int]bool{}
	for _, d := range diags {
		if d.Subject == nil || d.Severity != hcl.DiagError || reported[d.Subject.Start.Line] {
			continue
		}
		line := d.Subject.Start.Line
		reported[line] = true
		hint := quotesHint(lines, line)
		if hint == "" && d.Summary == "Missing newline after argument" {
			hint = quotesHint(lines, line-1)
		}
		if d.Summary == "Invalid single-argument block definition" {
			r.add(codeSyntax, *d.Subject, "A block on one line has one argument at most", linesHint(lines[line-1]))
			continue
		}
		code := codeSyntax
		if d.Summary == "Attribute redefined" {
			code = codeTwice
		}
		r.addHCL(code, hcl.Diagnostics{d}, hint)
	}
}

// bare matches an argument whose value lacks its quotes, such as 30s, /srv/www, 0.0.0.0:80 or
// flask==3.0.
var bare = lazyregexp.New(`^\s*([A-Za-z_]\w*)\s*=\s*([^\s"'\[{(<][^\s"'\[{(#]*)\s*(?:#.*|//.*)?$`)

// quotesHint proposes quotes for a line whose value looks like text.
func quotesHint(lines []string, number int) string {
	if number < 1 || number > len(lines) {
		return ""
	}
	line := lines[number-1]
	if m := bare.FindStringSubmatch(line); m != nil {
		return fmt.Sprintf("Put it in quotes: %s = %q", m[1], m[2])
	}
	if strings.Count(line, "'") >= 2 {
		return "Use double quotes."
	}
	return ""
}

// oneLine matches a block that is written on one line.
var oneLine = lazyregexp.New(`^\s*([A-Za-z_]\w*(?:\s+"[^"]*")?)\s*\{(.*)\}\s*(?:(?:#|//).*)?$`)

// argumentStart matches the name of an argument and its "=", behind a space or a comma.
var argumentStart = lazyregexp.New(`(?:^|[\s,])([A-Za-z_]\w*)\s*=[^=]`)

// linesHint proposes a line for each argument of a block that has several on one.
func linesHint(line string) string {
	const general = "Write each argument, each inner block and the closing brace on a line of its own"
	block := oneLine.FindStringSubmatch(line)
	if block == nil || strings.ContainsAny(block[2], "{}[]()") {
		return general + "."
	}
	starts := argumentStart.FindAllStringSubmatchIndex(block[2], -1)
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n%s {\n", general, block[1])
	for i, at := range starts {
		end := len(block[2])
		if i+1 < len(starts) {
			end = starts[i+1][2]
		}
		fmt.Fprintf(&b, "  %s\n", strings.TrimRight(block[2][at[2]:end], " \t,;"))
	}
	return b.String() + "}"
}

func invalidUTF8(src []byte) int {
	if utf8.Valid(src) {
		return -1
	}
	for i := 0; i < len(src); {
		c, size := utf8.DecodeRune(src[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// lineRange is the range of one byte of src.
func lineRange(src []byte, filename string, at int) hcl.Range {
	line := 1 + strings.Count(string(src[:at]), "\n")
	column := 1 + utf8.RuneCount(src[strings.LastIndexByte(string(src[:at]), '\n')+1:at])
	start := hcl.Pos{Line: line, Column: column, Byte: at}
	return hcl.Range{Filename: filename, Start: start, End: hcl.Pos{Line: line, Column: column + 1, Byte: at + 1}}
}
