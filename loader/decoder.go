package loader

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// decoder stores the values in bodies where the table of blocks points.
type decoder struct {
	*report
	scope *scope
}

// layer is a body with settings of a block: the file's own, or that of the defaults.
type layer struct {
	body     *hclsyntax.Body
	scope    *scope // has the rights with which files are read
	context  *hcl.EvalContext
	fallback bool // the defaults, whose own mistakes were reported when the host file was loaded
}

// place is the position of a block, for diagnostics about missing arguments.
type place struct {
	name string // key for modgw-host explain: "app.wsgi"
	rng  hcl.Range
}

// decode stores the settings of the layers where b points. The first layer with a setting wins.
func (d *decoder) decode(b block, at place, layers []layer) {
	mark := len(d.found)
	var misspelt []string
	for _, l := range layers {
		if !l.fallback {
			misspelt = append(misspelt, d.refuseUnknown(b, at, l.body)...)
		}
	}
	b.needed = b.needed && !slices.ContainsFunc(b.either, func(name string) bool { return slices.Contains(misspelt, name) })
	chosen := d.choose(b, at, layers)
	for _, a := range b.args {
		a.required = a.required && !slices.Contains(misspelt, a.name)
		if slices.Contains(b.either, a.name) {
			d.argument(a, at, chosen)
		} else {
			d.argument(a, at, layers)
		}
	}
	for i, in := range b.inners() {
		if in.hasToBeDecoded(layers) {
			d.blocks(b.blocks[i], at, layers)
		}
	}
	if b.check != nil && !d.failed(mark) {
		b.check(written{d, at, layers})
	}
	if b.done != nil && !d.failed(mark) {
		b.done()
	}
}

// hasToBeDecoded reports whether a block is written somewhere or has defaults when it is not.
func (b block) hasToBeDecoded(layers []layer) bool {
	return b.presence == always && !b.repeat || slices.ContainsFunc(layers, func(l layer) bool {
		return len(blocksOf(l.body, b.name)) > 0
	})
}

// choose is the layer that sets one of the arguments that exclude each other, so that a default of
// one does not meet the app's own of another.
func (d *decoder) choose(b block, at place, layers []layer) []layer {
	for _, l := range layers {
		var first *hclsyntax.Attribute
		for _, name := range b.either {
			attr := l.body.Attributes[name]
			switch {
			case attr == nil:
			case first == nil:
				first = attr
			default:
				d.add(codeTwice, attr.NameRange, fmt.Sprintf("Both %q and %q are set", first.Name, name),
					fmt.Sprintf("Only one of them can be; the other is at %s.", rangeOf(first.NameRange)))
			}
		}
		if first != nil {
			return []layer{l}
		}
	}
	if b.needed {
		d.add(codeMissing, at.rng, fmt.Sprintf("Missing argument %q or %q", b.either[0], b.either[1]), explainHint(at.name))
	}
	return nil
}

// argument sets one argument from the first layer that has it, or to its default. An object of
// variables is merged from all layers.
func (d *decoder) argument(a argument, at place, layers []layer) {
	found := false
	for _, l := range layers {
		attr := l.body.Attributes[a.name]
		if attr == nil || a.keyword || found && a.name != "env" {
			continue
		}
		found = d.attribute(a, attr, l) || found
	}
	switch {
	case found:
	case a.required:
		d.add(codeMissing, at.rng, fmt.Sprintf("Missing argument %q", a.name), join(sentence(fmt.Sprintf("it is needed here: %s", a.value.form)), explainHint(at.name+"."+a.name)))
	case a.def != nil:
		v := literal(a.def)
		a.value.set(&leaf{decoder: d, name: a.name, value: v, rng: at.rng})
	}
}

// attribute evaluates an argument once and sets it. It reports false for null, which has the effect
// of a missing argument.
func (d *decoder) attribute(a argument, attr *hclsyntax.Attribute, l layer) bool {
	raw, ok := d.evaluate(attr.Expr, withNames(l.context, a.value.names), a)
	if !ok {
		return true
	}
	secret := raw.ContainsMarked()
	v, _ := raw.UnmarkDeep()
	switch {
	case v.IsNull():
		return false
	case !v.IsWhollyKnown():
		if !d.failed(0) { // a variable without a value was reported already
			d.add(codeExpression, attr.Expr.Range(), fmt.Sprintf("Invalid value for %q", a.name), "Its value cannot be known here.")
		}
		return true
	}
	a.value.set(&leaf{
		decoder: &decoder{d.report, l.scope}, name: a.name, value: v, secret: secret,
		fallback: l.fallback, rng: attr.Expr.Range(), expr: attr.Expr,
	})
	return true
}

// evaluate is the value of an expression; false when it has none, which is reported then.
func (d *decoder) evaluate(expr hclsyntax.Expression, context *hcl.EvalContext, a argument) (cty.Value, bool) {
	budget := d.scope.opts.tools.budget
	budget.renew()
	v, diags := expr.Value(context)
	if budget.renew(); !diags.HasErrors() && !budget.take(v) {
		diags = append(diags, tooLarge(expr.Range()))
	}
	if diags.HasErrors() {
		d.addEvaluation(expr, context, diags, a)
		return cty.NilVal, false
	}
	d.scope.noteMarked(v, false)
	return v, true
}

// blocks decodes the blocks of one type: all of them if it may repeat, otherwise the only one. A
// missing block still has its defaults, depending on its presence.
func (d *decoder) blocks(open func() block, at place, layers []layer) {
	b := open()
	at.name = key(at.name, b.name)
	if b.repeat {
		d.repeated(open, at, layers)
		return
	}
	var inner []layer
	for _, l := range layers {
		written := blocksOf(l.body, b.name)
		if len(written) == 0 {
			if b.presence == whenWritten && !l.fallback {
				return
			}
			continue
		}
		if !l.fallback {
			at.rng = written[0].DefRange()
			d.refuseLabels(written[0])
			for _, other := range written[1:] {
				d.add(codeTwice, other.DefRange(), fmt.Sprintf("Duplicate block %q", b.name),
					fmt.Sprintf("The first one is at %s.", rangeOf(written[0].DefRange())))
			}
		}
		inner = append(inner, layer{written[0].Body, l.scope, l.context, l.fallback})
	}
	if b.presence == whenInherited && len(inner) == 0 {
		return
	}
	d.decode(b, at, inner)
}

// written is a decoded block, for checks of the block as a whole.
type written struct {
	*decoder
	at     place
	layers []layer
}

// wrong reports that an argument, or an inner block, does not go with the rest.
func (w written) wrong(name, detail string) {
	w.add(codeValue, w.placeOf(name), fmt.Sprintf("Invalid use of %q", name), detail)
}

// doubt warns of an argument, where wrong reports an error.
func (w written) doubt(name, detail string) {
	w.warn(codeValue, w.placeOf(name), fmt.Sprintf("Invalid use of %q", name), detail)
}

// placeOf is where an argument or an inner block is written, or else the block itself.
func (w written) placeOf(name string) hcl.Range {
	for _, l := range w.layers {
		if attr := l.body.Attributes[name]; attr != nil {
			return attr.SrcRange
		}
		if inner := blocksOf(l.body, name); len(inner) > 0 {
			return inner[0].DefRange()
		}
	}
	return w.at.rng
}

// repeated decodes blocks with labels; one of the defaults counts unless the file has one with the
// same label. Blocks without labels all count.
func (d *decoder) repeated(open func() block, at place, layers []layer) {
	seen := map[string]hcl.Range{}
	for _, l := range layers {
		for _, written := range blocksOf(l.body, open().name) {
			b := open()
			at.rng = written.DefRange()
			if b.label == "" {
				d.refuseLabels(written)
				d.decode(b, at, []layer{{written.Body, l.scope, l.context, l.fallback}})
				continue
			}
			label, ok := d.label(b, written)
			first, twice := seen[label]
			switch {
			case !ok, twice && l.fallback:
				continue
			case twice && b.name != "listen":
				d.add(codeTwice, written.LabelRanges[0], fmt.Sprintf("Duplicate %s %q", b.name, label),
					fmt.Sprintf("The first one is at %s.", rangeOf(first)))
				continue
			}
			seen[label] = written.LabelRanges[0]
			d.decode(b, at, []layer{{written.Body, l.scope, l.context, l.fallback}})
		}
	}
}

// label hands a block its label; false when there is none, or more than one, or it is not right.
func (d *decoder) label(b block, written *hclsyntax.Block) (string, bool) {
	if len(written.Labels) != 1 {
		d.add(codeMissing, written.DefRange(), fmt.Sprintf("The block %q needs one label", b.name),
			fmt.Sprintf("Its label is the %s: %s \"…\" {", b.label, b.name))
		return "", false
	}
	mark := len(d.found)
	v := cty.StringVal(written.Labels[0])
	b.labelled(&leaf{decoder: d, name: b.name, value: v, rng: written.LabelRanges[0]})
	return written.Labels[0], !d.failed(mark)
}

func (d *decoder) refuseLabels(written *hclsyntax.Block) {
	if len(written.Labels) > 0 {
		d.add(codeUnknown, written.LabelRanges[0], fmt.Sprintf("The block %q has no label", written.Type), "")
	}
}

// refuseUnknown reports arguments and blocks that the table does not have. It returns the arguments
// that were probably meant.
func (d *decoder) refuseUnknown(b block, at place, body *hclsyntax.Body) (misspelt []string) {
	for _, name := range slices.Sorted(maps.Keys(body.Attributes)) {
		if _, known := b.argument(name); known {
			continue
		}
		detail := didYouMean(name, b.argumentNames())
		misspelt = append(misspelt, closest(name, b.argumentNames()))
		if _, isBlock := b.inner(name); isBlock {
			detail = fmt.Sprintf("It is a block: write %s { … } without \"=\".", name)
		} else if detail == "" {
			detail = didYouMean(name, b.blockNames())
		}
		d.add(codeUnknown, body.Attributes[name].NameRange, fmt.Sprintf("Unknown argument %q", name), join(detail, elsewhere(b, name), explainHint(at.name)))
	}
	for _, written := range body.Blocks {
		if _, known := b.inner(written.Type); known {
			continue
		}
		detail := didYouMean(written.Type, b.blockNames())
		if _, isArgument := b.argument(written.Type); isArgument {
			detail = fmt.Sprintf("It is an argument: write %s = …", written.Type)
		} else if written.Type == "app" {
			detail = "Apps are in files of their own, which the host file names: apps = [\"apps-enabled/*.hcl\"]"
		}
		d.add(codeUnknown, written.TypeRange, fmt.Sprintf("Unknown block %q", written.Type), join(detail, explainHint(at.name)))
	}
	return misspelt
}

// elsewhere returns the inner block to which an argument that was written one block too far out
// belongs.
func elsewhere(b block, name string) string {
	for _, open := range b.blocks {
		in := open()
		if _, has := in.argument(name); has && in.name != "app" && in.name != "defaults" {
			return fmt.Sprintf("The block %q has one.", in.name)
		}
	}
	return ""
}

func explainHint(key string) string {
	if key == "" {
		return ""
	}
	return "More: modgw-host explain " + key
}

// key is the name of something in a block for modgw-host explain.
func key(block, name string) string {
	if block == "" {
		return name
	}
	return block + "." + name
}

func blocksOf(body *hclsyntax.Body, name string) []*hclsyntax.Block {
	var found []*hclsyntax.Block
	for _, b := range body.Blocks {
		if b.Type == name {
			found = append(found, b)
		}
	}
	return found
}

// literal is a default of the table as a value.
func literal(def any) cty.Value {
	switch v := def.(type) {
	case string:
		return cty.StringVal(v)
	case int:
		return cty.NumberIntVal(int64(v))
	case float64:
		return cty.NumberFloatVal(v)
	case bool:
		return cty.BoolVal(v)
	case []string:
		list := make([]cty.Value, len(v))
		for i, s := range v {
			list[i] = cty.StringVal(s)
		}
		return cty.TupleVal(list)
	}
	panic(fmt.Sprintf("a default of type %T", def))
}
