package host

import (
	"context"
	"fmt"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
)

// Scale implements [control.Host].
func (h *Host) Scale(_ context.Context, app modgw.AppName, s modgw.Scale) (modgw.ScaleStatus, error) {
	if r := h.reconciler(app); r != nil {
		if most := h.workersCeiling(r.descriptor().Owner); most > 0 && s.Max > most {
			return modgw.ScaleStatus{}, &modgw.Fault{
				Code:    "MGW-APP-115",
				Summary: fmt.Sprintf("cannot give app %q %d workers: its owner may have %d at most", app, s.Max, most),
				Hint:    "an administrator can raise workers in the ceilings of the owner's tenant block in the host file",
			}
		}
	}
	return h.gateway.Scale(app, s)
}

// workersCeiling is how many workers an app may have whose descriptor a user owns; 0: any number.
func (h *Host) workersCeiling(owner string) int {
	if owner == "" {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	tenant, _ := claims.Tenants(h.file.Tenants).Of(owner)
	return tenant.Ceilings.Workers
}
