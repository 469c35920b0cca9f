package loader

import (
	"fmt"
	"maps"
	"path/filepath"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// Defaults are the settings that the host file gives to all apps. They have the effect of settings
// in each app block, except that var.* and local.* are those of the host file.
type Defaults struct {
	body    *hclsyntax.Body
	names   names
	secrets []string
	account *account.Account // user with whose rights the host file is read; nil: the host's
	report  *report          // has the source for snippets
}

// LoadHost reads the host's own file. After an error the host file has the settings that could be
// read. The defaults are nil if none could.
func LoadHost(path string, opts Options) (*modgw.HostFile, *Defaults, Diagnostics) {
	r := newReport()
	path, err := filepath.Abs(path)
	h := &modgw.HostFile{File: path}
	if err != nil {
		r.add(codeRead, wholeFile(path), fmt.Sprintf("Cannot read %q", path), sentence(reason(err)))
		return h, nil, r.found
	}
	src := r.read(path, opts)
	if src == nil {
		return h, nil, r.found
	}
	opts.Account, opts.Defaults = src.as, nil
	body := r.parse(src.text, path)
	if body == nil {
		return h, nil, r.found.sorted()
	}
	s := newScope(filepath.Dir(src.path), opts)
	defaults := r.host(h, body, s)
	h.Sources = s.sources
	r.redact(0, s.secrets)
	return h, defaults, r.found.sorted()
}

// host decodes the body of a host file.
func (r *report) host(h *modgw.HostFile, body *hclsyntax.Body, s *scope) *Defaults {
	d := &decoder{report: r, scope: s}
	n := d.names(body)
	b := hostBlock(h)
	b.blocks = append(b.blocks, func() block { return variableBlock(new(declared)) }, localsBlock)
	d.refuseUnknown(b, place{rng: body.SrcRange}, body)
	// True: unknown names at the top were reported already.
	layers := []layer{{body, s, s.context(n), true}}
	for _, a := range b.args {
		d.argument(a, place{rng: body.SrcRange}, layers)
	}
	layers[0].fallback = false
	for _, open := range hostBlock(h).blocks {
		if open().name != "defaults" {
			d.blocks(open, place{}, layers)
		}
	}
	return d.defaults(body, n)
}

// defaults keeps the defaults block unevaluated, since its values can differ from app to app, and
// reports unknown names in it.
func (d *decoder) defaults(body *hclsyntax.Body, n names) *Defaults {
	out := &Defaults{body: &hclsyntax.Body{}, names: n, secrets: d.scope.secrets, account: d.scope.opts.Account, report: d.report}
	written := blocksOf(body, "defaults")
	if len(written) == 0 {
		return out
	}
	for _, other := range written[1:] {
		d.add(codeTwice, other.DefRange(), `Duplicate block "defaults"`, fmt.Sprintf("The first one is at %s.", rangeOf(written[0].DefRange())))
	}
	d.refuseLabels(written[0])
	d.refuseUnknownDeep(appBlock(new(modgw.Descriptor)), place{name: "app"}, written[0].Body)
	out.body = written[0].Body
	return out
}

// refuseUnknownDeep is refuseUnknown for a body and all bodies in it.
func (d *decoder) refuseUnknownDeep(b block, at place, body *hclsyntax.Body) {
	d.refuseUnknown(b, at, body)
	for _, inner := range body.Blocks {
		if in, ok := b.inner(inner.Type); ok {
			d.refuseUnknownDeep(in, place{name: key(at.name, in.name)}, inner.Body)
		}
	}
}

// layer returns the settings of the defaults for one app.
func (defaults *Defaults) layer(d *decoder) layer {
	maps.Copy(d.sources, defaults.report.sources)
	for _, secret := range defaults.secrets {
		d.scope.noteSecret(secret)
	}
	scope := d.scope.withRights(defaults.account)
	return layer{body: defaults.body, scope: scope, context: scope.context(defaults.names), fallback: true}
}
