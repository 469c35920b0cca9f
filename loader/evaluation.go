package loader

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// addEvaluation reports why an expression has no value. Details can quote values, so those of an expression that uses a
// secret are left out.
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
		case hidden:
			detail = hiddenDetail(diag.Detail)
		case diag.Summary == "Unknown variable" || diag.Summary == "Variables not allowed":
			detail = join(d.unknownVariable(diag.Detail), d.bareWord(expr, a))
		}
		d.add(codeExpression, rng, diag.Summary, strings.TrimSpace(detail))
	}
}

// cannotRead matches what secret() says of a file that it could not read, which quotes no value.
var cannotRead = regexp.MustCompile(`cannot (?:read|use) "/[^"]*": [a-z][^"]*\.`)

// hiddenDetail is the part of a detail that quotes no secret.
func hiddenDetail(detail string) string {
	if m := cannotRead.FindString(detail); m != "" {
		return strings.ToUpper(m[:1]) + m[1:]
	}
	return "Details are not shown, because the expression uses a secret."
}

func (d *decoder) unknownVariable(detail string) string {
	if d.scope.app == "" && strings.Contains(detail, `"app"`) {
		return "app.name is known only within an app block."
	}
	return detail
}

// bareWord proposes quotes for a name that stands where a string is wanted.
func (d *decoder) bareWord(expr hclsyntax.Expression, a argument) string {
	file := d.sources[expr.Range().Filename]
	if _, ok := expr.(*hclsyntax.ScopeTraversalExpr); !ok || file == nil || !expr.Range().CanSliceBytes(file.Bytes) {
		return ""
	}
	return fmt.Sprintf("Or put it in quotes: %s = %q", a.name, expr.Range().SliceBytes(file.Bytes))
}

// usesSecret reports whether a secret can have a part in what expr is.
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
