package loader

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// reference returns the part of the manual that lists every block and argument, in Markdown.
func reference() []byte {
	var b bytes.Buffer
	app := appBlock(new(modgw.Descriptor))
	b.WriteString("### Which settings apply to which kinds\n\n\"ignored\" is a warning of `modgw-host check`, \"refused\" an error. " +
		"In `defaults` of the host file both are passed over.\n\n")
	effectTable(&b, app)
	referenceOf(&b, "", app)
	referenceOf(&b, "", variableBlock(new(declared)))
	referenceOf(&b, "", localsBlock())
	b.WriteString("## The host file\n\n")
	host := hostBlock(new(modgw.HostFile))
	argumentTable(&b, host)
	for _, open := range host.blocks {
		in := open()
		if in.name == "defaults" { // its content is the same as app's
			in.args, in.blocks = nil, nil
		}
		referenceOf(&b, "", in)
	}
	return b.Bytes()
}

// effectTable writes the part of the manual that shows which settings have an effect for which
// kinds.
func effectTable(b *bytes.Buffer, in block) {
	b.WriteString("| setting |")
	for _, k := range allKinds {
		fmt.Fprintf(b, " %s |", k)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(allKinds)) + "\n")
	row := func(name string, e effect) {
		fmt.Fprintf(b, "| `%s` |", name)
		for _, k := range allKinds {
			mark := "yes"
			if !e.has(k) {
				mark = "ignored"
				if e.refused {
					mark = "refused"
				}
			}
			fmt.Fprintf(b, " %s |", mark)
		}
		b.WriteString("\n")
	}
	for _, a := range in.args {
		row(a.name, a.effect)
	}
	for _, open := range in.blocks {
		if inner := open(); !inner.kind {
			row(inner.name+" { }", inner.effect)
		}
	}
	b.WriteString("\n")
}

func referenceOf(b *bytes.Buffer, prefix string, in block) {
	name := key(prefix, in.name)
	fmt.Fprintf(b, "### %s\n\n%s\n\n", name, in.doc)
	if in.label != "" {
		fmt.Fprintf(b, "`%s { }`: the label is the %s.\n\n", in.heading(), in.label)
	}
	argumentTable(b, in)
	for _, open := range in.blocks {
		referenceOf(b, name, open())
	}
}

func argumentTable(b *bytes.Buffer, in block) {
	if len(in.args) == 0 {
		return
	}
	b.WriteString("| argument | value | default | meaning | since |\n|---|---|---|---|---|\n")
	for _, a := range in.args {
		example := ""
		if a.example != "" {
			example = fmt.Sprintf(" Example: `%s`", cell(a.example))
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s%s | %s |\n", a.name, a.value.form, a.defaultCell(), cell(a.doc), example, since)
	}
	b.WriteString("\n")
}

func (a argument) defaultCell() string {
	switch {
	case a.required:
		return "required"
	case a.note != "":
		return cell(a.note)
	case a.def != nil:
		return "`" + hclText(a.def) + "`"
	}
	return ""
}

// cell escapes text so that it cannot end a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
