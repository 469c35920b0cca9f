package loader

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/modgw/modgw/modgw"
)

// effect has the kinds of app for which an argument or block has an effect. The zero value means
// all.
type effect struct {
	kinds   []modgw.Kind // nil: all
	refused bool         // for another kind it is an error; otherwise a warning
}

var allKinds = modgw.Kinds()

var (
	wsgiAlone   = effect{kinds: allKinds[:1], refused: true}
	pythonAlone = effect{kinds: allKinds[:2], refused: true}
	withPython  = effect{kinds: []modgw.Kind{modgw.KindWSGI, modgw.KindASGI, modgw.KindHTTP, modgw.KindFastCGI, modgw.KindCGI}, refused: true}
	withWorkers = effect{kinds: allKinds[:5]} // whose processes live longer than a request
	withProgram = effect{kinds: allKinds[:6]} // all but static
)

// has reports whether the setting means something for a kind.
func (e effect) has(kind modgw.Kind) bool { return e.kinds == nil || slices.Contains(e.kinds, kind) }

// text returns the kinds for people: "wsgi and asgi".
func (e effect) text() string {
	names := make([]string, len(e.kinds))
	for i, k := range e.kinds {
		names[i] = string(k)
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// sentence is the kinds in a sentence; "" for all.
func (e effect) sentence() string {
	if e.kinds == nil {
		return ""
	}
	return fmt.Sprintf("Of use for %s apps.", e.text())
}

// withoutEffect reports the settings of an app block that have no effect for its kind. Settings of
// the defaults may be for apps of other kinds.
func (d *decoder) withoutEffect(b block, kind modgw.Kind, written *hclsyntax.Block) {
	if kind == "" {
		return
	}
	for _, a := range b.args {
		attr := written.Body.Attributes[a.name]
		// An argument that is not set, or null, or false, asks for nothing.
		if attr == nil || a.effect.has(kind) || asksForNothing(attr) {
			continue
		}
		d.noEffect(a.effect, kind, a.name+" argument", attr.SrcRange)
	}
	for _, in := range b.inners() {
		if in.effect.has(kind) {
			continue
		}
		for _, inner := range blocksOf(written.Body, in.name) {
			d.noEffect(in.effect, kind, in.name+" block", inner.DefRange())
		}
	}
}

func asksForNothing(attr *hclsyntax.Attribute) bool {
	v, diags := attr.Expr.Value(nil)
	return !diags.HasErrors() && v.IsKnown() && (v.IsNull() || v.Type().FriendlyName() == "bool" && v.False())
}

func (d *decoder) noEffect(e effect, kind modgw.Kind, what string, rng hcl.Range) {
	if e.refused {
		d.add(codeUnknown, rng, fmt.Sprintf("A %s app has no %s", kind, what), fmt.Sprintf("It is for %s apps.", e.text()))
		return
	}
	d.warn(codeNoEffect, rng, fmt.Sprintf("The %s has no effect on a %s app", what, kind),
		fmt.Sprintf("It is for %s apps. Take it out.", e.text()))
}

// clearUnused removes settings of the defaults that do not apply to the app's kind.
func clearUnused(d *modgw.Descriptor) {
	if d.Kind == "" {
		return
	}
	if !d.UsesPython() {
		d.Python = modgw.Python{}
	}
	if !pythonAlone.has(d.Kind) {
		d.Attach = false
	}
	if !wsgiAlone.has(d.Kind) {
		d.Authorize = nil
	}
}
