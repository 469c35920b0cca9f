package modgw

import (
	"context"
	"net/http"
)

// DeveloperPage answers a request in place of [ServeFault], and shows the developer all there is to
// know.
type DeveloperPage func(w http.ResponseWriter, r *http.Request, status int, f *Fault)

type developerPageKey struct{}

// WithDeveloperPage returns a context in which ServeFault uses page for faults that may be shown to
// the client.
func WithDeveloperPage(ctx context.Context, page DeveloperPage) context.Context {
	return context.WithValue(ctx, developerPageKey{}, page)
}

func developerPageOf(ctx context.Context) DeveloperPage {
	page, _ := ctx.Value(developerPageKey{}).(DeveloperPage)
	return page
}
