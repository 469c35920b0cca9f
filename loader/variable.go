package loader

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// declared is the content of a variable block.
type declared struct {
	typ         cty.Type
	description string
	sensitive   bool
	fallback    *hclsyntax.Attribute
}

// variableBlock returns the schema of a variable block.
func variableBlock(v *declared) block {
	return block{
		name: "variable", repeat: true, label: "name of the variable", labelled: func(*leaf) {},
		doc: "A value from --var name=value on the command line, or from MODGW_VAR_name in the environment. " +
			"Expressions use it as var.name.",
		args: []argument{
			{name: "type", keyword: true, value: value{form: "string, number or bool", set: func(*leaf) {}}, note: "string when given from outside",
				doc: "Type to which the value is converted: string, number or bool, without quotes.", example: "number"},
			{name: "default", value: value{form: "any value", set: func(*leaf) {}}, note: "none: the value must be given",
				doc: "Value if none is given.", example: `"production"`},
			{name: "description", value: text(&v.description), doc: "Purpose of the variable.", example: `"which settings to load"`},
			{name: "sensitive", value: truth(&v.sensitive), def: false, example: `true`, doc: "Whether the value " +
				"is a secret that is never shown."},
		},
	}
}

// localsBlock documents locals, whose arguments have any name.
func localsBlock() block {
	return block{name: "locals", doc: "Named values: locals { base = \"/srv\" } is local.base in expressions. " +
		"They can use each other in any order."}
}

// names evaluates the variable and locals blocks of a file.
func (d *decoder) names(body *hclsyntax.Body) names {
	n := names{variables: map[string]cty.Value{}, locals: map[string]cty.Value{}}
	seen := map[string]hcl.Range{}
	for _, b := range blocksOf(body, "variable") {
		if len(b.Labels) != 1 || !hclsyntax.ValidIdentifier(b.Labels[0]) {
			d.add(codeMissing, b.DefRange(), "A variable needs a name", `Write variable "name" {.`)
			continue
		}
		if first, twice := seen[b.Labels[0]]; twice {
			d.add(codeTwice, b.LabelRanges[0], fmt.Sprintf("Duplicate variable %q", b.Labels[0]),
				fmt.Sprintf("The first one is at %s.", rangeOf(first)))
			continue
		}
		seen[b.Labels[0]] = b.LabelRanges[0]
		n.variables[b.Labels[0]] = d.variable(b)
	}
	d.locals(body, n)
	return n
}

// variable returns the value of a variable block. It is unknown after a mistake, so that there are
// no further errors about it.
func (d *decoder) variable(b *hclsyntax.Block) cty.Value {
	name := b.Labels[0]
	v := declared{typ: cty.DynamicPseudoType, fallback: b.Body.Attributes["default"]}
	mark := len(d.found)
	if attr := b.Body.Attributes["type"]; attr != nil {
		v.typ = d.variableType(attr)
	}
	d.decode(variableBlock(&v), place{"variable", b.DefRange()}, []layer{{b.Body, d.scope, d.scope.context(names{}), false}})
	if d.failed(mark) {
		return cty.DynamicVal
	}
	given, from, ok := d.given(name)
	rng := b.LabelRanges[0]
	if !ok {
		if v.fallback == nil {
			d.add(codeVariable, rng, fmt.Sprintf("No value for variable %q", name),
				fmt.Sprintf("Give it one with --var %s=… or MODGW_VAR_%s, or a default.", name, name))
			return cty.DynamicVal
		}
		d.scope.opts.tools.budget.renew()
		given, _ = v.fallback.Expr.Value(d.scope.context(names{}))
		from, rng = "its default", v.fallback.Expr.Range()
	}
	converted, err := convert.Convert(given, v.typ)
	if err != nil {
		d.add(codeValue, rng, fmt.Sprintf("Invalid value for variable %q", name), fmt.Sprintf("The value from %s is not %s.", from, typeName(v.typ)))
		return cty.DynamicVal
	}
	if v.sensitive {
		converted = converted.Mark(secretMark{})
		d.scope.noteMarked(converted, true)
	}
	return converted
}

// given is the value that a variable gets from outside the file.
func (d *decoder) given(name string) (v cty.Value, from string, ok bool) {
	if s, ok := d.scope.opts.Vars[name]; ok {
		return cty.StringVal(s), "the command line", true
	}
	if d.scope.files.as != nil {
		return cty.NilVal, "", false // the host's environment is not for everybody's descriptors
	}
	if s, ok := d.scope.opts.getenv("MODGW_VAR_" + name); ok {
		return cty.StringVal(s), "MODGW_VAR_" + name, true
	}
	return cty.NilVal, "", false
}

func (d *decoder) variableType(attr *hclsyntax.Attribute) cty.Type {
	word := hcl.ExprAsKeyword(attr.Expr)
	switch word {
	case "string":
		return cty.String
	case "number":
		return cty.Number
	case "bool":
		return cty.Bool
	case "any":
		return cty.DynamicPseudoType
	}
	d.add(codeValue, attr.Expr.Range(), `Invalid value for "type"`,
		join("The type must be string, number, bool or any, without quotes.", didYouMean(word, []string{"string", "number", "bool", "any"})))
	return cty.DynamicPseudoType
}

// locals evaluates locals blocks, each value after those that it uses.
func (d *decoder) locals(body *hclsyntax.Body, n names) {
	waiting := map[string]*hclsyntax.Attribute{}
	for _, b := range blocksOf(body, "locals") {
		d.refuseLabels(b)
		for _, inner := range b.Body.Blocks {
			d.add(codeUnknown, inner.TypeRange, fmt.Sprintf("Unknown block %q", inner.Type), "A locals block has only arguments.")
		}
		for name, attr := range b.Body.Attributes {
			if first := waiting[name]; first != nil {
				d.add(codeTwice, attr.NameRange, fmt.Sprintf("Duplicate local %q", name), fmt.Sprintf("Another one is at %s.", rangeOf(first.NameRange)))
				continue
			}
			waiting[name] = attr
		}
	}
	for len(waiting) > 0 {
		ready := readyLocals(waiting)
		if len(ready) == 0 {
			for _, name := range slices.Sorted(maps.Keys(waiting)) {
				d.add(codeExpression, waiting[name].NameRange, fmt.Sprintf("The local %q depends on itself", name), "")
				n.locals[name] = cty.DynamicVal
			}
			return
		}
		context := d.scope.context(n)
		for _, name := range ready {
			v, ok := d.evaluate(waiting[name].Expr, context, argument{name: name})
			if !ok {
				v = cty.DynamicVal
			}
			n.locals[name] = v
			delete(waiting, name)
		}
	}
}

// readyLocals are those that use none which waits.
func readyLocals(waiting map[string]*hclsyntax.Attribute) []string {
	var ready []string
	for _, name := range slices.Sorted(maps.Keys(waiting)) {
		if !slices.ContainsFunc(waiting[name].Expr.Variables(), func(t hcl.Traversal) bool { return usesLocal(t, waiting) }) {
			ready = append(ready, name)
		}
	}
	return ready
}

func usesLocal(t hcl.Traversal, waiting map[string]*hclsyntax.Attribute) bool {
	if t.RootName() != "local" {
		return false
	}
	if len(t) > 1 {
		if step, ok := t[1].(hcl.TraverseAttr); ok {
			return waiting[step.Name] != nil
		}
	}
	return true
}
