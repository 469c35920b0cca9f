package migrate

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
)

// Markdown returns the report for people: first the manual steps, then each file with all of its
// directives.
func (p *Plan) Markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Migration to modgw\n\n%s in %s: %d translated, %d not needed, %d to do by hand.\n",
		count(len(p.Entries), "directive or option", "directives and options"), count(len(p.Files.Opened()), "file", "files"),
		p.Count(Translated), p.Count(NotNeeded), p.Count(ByHand))
	for _, note := range p.Notes {
		fmt.Fprintf(&b, "\n%s.\n", sentence(note))
	}
	if len(p.Problems) > 0 {
		b.WriteString("\n## Could not be read\n\n")
		for _, problem := range p.Problems {
			fmt.Fprintf(&b, "- %s: %s\n", code(problem.Place.String()), escape(problem.Text))
		}
	}
	if len(p.Apps) > 0 {
		b.WriteString("\n## Apps\n\n| app | descriptor | from |\n|---|---|---|\n")
		for _, a := range p.Apps {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", code(a.Name), code("apps-enabled/"+a.FileName()), code(a.Place.String()))
		}
	}
	if p.Count(ByHand) > 0 {
		b.WriteString("\n## To do by hand\n\n")
		for _, e := range p.Entries {
			if e.Became == ByHand {
				fmt.Fprintf(&b, "- %s: %s: %s\n", code(Place{e.File, e.Line}.String()), code(e.Directive), escape(e.Reason))
			}
		}
	}
	if len(p.variables) > 0 {
		b.WriteString("\n## Variables of templates\n\nGive each a value: `modgw-host serve --var NAME=VALUE`, or `MODGW_VAR_NAME` in the environment.\n\n| variable | in the template |\n|---|---|\n")
		for _, v := range p.variables {
			fmt.Fprintf(&b, "| %s | %s, %s |\n", code("var."+v.Name), code(v.Written), code(v.Place.String()))
		}
	}
	for _, file := range p.sources {
		p.table(&b, file)
	}
	return b.Bytes()
}

// table lists all entries of a file.
func (p *Plan) table(b *bytes.Buffer, file string) {
	first := true
	for _, e := range p.Entries {
		if e.File != file {
			continue
		}
		if first {
			fmt.Fprintf(b, "\n## %s\n\n| line | directive | became | |\n|---|---|---|---|\n", escape(filepath.ToSlash(file)))
			first = false
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s |\n", e.Line, code(e.Directive), e.Became, escape(e.Reason))
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// code is text in backticks, for a cell of a table as well.
func code(text string) string {
	return "`" + strings.NewReplacer("`", "'", "|", `\|`).Replace(Show(text)) + "`"
}

// escape escapes text for a cell of a table.
func escape(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`).Replace(Show(text))
}

func sentence(text string) string {
	text = strings.TrimSuffix(text, ".")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
