package http

import (
	"net/http"

	"github.com/modgw/modgw/modgw"
)

// RedirectHTTPS sends clients without TLS to the same address with it, at the usual port. Those
// that came to a trusted proxy with TLS go to next.
func RedirectHTTPS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := modgw.RequestInfoOf(r)
		if info.Scheme == "https" {
			next.ServeHTTP(w, r)
			return
		}
		host, _ := modgw.SplitHost(r.Host)
		if host == "" {
			modgw.ServeFault(w, r, http.StatusBadRequest, badRequest("it has no host to be redirected to"), false)
			return
		}
		w.Header().Set("Location", "https://"+host+info.RawTarget)
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}
