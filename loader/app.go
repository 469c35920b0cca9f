package loader

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/modgw/modgw/modgw"
)

// app decodes one app block; nil when it has no name that can be used.
func (r *report) app(written *hclsyntax.Block, file *scope, n names) *app {
	d := &modgw.Descriptor{File: written.DefRange().Filename, Line: written.DefRange().Start.Line, Root: file.home}
	out := &app{Descriptor: d, name: written.DefRange(), mount: written.DefRange(), hosts: written.DefRange()}
	dec := &decoder{report: r, scope: file}
	mark := len(r.found)
	b := appBlock(d)
	b.looks = lookAtApp()
	if _, ok := dec.label(b, written); !ok {
		return nil
	}
	out.name = written.LabelRanges[0]
	if attr := written.Body.Attributes["mount"]; attr != nil {
		out.mount = attr.SrcRange
	}
	if attr := written.Body.Attributes["hosts"]; attr != nil {
		out.hosts = attr.SrcRange
	}
	dec.scope = file.forApp(d.Name)
	layers := []layer{{written.Body, dec.scope, dec.scope.context(n), false}}
	if defaults := file.opts.Defaults; defaults != nil {
		layers = append(layers, defaults.layer(dec))
	}
	dec.oneKind(b, written)
	dec.decode(b, place{"app", written.DefRange()}, layers)
	dec.withoutEffect(b, d.Kind, written)
	dec.programOfPython(d, written)
	clearUnused(d)
	dec.authorizer(d, written)
	dec.user(d, written)
	dec.ceilings(d, written)
	dec.absent(d, written)
	slices.SortStableFunc(d.Aliases, func(a, b modgw.Alias) int {
		return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(a.Path, b.Path))
	})
	d.Sources, d.Secrets = dec.scope.sources, dec.scope.secrets
	d.SecretFiles, d.HostVariables = dec.scope.secretFiles, dec.scope.variables
	r.redact(mark, d.Secrets)
	out.broken = r.failed(mark)
	out.placed = r.placed(mark, written)
	return out
}

// placed reports whether the hosts and the mount of an app are as its author meant them: no
// diagnostic since mark is about either, and no unknown argument in the block could be one of them
// misspelt.
func (r *report) placed(mark int, written *hclsyntax.Block) bool {
	within := func(d Diagnostic, name string) bool {
		attr := written.Body.Attributes[name]
		return attr != nil && d.Range.Start.Byte >= attr.SrcRange.Start.Byte && d.Range.Start.Byte < attr.SrcRange.End.Byte
	}
	return !slices.ContainsFunc(r.found[mark:], func(d Diagnostic) bool {
		return d.Severity == Error && (d.Code == codeUnknown || within(d, "hosts") || within(d, "mount"))
	})
}

// oneKind reports an app without a kind, or with two.
func (d *decoder) oneKind(b block, written *hclsyntax.Block) {
	var kinds []*hclsyntax.Block
	for _, inner := range written.Body.Blocks {
		if in, ok := b.inner(inner.Type); ok && in.kind && !slices.ContainsFunc(kinds, func(k *hclsyntax.Block) bool { return k.Type == inner.Type }) {
			kinds = append(kinds, inner)
		}
	}
	switch {
	case len(kinds) == 0 && misspeltKind(b, written):
		// Said already, where the unknown block is reported.
	case len(kinds) == 0:
		d.add(codeKind, written.DefRange(), "The app has no kind", "Give it one of the blocks "+effect{kinds: allKinds}.text()+". "+explainHint("app"))
	case len(kinds) > 1:
		for _, k := range kinds[1:] {
			d.add(codeKind, k.DefRange(), fmt.Sprintf("The app has two kinds, %q and %q", kinds[0].Type, k.Type),
				fmt.Sprintf("An app has exactly one; the other is at %s. Make two app blocks of it.", rangeOf(kinds[0].DefRange())))
		}
	}
}

// programOfPython makes a program run in a Python environment if its own app block asks for one.
// The python block of the defaults only affects apps that need Python.
func (d *decoder) programOfPython(desc *modgw.Descriptor, written *hclsyntax.Block) {
	asked := blocksOf(written.Body, "python")
	switch {
	case len(asked) == 0 || pythonAlone.has(desc.Kind) || !withPython.has(desc.Kind):
	case desc.FastCGI != nil && desc.FastCGI.Connect != "":
		d.warn(codeNoEffect, asked[0].DefRange(), "The python block has no effect on a program that runs already",
			"It is for a fastcgi app with command. Take it out.")
	default:
		desc.Python.Program = true
	}
}

// misspeltKind reports whether one of the unknown blocks was probably meant to be the kind.
func misspeltKind(b block, written *hclsyntax.Block) bool {
	return slices.ContainsFunc(written.Body.Blocks, func(inner *hclsyntax.Block) bool {
		in, ok := b.inner(closest(inner.Type, b.blockNames()))
		return ok && in.kind
	})
}

// authorizer reports an authorize block that asks for nothing.
func (d *decoder) authorizer(desc *modgw.Descriptor, written *hclsyntax.Block) {
	a := desc.Authorize
	if a == nil || a.CheckPassword != "" || a.AllowAccess != "" || len(a.Groups) > 0 && a.GroupsForUser != "" {
		return
	}
	desc.Authorize = nil
	d.add(codeMissing, written.DefRange(), "The authorize block lets everybody pass", "Give it check_password, allow_access, or groups_for_user with groups.")
}

// app is a descriptor with the places that messages about it point at.
type app struct {
	*modgw.Descriptor
	name, mount, hosts hcl.Range // the last two are the block's head where the argument is missing

	broken bool // there is a mistake
	placed bool // and it is in neither hosts nor mount
}
