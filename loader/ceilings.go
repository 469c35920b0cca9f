package loader

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

// ceilings lowers the settings of an app to the ceilings of its owner. A setting in the descriptor
// itself that exceeds its ceiling is a mistake; one of the defaults is lowered silently.
func (d *decoder) ceilings(desc *modgw.Descriptor, written *hclsyntax.Block) {
	if desc.Owner == "" {
		return
	}
	tenant, ok := d.scope.opts.Tenants.Of(desc.Owner)
	if !ok {
		return
	}
	desc.DiskQuota = tenant.Disk
	for _, lowered := range tenant.Ceilings.Lower(desc) {
		for _, b := range blocksOf(written.Body, lowered.Block) {
			attr := b.Body.Attributes[lowered.Argument]
			if attr == nil {
				continue
			}
			d.add(codeCeiling, attr.SrcRange, fmt.Sprintf("%q is above the ceiling of user %q", lowered.Argument, desc.Owner),
				fmt.Sprintf("The host file allows %s at most. Without the argument the app gets as much.", lowered.Most))
		}
	}
	if tenant.Ceilings.Sandbox != nil {
		d.sandboxCeiling(desc, tenant.Ceilings.Sandbox, written)
	}
}

// sandboxCeiling puts an app into a sandbox that allows no more than most. A request in its
// descriptor for more is a mistake.
func (d *decoder) sandboxCeiling(desc *modgw.Descriptor, most *modgw.Sandbox, written *hclsyntax.Block) {
	confined := modgw.Sandbox{}
	if desc.Sandbox != nil {
		confined = *desc.Sandbox
	}
	confined.WithinWrite = append([]string{filepath.Dir(desc.File)}, most.Write...)
	confined.Within = append(slices.Clone(confined.WithinWrite), most.Read...)
	desc.Sandbox = &confined
	beyond := func(argument, what string) { d.beyond(desc, written, "sandbox", argument, what) }
	if !files.InsideAny(confined.Within, desc.Root) {
		d.beyond(desc, written, "", "root", strconv.Quote(desc.Root))
	}
	for _, path := range confined.Read {
		if !files.InsideAny(confined.Within, path) {
			beyond("read", strconv.Quote(path))
		}
	}
	for _, path := range confined.Write {
		if !files.InsideAny(confined.WithinWrite, path) {
			beyond("write", strconv.Quote(path))
		}
	}
	d.hostCeilings(desc, most, confined.Within, written)
	for _, endpoint := range confined.Network {
		if !most.Covers(endpoint) {
			beyond("network", strconv.Quote(endpoint.String()))
		}
	}
	if confined.Learn && !most.Learn {
		beyond("learn", "learning, which denies nothing,")
	}
}

// hostCeilings finds files that the host would send, or addresses it would connect to, on behalf of
// a confined app that cannot reach them itself.
func (d *decoder) hostCeilings(desc *modgw.Descriptor, most *modgw.Sandbox, within []string, written *hclsyntax.Block) {
	look := func(block, argument, path string) {
		if path != "" && !files.InsideAny(within, path) {
			d.beyond(desc, written, block, argument, strconv.Quote(path))
		}
	}
	if desc.Static != nil {
		look("static", "dir", desc.Static.Dir)
	}
	for _, a := range desc.Aliases {
		look("alias", "dir", a.Dir)
		look("alias", "file", a.File)
	}
	for _, s := range desc.Sendfiles {
		look("sendfile", "dir", s.Dir)
	}
	if desc.FastCGI == nil {
		return
	}
	look("fastcgi", "script_root", desc.FastCGI.Scripts(desc.Root))
	if address := modgw.Address(desc.FastCGI.Connect); address != "" && !mayConnect(most, address) {
		d.beyond(desc, written, "fastcgi", "connect", strconv.Quote(string(address)))
	}
}

// beyond reports an argument of a block, or of the app itself, that the ceilings do not allow.
func (d *decoder) beyond(desc *modgw.Descriptor, written *hclsyntax.Block, block, argument, what string) {
	place := written.DefRange()
	blocks := blocksOf(written.Body, block)
	if block == "" {
		blocks = []*hclsyntax.Block{written}
	}
	for _, b := range blocks {
		if attr := b.Body.Attributes[argument]; attr != nil {
			place = attr.SrcRange
		}
	}
	d.add(codeCeiling, place, fmt.Sprintf("%q is above the ceiling of user %q", argument, desc.Owner),
		fmt.Sprintf("The host file does not allow %s in the sandbox of the app.", what))
}

// mayConnect reports whether a confined app may have the host connect to an address. A socket with
// a path has permissions, with which it is connected to; an abstract one has none.
func mayConnect(most *modgw.Sandbox, address modgw.Address) bool {
	if address.Network() == "unix" {
		return !strings.HasPrefix(address.Target(), "@")
	}
	endpoint, err := modgw.ParseEndpoint(address.Target())
	return err == nil && most.Covers(endpoint)
}
