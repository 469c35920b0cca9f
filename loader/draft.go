package loader

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Draft is an app block that is being written. Its settings are those of the table that decodes
// descriptors: a name that is not in the table is a mistake of the caller and panics.
type Draft struct {
	Name  string // label of the app block
	block draftBlock
}

// draftBlock has the settings of one block of a draft.
type draftBlock struct {
	notes  []string            // comments above the block
	values map[string]any      // by the name of the argument
	above  map[string][]string // comments above an argument
	inner  []*innerDraft       // in the order in which they were first named
}

// innerDraft is a block within another.
type innerDraft struct {
	name, label string
	draftBlock
}

// Bytes is a size in a draft.
type Bytes int64

// Template is text of a draft with ${…} in it, such as "${var.root}/app.wsgi".
type Template string

// Expression is HCL that is written to a draft unchanged, such as secret("/etc/modgw/blog.key").
type Expression string

// Set gives a setting a value: a string, bool, int, float64, [time.Duration], [Bytes], [Template],
// [Expression], []string, []any of these, map[string]string, or map[string]any of these. The name
// has the blocks before the argument, such as "wsgi.entry". A value that is the default is not
// written.
func (d *Draft) Set(name string, value any) {
	b, argument := d.reach(name)
	b.set(name, argument, value)
}

// SetIn is Set for a block with a label, such as alias "/static": SetIn("alias", "/static", "dir",
// "/srv/static").
func (d *Draft) SetIn(block, label, argument string, value any) {
	d.block.open(block, label).set(block+"."+argument, argument, value)
}

// set gives an argument of the block a value; name has the blocks before it.
func (b *draftBlock) set(name, argument string, value any) {
	if !isSetting(name) {
		panic(fmt.Sprintf("loader: no setting %q", name))
	}
	if b.values == nil {
		b.values = map[string]any{}
	}
	b.values[argument] = value
}

// Value returns the value of a setting, or nil if it was not set.
func (d *Draft) Value(name string) any {
	b := &d.block
	parts := strings.Split(name, ".")
	for _, part := range parts[:len(parts)-1] {
		at := slices.IndexFunc(b.inner, func(in *innerDraft) bool { return in.name == part && in.label == "" })
		if at < 0 {
			return nil
		}
		b = &b.inner[at].draftBlock
	}
	return b.values[parts[len(parts)-1]]
}

// Labels are the labels of the blocks of a name that the draft has, in the order of their writing.
func (d *Draft) Labels(block string) []string {
	var labels []string
	for _, in := range d.block.inner {
		if in.name == block {
			labels = append(labels, in.label)
		}
	}
	return labels
}

// Note puts a comment above a setting, or above the app block when name is "". The comment is
// written whether or not the setting is: an administrator has to look there.
func (d *Draft) Note(name, text string) {
	if name == "" {
		d.block.notes = append(d.block.notes, text)
		return
	}
	b, argument := d.reach(name)
	if b.above == nil {
		b.above = map[string][]string{}
	}
	b.above[argument] = append(b.above[argument], text)
}

// reach returns the block that has the last part of a name.
func (d *Draft) reach(name string) (*draftBlock, string) {
	b := &d.block
	parts := strings.Split(name, ".")
	for _, part := range parts[:len(parts)-1] {
		b = b.open(part, "")
	}
	return b, parts[len(parts)-1]
}

func (b *draftBlock) open(name, label string) *draftBlock {
	for _, in := range b.inner {
		if in.name == name && in.label == label {
			return &in.draftBlock
		}
	}
	in := &innerDraft{name: name, label: label}
	b.inner = append(b.inner, in)
	return &in.draftBlock
}

// isSetting reports whether the table has an argument of an app block, such as "wsgi.entry".
func isSetting(name string) bool {
	parts := strings.Split(name, ".")
	b, _ := lookAtFile().inner("app")
	for _, part := range parts[:len(parts)-1] {
		in, ok := b.inner(part)
		if !ok {
			return false
		}
		b = in
	}
	_, ok := b.argument(parts[len(parts)-1])
	return ok
}

// WriteDrafts returns a descriptor file with the drafts in the usual layout, and with variables
// that must be given a value.
func WriteDrafts(variables []string, drafts []*Draft) []byte {
	file := hclwrite.NewEmptyFile()
	body := file.Body()
	for i, name := range variables {
		if i > 0 {
			body.AppendNewline()
		}
		body.AppendNewBlock("variable", []string{name})
	}
	table, _ := lookAtFile().inner("app")
	for i, d := range drafts {
		if i > 0 || len(variables) > 0 {
			body.AppendNewline()
		}
		for _, note := range d.block.notes {
			writeComment(body, note)
		}
		d.block.write(body.AppendNewBlock("app", []string{d.Name}).Body(), table)
	}
	return hclwrite.Format(file.Bytes())
}

// write appends the arguments and blocks in the order of the table.
func (b *draftBlock) write(body *hclwrite.Body, table block) {
	empty := true
	for _, a := range table.args {
		value, set := b.values[a.name]
		for _, note := range b.above[a.name] {
			writeComment(body, note)
			empty = false
		}
		if !set || isDefault(a, value) {
			continue
		}
		body.SetAttributeRaw(a.name, draftTokens(value))
		empty = false
	}
	for _, in := range table.inners() {
		notes := b.above[in.name]
		written := b.written(in)
		if !empty && len(notes)+len(written) > 0 {
			body.AppendNewline()
		}
		for _, note := range notes {
			writeComment(body, note)
			empty = false
		}
		for i, written := range written {
			if i > 0 {
				body.AppendNewline()
			}
			empty = false
			var labels []string
			if in.label != "" {
				labels = []string{written.label}
			}
			written.write(body.AppendNewBlock(in.name, labels).Body(), in)
		}
	}
}

// written are the blocks of a kind that have anything to write.
func (b *draftBlock) written(table block) (all []*innerDraft) {
	for _, in := range b.inner {
		if in.name == table.name && in.says(table) {
			all = append(all, in)
		}
	}
	return all
}

// says reports whether a block has anything to write.
func (b *draftBlock) says(table block) bool {
	if table.kind || table.label != "" || len(b.above) > 0 {
		return true
	}
	for name, value := range b.values {
		if a, ok := table.argument(name); ok && !isDefault(a, value) {
			return true
		}
	}
	return slices.ContainsFunc(b.inner, func(in *innerDraft) bool {
		below, ok := table.inner(in.name)
		return ok && in.says(below)
	})
}

// isDefault reports whether a value is the one that counts when the argument is not written.
func isDefault(a argument, value any) bool {
	switch v := value.(type) {
	case time.Duration:
		usual, ok := a.def.(string)
		d, valid := parseDuration(usual)
		return ok && valid && d == v
	case Bytes:
		usual, ok := a.def.(string)
		n, valid := parseSize(usual)
		return ok && valid && n == int64(v)
	case string, bool, int, float64:
		return a.def == value
	}
	return false
}

// draftTokens writes a value as an expression.
func draftTokens(value any) hclwrite.Tokens {
	switch v := value.(type) {
	case string:
		return hclwrite.TokensForValue(cty.StringVal(v))
	case bool:
		return hclwrite.TokensForValue(cty.BoolVal(v))
	case int:
		return hclwrite.TokensForValue(cty.NumberIntVal(int64(v)))
	case float64:
		return hclwrite.TokensForValue(cty.NumberFloatVal(v))
	case time.Duration:
		return draftTokens(durationText(v))
	case Bytes:
		return draftTokens(sizeText(int64(v)))
	case Template:
		return rawTokens(`"` + string(v) + `"`)
	case Expression:
		return rawTokens(string(v))
	case []string:
		elements := make([]any, len(v))
		for i, e := range v {
			elements[i] = e
		}
		return draftTokens(elements)
	case []any:
		elements := make([]hclwrite.Tokens, len(v))
		for i, e := range v {
			elements[i] = draftTokens(e)
		}
		return hclwrite.TokensForTuple(elements)
	case map[string]string:
		elements := map[string]any{}
		for name, e := range v {
			elements[name] = e
		}
		return draftTokens(elements)
	case map[string]any:
		return objectTokens(v)
	}
	panic(fmt.Sprintf("loader: a draft cannot have a value of type %T", value))
}

// objectTokens writes an object, a line for each element.
func objectTokens(values map[string]any) hclwrite.Tokens {
	var elements []hclwrite.ObjectAttrTokens
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key := hclwrite.TokensForValue(cty.StringVal(name))
		if hclsyntax.ValidIdentifier(name) {
			key = hclwrite.TokensForIdentifier(name)
		}
		elements = append(elements, hclwrite.ObjectAttrTokens{Name: key, Value: draftTokens(values[name])})
	}
	return hclwrite.TokensForObject(elements)
}

// Quoted returns text escaped for use between the quotation marks of a [Template].
func Quoted(text string) string {
	quoted := hclwrite.TokensForValue(cty.StringVal(text)).Bytes()
	return strings.TrimSuffix(strings.TrimPrefix(string(quoted), `"`), `"`)
}

func rawTokens(text string) hclwrite.Tokens {
	return hclwrite.Tokens{{Type: hclsyntax.TokenIdent, Bytes: []byte(text)}}
}

// durationText is a duration as people write it: "1h30m", "45s".
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// sizeText is a size in the largest unit that has it as a whole number.
func sizeText(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n != 0 && n%u.size == 0 {
			return fmt.Sprintf("%d%s", n/u.size, u.name)
		}
	}
	return fmt.Sprint(n)
}

// writeComment appends a comment of one line. Text of others may have anything in it.
func writeComment(body *hclwrite.Body, text string) {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	body.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte("# " + text + "\n")}})
}
