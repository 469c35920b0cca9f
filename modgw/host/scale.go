package host

import (
	"fmt"

	"github.com/modgw/modgw/modgw"
)

// Scale implements [control.Host].
func (h *Host) Scale(app modgw.AppName, s modgw.Scale) (modgw.ScaleStatus, error) {
	if r := h.reconciler(app); r != nil {
		if most := h.tenant(r.descriptor().Owner).Ceilings.Workers; most > 0 && s.Max > most {
			return modgw.ScaleStatus{}, &modgw.Fault{
				Code:    "MGW-APP-115",
				Summary: fmt.Sprintf("cannot give app %q %d workers: its owner may have %d at most", app, s.Max, most),
				Hint:    "an administrator can raise workers in the ceilings of the owner's tenant block in the host file",
			}
		}
	}
	return h.gateway.Scale(app, s)
}
