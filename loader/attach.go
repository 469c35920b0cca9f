package loader

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/modgw/modgw/modgw"
)

// attachOnly reports an app that no worker can attach to. From the defaults it is passed over.
func (d *decoder) attachOnly(desc *modgw.Descriptor, written *hclsyntax.Block) {
	if !desc.Attach || desc.Kind == "" || desc.Entry() != "" {
		return
	}
	desc.Attach = false
	if attach := written.Body.Attributes["attach"]; attach != nil {
		d.add(codeUnknown, attach.SrcRange, fmt.Sprintf("No worker can attach to a %s app", desc.Kind), "That is for wsgi and asgi apps.")
	}
}
