package loader

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/modgw/modgw/modgw"
)

// longestSnippet is the number of bytes of a source line that are shown.
const longestSnippet = 160

// report collects the diagnostics of one load.
type report struct {
	found   Diagnostics
	sources map[string]*hcl.File // parsed files by name, for snippets
}

func newReport() *report { return &report{sources: map[string]*hcl.File{}} }

// add reports an error at rng.
func (r *report) add(code string, rng hcl.Range, summary, detail string) {
	r.diagnose(Error, code, rng, summary, detail)
}

// warn reports a warning at rng.
func (r *report) warn(code string, rng hcl.Range, summary, detail string) {
	r.diagnose(Warning, code, rng, summary, detail)
}

func (r *report) diagnose(severity Severity, code string, rng hcl.Range, summary, detail string) {
	r.found = append(r.found, Diagnostic{
		Severity: severity,
		Code:     code,
		Summary:  printable(summary),
		Detail:   printable(detail),
		Range:    rangeOf(rng),
		Snippet:  r.snippet(rng),
	})
}

// addHCL adds diagnostics of hcl.
func (r *report) addHCL(code string, diags hcl.Diagnostics, hint string) {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		var rng hcl.Range
		if d.Subject != nil {
			rng = *d.Subject
		}
		r.add(code, rng, d.Summary, join(d.Detail, hint))
	}
}

// failed reports whether an error was found since mark, which an earlier len(r.found) gave.
func (r *report) failed(mark int) bool { return r.found[mark:].HasErrors() }

// redact removes secrets from the diagnostics since mark.
func (r *report) redact(mark int, secrets []string) {
	for i := range r.found[mark:] {
		d := &r.found[mark+i]
		d.Summary = modgw.RedactString(d.Summary, secrets)
		d.Detail = modgw.RedactString(d.Detail, secrets)
	}
}

func (r *report) snippet(rng hcl.Range) *Snippet {
	file := r.sources[rng.Filename]
	if file == nil || rng.Start.Line == 0 || rng.Start.Byte > len(file.Bytes) || rng.End.Byte < rng.Start.Byte {
		return nil
	}
	src := file.Bytes
	begin := bytes.LastIndexByte(src[:rng.Start.Byte], '\n') + 1
	line := src[begin:]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	from := rng.Start.Byte - begin
	to := min(max(rng.End.Byte-begin, from), len(line))
	if rng.End.Line > rng.Start.Line {
		to = len(strings.TrimRight(string(line), " \t\r"))
	}
	s := &Snippet{Line: rng.Start.Line, Context: blockContext(file, rng.Start.Byte)}
	before, meant, after := string(line[:from]), string(line[from:max(from, to)]), string(line[max(from, to):])
	if len(before) > longestSnippet/2 {
		before = "…" + strings.ToValidUTF8(before[len(before)-longestSnippet/2:], "")
	}
	if len(meant) > longestSnippet/2 {
		meant = strings.ToValidUTF8(meant[:longestSnippet/2], "") + "…"
	}
	if room := longestSnippet - len(before) - len(meant); len(after) > max(room, 0) {
		after = strings.ToValidUTF8(after[:max(room, 0)], "") + "…"
	}
	before, meant, after = shown(before), shown(meant), shown(after)
	s.Code = strings.TrimRight(before+meant+after, " ")
	s.From, s.To = min(len(before), len(s.Code)), min(len(before)+len(meant), len(s.Code))
	return s
}

// blockContext names the blocks around a place, as in `app "blog", wsgi`.
func blockContext(file *hcl.File, offset int) string {
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return ""
	}
	var names []string
	for body != nil {
		var inner *hclsyntax.Body
		for _, b := range body.Blocks {
			if b.OpenBraceRange.End.Byte <= offset && offset <= b.CloseBraceRange.Start.Byte {
				names = append(names, blockTitle(b))
				inner = b.Body
			}
		}
		body = inner
	}
	return printable(strings.Join(names, ", "))
}

func blockTitle(b *hclsyntax.Block) string {
	title := b.Type
	for _, label := range b.Labels {
		title += ` "` + label + `"`
	}
	return title
}

// shown is source text as a terminal may get it: tabs as spaces, nothing that moves the cursor.
func shown(s string) string { return printable(strings.ReplaceAll(s, "\t", "  ")) }

// printable replaces control characters, which a terminal would obey; line ends stay.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n':
			return c
		case c == '\r':
			return -1
		case c == utf8.RuneError, unicode.IsControl(c), unicode.Is(unicode.Cf, c):
			return '�'
		}
		return c
	}, s)
}

func rangeOf(r hcl.Range) Range {
	return Range{
		Filename: r.Filename,
		Start:    Position{Line: r.Start.Line, Column: r.Start.Column, Byte: r.Start.Byte},
		End:      Position{Line: r.End.Line, Column: r.End.Column, Byte: r.End.Byte},
	}
}

// wholeFile is the range of a diagnostic about a file that has no better place.
func wholeFile(name string) hcl.Range { return hcl.Range{Filename: name} }

// join puts sentences after each other; empty ones vanish.
func join(sentences ...string) string {
	var said []string
	for _, s := range sentences {
		if s != "" {
			said = append(said, s)
		}
	}
	return strings.Join(said, " ")
}
