package dashboard

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw/control"
)

// Config configures a Dashboard.
type Config struct {
	// As returns a client with the rights of a user.
	As func(uid uint32) *control.Client

	// URL is the address at which browsers reach the dashboard through a web server in front, which
	// passes on their Host header; nil: none.
	URL *url.URL

	Log *slog.Logger // nil discards
}

// Dashboard answers browsers. Create it with [New].
type Dashboard struct {
	config   Config
	log      *slog.Logger
	sessions *sessions
	streams  limit
	routes   *http.ServeMux
	origin   *http.CrossOriginProtection
}

// New returns a dashboard without sessions.
func New(c Config) *Dashboard {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	d := &Dashboard{
		config: c, log: c.Log, sessions: newSessions(), streams: limit{most: mostStreams}, origin: http.NewCrossOriginProtection(),
	}
	if u := c.URL; u != nil {
		if err := d.origin.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			d.log.Warn("forms of the dashboard may be refused behind the web server", "error", err)
		}
	}
	d.routes = d.newRoutes()
	return d
}

func (d *Dashboard) newRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/", serveAsset)
	mux.HandleFunc("GET /enter", d.enter)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for pattern, page := range map[string]func(*visit) error{
		"GET /{$}":                          (*visit).glance,
		"GET /apps/{app}":                   (*visit).app,
		"GET /apps/{app}/figures":           (*visit).figures,
		"GET /apps/{app}/requests/{id}":     (*visit).request,
		"GET /apps/{app}/actions/{action}":  (*visit).confirm,
		"POST /apps/{app}/actions/{action}": (*visit).act,
		"GET /events":                       (*visit).events,
		"POST /leave":                       (*visit).leave,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		handler := d.visited(page)
		mux.HandleFunc(pattern, handler)                     // of a user whom the socket names
		mux.HandleFunc(method+" /s/{session}"+path, handler) // of a session
	}
	return mux
}

// ServeHTTP answers a request. A request for a name that is not the dashboard's is refused: it may
// come from a page whose author has pointed a name at this address.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if !d.isOwnName(r.Host) {
		d.refuse(w, http.StatusMisdirectedRequest, "This is not the address of the dashboard",
			"Use the link that modgw-host dashboard prints. Through a web server in front, name its address as url in the dashboard block.")
		return
	}
	if err := d.origin.Check(r); err != nil {
		d.refuse(w, http.StatusForbidden, "This request comes from another page", "Go back to the dashboard and try again.")
		return
	}
	r.URL.Path, r.URL.RawPath = d.withoutPrefix(r.URL.Path), d.withoutPrefix(r.URL.RawPath)
	d.routes.ServeHTTP(w, r)
}

// secure sets headers that forbid browsers everything that the dashboard's pages do not need.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	// With no-referrer, the browser would also hide the origin of forms.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
}

// prefix returns the path at which browsers see the dashboard, without a trailing slash.
func (d *Dashboard) prefix() string {
	if d.config.URL == nil {
		return ""
	}
	return strings.TrimSuffix(d.config.URL.Path, "/")
}

// withoutPrefix removes the prefix, which a web server in front may have removed already.
func (d *Dashboard) withoutPrefix(path string) string {
	if rest, ok := strings.CutPrefix(path, d.prefix()); ok && path != "" {
		return cmp.Or(rest, "/")
	}
	return path
}

// Link returns a link that gives one browser access, once, with the rights of a user. If the
// dashboard has no URL, the link uses address, the HOST:PORT of the listener.
func (d *Dashboard) Link(uid uint32, address string) (link string, expires time.Time) {
	base := &url.URL{Scheme: "http", Host: address}
	if d.config.URL != nil {
		base = d.config.URL
	}
	token, expires := d.sessions.newToken(uid)
	link = base.Scheme + "://" + base.Host + d.prefix() + "/enter?token=" + token
	return link, expires
}

// InUse returns the time until which a visitor who has been let in, or has a link, may use the
// dashboard; zero: there is no such visitor.
func (d *Dashboard) InUse() time.Time { return d.sessions.end() }
