package loader

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// addEvaluation reports why an expression has no value. Details can quote values, so they are left
// out for an expression that uses a secret.
func (d *decoder) addEvaluation(expr hclsyntax.Expression, context *hcl.EvalContext, diags hcl.Diagnostics, a argument) {
	hidden := usesSecret(expr, context)
	for _, diag := range diags {
		if diag.Severity != hcl.DiagError {
			continue
		}
		rng := expr.Range()
		if diag.Subject != nil {
			rng = *diag.Subject
		}
		detail := diag.Detail
		switch {
		case strings.Contains(detail, errTooMuch.Error()):
			diag = tooLarge(rng)
			detail = diag.Detail
		case hidden && !quotesNoValue[diag.Summary]:
			detail = hiddenDetail(diag.Detail)
		case diag.Summary == "Unknown variable" || diag.Summary == "Variables not allowed":
			detail = join(d.unknownName(rng, "variable", slices.Sorted(maps.Keys(context.Variables))), d.bareWord(expr, a))
		case diag.Summary == "Call to unknown function":
			detail = d.unknownName(rng, "function", slices.Sorted(maps.Keys(context.Functions)))
		case diag.Summary == "Unsupported attribute":
			detail = join(diag.Detail, nearName(expr, context, rng))
		}
		d.add(codeExpression, rng, diag.Summary, strings.TrimSpace(detail))
	}
}

// quotesNoValue are the mistakes whose details have only names.
var quotesNoValue = map[string]bool{
	"Unknown variable":              true,
	"Variables not allowed":         true,
	"Call to unknown function":      true,
	"Not enough function arguments": true,
	"Too many function arguments":   true,
}

// cannotRead matches the message of secret() about a file that it could not read, which quotes no
// value.
var cannotRead = lazyregexp.New(`cannot (?:read|use) "/[^"]*": [a-z][^"]*\.`)

// hiddenDetail is the part of a detail that quotes no secret.
func hiddenDetail(detail string) string {
	if m := cannotRead.FindString(detail); m != "" {
		return strings.ToUpper(m[:1]) + m[1:]
	}
	return "Details are not shown, because the expression uses a secret."
}

// unknownName returns hcl's message about an unknown name, with a suggestion that does not vary.
func (d *decoder) unknownName(at hcl.Range, what string, known []string) string {
	file := d.sources[at.Filename]
	if file == nil || !at.CanSliceBytes(file.Bytes) {
		return ""
	}
	name := string(at.SliceBytes(file.Bytes))
	if name == "app" {
		return "app.name is known only within an app block."
	}
	known = slices.DeleteFunc(known, func(k string) bool { return k == pay })
	return join(fmt.Sprintf("There is no %s named %q.", what, name), didYouMean(name, known))
}

// bareWord proposes quotes for a name in place of a string.
func (d *decoder) bareWord(expr hclsyntax.Expression, a argument) string {
	file := d.sources[expr.Range().Filename]
	if name, ok := expr.(*hclsyntax.ScopeTraversalExpr); !ok || len(name.Traversal) > 1 || file == nil || !expr.Range().CanSliceBytes(file.Bytes) {
		return ""
	}
	return fmt.Sprintf("Or put it in quotes: %s = %q", a.name, expr.Range().SliceBytes(file.Bytes))
}

// nearName proposes a name for the part of var.x or another object that does not exist.
func nearName(expr hclsyntax.Expression, context *hcl.EvalContext, at hcl.Range) string {
	for _, t := range expr.Variables() {
		if len(t) < 2 || t[1].SourceRange().Start.Byte != at.Start.Byte {
			continue
		}
		root, ok := context.Variables[t.RootName()]
		step, isAttr := t[1].(hcl.TraverseAttr)
		if ok && isAttr && root.Type().IsObjectType() {
			return didYouMean(step.Name, slices.Sorted(maps.Keys(root.Type().AttributeTypes())))
		}
	}
	return ""
}

// usesSecret reports whether the value of expr can depend on a secret.
func usesSecret(expr hclsyntax.Expression, context *hcl.EvalContext) bool {
	found := false
	_ = hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && call.Name == "secret" {
			found = true
		}
		return nil
	})
	for _, t := range expr.Variables() {
		if root, ok := context.Variables[t.RootName()]; ok && root.ContainsMarked() {
			v, diags := t.TraverseAbs(context)
			found = found || diags.HasErrors() || v == cty.NilVal || v.ContainsMarked()
		}
	}
	return found
}
