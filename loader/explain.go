package loader

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/modgw/modgw/modgw"
)

// Explain documents the settings at key: "app.wsgi.threads" is an argument, "app.wsgi" a block;
// "listen.address" and others belong to the host's own file; "" is everything. For an unknown key
// the text names the nearest ones, and false is returned.
func Explain(key string) (string, bool) {
	at := everything()
	var walked []string
	for part := range strings.SplitSeq(strings.Trim(key, "."), ".") {
		if part == "" {
			break
		}
		if a, ok := at.argument(part); ok && strings.Join(append(walked, part), ".") == strings.Trim(key, ".") {
			return explainArgument(strings.Join(append(walked, part), "."), at, a), true
		}
		in, ok := at.inner(part)
		if !ok {
			return unknownKey(key), false
		}
		at = in
		walked = append(walked, part)
	}
	return explainBlock(strings.Join(walked, "."), at), true
}

// everything returns all blocks of descriptor files and the host file.
func everything() block {
	host := hostBlock(new(modgw.HostFile))
	return block{
		doc:    "What can be written in a descriptor and in the host's own file.",
		args:   host.args,
		blocks: append(fileBlock().blocks, host.blocks...),
	}
}

func explainArgument(name string, in block, a argument) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %s; %s; since %s\n\n", name, a.value.form, a.defaultText(), since)
	b.WriteString(indent(join(a.doc, a.effect.sentence())))
	if in.name == "" {
		fmt.Fprintf(&b, "\n  %s = %s\n", a.name, a.example)
		return b.String()
	}
	fmt.Fprintf(&b, "\n  %s {\n    %s = %s\n  }\n", in.heading(), a.name, a.example)
	return b.String()
}

func explainBlock(name string, in block) string {
	var b strings.Builder
	if name != "" {
		fmt.Fprintf(&b, "%s\n  block; since %s\n\n", name, since)
	}
	b.WriteString(indent(join(in.doc, in.effect.sentence())))
	if in.label != "" {
		fmt.Fprintf(&b, "\n  %s { … }, where the label is the %s\n", in.heading(), in.label)
	}
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(in.args) > 0 {
		fmt.Fprintln(table, "\nArguments:")
	}
	for _, a := range in.args {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", a.name, a.value.form, a.defaultText())
	}
	if len(in.blocks) > 0 {
		fmt.Fprintln(table, "\nBlocks:")
	}
	for _, open := range in.blocks {
		inner := open()
		first, _, _ := strings.Cut(inner.doc, ". ")
		fmt.Fprintf(table, "  %s\t%s\n", inner.heading(), strings.TrimSuffix(first, "."))
	}
	_ = table.Flush() // a strings.Builder takes everything
	return b.String()
}

// unknownKey names the keys that were probably meant.
func unknownKey(key string) string {
	text := fmt.Sprintf("cannot explain %q: nothing is called that\n", key)
	last := key[strings.LastIndexByte(strings.TrimSuffix(key, "."), '.')+1:]
	var near []string
	all := allKeys("", everything())
	for _, k := range all {
		if k == "defaults."+last || strings.HasPrefix(k, "defaults.") {
			continue
		}
		if tail := k[strings.LastIndexByte(k, '.')+1:]; tail == last {
			near = append(near, k)
		}
	}
	if len(near) == 0 {
		if k := closest(key, all); k != "" {
			near = append(near, k)
		}
	}
	if len(near) == 0 {
		for _, k := range all {
			if !strings.HasPrefix(k, "defaults.") && closest(last, []string{k[strings.LastIndexByte(k, '.')+1:]}) != "" {
				near = append(near, k)
			}
		}
	}
	if len(near) == 0 {
		return text + "hint: modgw-host explain app lists what an app can say\n"
	}
	return text + "hint: did you mean " + strings.Join(near[:min(len(near), 4)], ", ") + "?\n"
}

// allKeys are the keys of all that is in a block.
func allKeys(prefix string, in block) []string {
	var keys []string
	for _, a := range in.args {
		keys = append(keys, key(prefix, a.name))
	}
	for _, open := range in.blocks {
		inner := open()
		name := key(prefix, inner.name)
		keys = append(append(keys, name), allKeys(name, inner)...)
	}
	return keys
}

// heading returns the first words of a block: alias "…".
func (b block) heading() string {
	if b.label == "" {
		return b.name
	}
	return b.name + ` "…"`
}

// defaultText is "default 5", "default: number of CPUs" or "required".
func (a argument) defaultText() string {
	switch {
	case a.required:
		return "required"
	case a.def != nil && a.note != "":
		return "default " + a.note
	case a.def != nil:
		return "default " + hclText(a.def)
	case a.note != "":
		return "default: " + a.note
	}
	return "not set"
}

// hclText is a default as it is written in HCL.
func hclText(def any) string {
	if list, ok := def.([]string); ok {
		quoted := make([]string, len(list))
		for i, s := range list {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	if s, ok := def.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(def)
}

// indent wraps text for a terminal, two spaces in.
func indent(text string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			b.WriteString("  ")
		case column+len(word) > 90:
			b.WriteString("\n  ")
			column = 0
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String() + "\n"
}
