package loader

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Limits for the result of one expression. A few lines that double each other can describe more
// than any memory holds, and one user's descriptor must not end the host of many users.
const (
	mostElements = 100_000
	mostText     = 4 << 20 // bytes
)

// budget is the remaining allowance of the current expression.
type budget struct{ elements, text int }

var errTooMuch = fmt.Errorf("an expression may make at most %d elements and %d MiB of text", mostElements, mostText>>20)

func (b *budget) renew() { *b = budget{mostElements, mostText} }

// take pays for all of v; false when the budget does not reach. It stops there, however large v is.
func (b *budget) take(v cty.Value) bool {
	b.elements--
	v, _ = v.Unmark()
	switch {
	case !v.IsKnown() || v.IsNull():
	case v.Type() == cty.String:
		b.text -= len(v.AsString())
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next() && b.reaches(); {
			key, element := it.Element()
			if key.Type() == cty.String && !b.take(key) || !b.take(element) {
				return false
			}
		}
	}
	return b.reaches()
}

func (b *budget) reaches() bool { return b.elements >= 0 && b.text >= 0 }

func tooLarge(at hcl.Range) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Expression makes too much", Detail: sentence(errTooMuch.Error()), Subject: &at}
}

// pay is a function that no descriptor can name: it gives its argument back, when the budget
// reaches for it.
const pay = "(pay)"

// watch charges every loop and template in body to the budget. It reports whether any expression
// calls a function.
func watch(body *hclsyntax.Body) (calls bool) {
	_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		switch e := n.(type) {
		case *hclsyntax.FunctionCallExpr:
			calls = true
		case *hclsyntax.ForExpr:
			calls = true
			e.CollExpr = paid(e.CollExpr)
		case *hclsyntax.TemplateExpr:
			for i, part := range e.Parts {
				if _, fixed := part.(*hclsyntax.LiteralValueExpr); !fixed {
					calls = true
					e.Parts[i] = paid(part)
				}
			}
		}
		return nil
	})
	return calls
}

func paid(e hclsyntax.Expression) hclsyntax.Expression {
	at := e.Range()
	return &hclsyntax.FunctionCallExpr{Name: pay, Args: []hclsyntax.Expression{e}, NameRange: at, OpenParenRange: at, CloseParenRange: at}
}

func (b *budget) payFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{
			Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true,
		}},
		Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !b.take(args[0]) {
				return cty.DynamicVal, errTooMuch
			}
			return args[0], nil
		},
	})
}

// bound makes a function pay for its arguments and its result, and refuses a product of its
// arguments beforehand that the budget could not pay for.
func (b *budget) bound(name string, f function.Function) function.Function {
	return function.New(&function.Spec{
		Params:   f.Params(),
		VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			for _, a := range args {
				if !b.take(a) {
					return cty.NilType, errTooMuch
				}
			}
			if product(name, args) > mostText {
				return cty.NilType, errTooMuch
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			if err == nil && !b.take(v) {
				err = errTooMuch
			}
			return v, err
		},
	})
}

// product returns the size of a function's result if the function multiplies its arguments, else 0.
func product(name string, args []cty.Value) int {
	switch name {
	case "replace", "regexreplace":
		if len(args) == 3 {
			return (1 + extent(args[0])) * extent(args[2])
		}
	case "join":
		if len(args) > 0 {
			return extent(args[0]) * elements(args[1:])
		}
	case "indent":
		if len(args) == 2 && args[0].Type() == cty.Number && args[0].IsKnown() && !args[0].IsNull() {
			if n, _ := args[0].AsBigFloat().Float64(); n > 1000 {
				return mostText + 1
			}
			return 1000 * extent(args[1])
		}
	case "format", "formatlist":
		if len(args) > 0 {
			return (1 + extent(args[0])) / 2 * extent(args[1:]...)
		}
	case "setproduct":
		all := 1
		for _, a := range args {
			if all *= max(elements([]cty.Value{a}), 1); all > mostElements {
				return mostText + 1
			}
		}
	}
	return 0
}

// extent is the bytes of all text in values that were paid for.
func extent(values ...cty.Value) int {
	var size budget
	size.renew()
	for _, v := range values {
		size.take(v)
	}
	return mostText - size.text + mostElements - size.elements
}

// elements returns the number of elements in lists.
func elements(lists []cty.Value) int {
	n := 0
	for _, l := range lists {
		if l, _ = l.Unmark(); l.IsKnown() && !l.IsNull() && l.CanIterateElements() {
			n += l.LengthInt()
		}
	}
	return n
}
