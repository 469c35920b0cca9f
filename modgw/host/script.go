package host

import (
	"net/http"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
)

// scripted removes the web server's script from the request's path, and passes the request to the
// one app, which is mounted there.
func (h *Host) scripted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := modgw.RequestInfoOf(r)
		if rest, ok := strings.CutPrefix(info.Path, info.WebScript); ok && (rest == "" || rest[0] == '/') {
			info.App, info.Prefix, info.Path = h.only(), info.WebMount, rest
			if info.WebMount != info.WebScript {
				_, query, has := strings.Cut(info.RawTarget, "?")
				if info.RawTarget = cgi.EscapePath(info.Prefix + rest); has {
					info.RawTarget += "?" + query
				}
			}
		}
		next.ServeHTTP(w, r.WithContext(modgw.WithRequestInfo(r.Context(), info)))
	})
}

// only is the name of the host's one app.
func (h *Host) only() modgw.AppName {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.apps {
		return name
	}
	return ""
}
