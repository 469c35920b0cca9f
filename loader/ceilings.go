package loader

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/modgw/modgw/modgw"
)

// ceilings lowers the settings of an app to the ceilings of its owner. A setting that the
// descriptor itself has above its ceiling is a mistake; what the defaults say is lowered silently.
func (d *decoder) ceilings(desc *modgw.Descriptor, written *hclsyntax.Block) {
	if desc.Owner == "" {
		return
	}
	tenant, ok := d.scope.opts.Tenants.Of(desc.Owner)
	if !ok {
		return
	}
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
}
