package modgw

import (
	"context"
	"net/http"
)

// FaultPage answers a request in place of [ServeFault], and shows the developer all there is to
// know.
type FaultPage func(w http.ResponseWriter, r *http.Request, status int, f *Fault)

type faultPageKey struct{}

// WithFaultPage returns a context in which ServeFault uses page for faults that may be shown to the
// client.
func WithFaultPage(ctx context.Context, page FaultPage) context.Context {
	return context.WithValue(ctx, faultPageKey{}, page)
}

func faultPageOf(ctx context.Context) FaultPage {
	page, _ := ctx.Value(faultPageKey{}).(FaultPage)
	return page
}
