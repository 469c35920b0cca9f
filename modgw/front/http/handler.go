package http

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
)

// respond prepares a request for the gateway, calls the handler, and checks the response. ctx
// becomes the request's context.
func (s *Server) respond(ctx context.Context, w *response, r *http.Request, p *peer) {
	defer w.finish()
	p.conn.know()
	if status, f := s.refusal(r); f != nil {
		w.refuse(status, f)
		s.tellRefused(w.request, status, f)
		return
	}
	info := s.prepare(r, p, time.Now())
	w.serve(ctx, r, &info, s.config.Handler.ServeHTTP)
}

// resume is respond for a request that was prepared on the loop, and that serve goes on with.
func (s *Server) resume(ctx context.Context, w *response, r *http.Request, begun *begunRequest) {
	defer w.finish()
	w.serve(ctx, r, begun.info, begun.serve)
}

func (w *response) serve(ctx context.Context, r *http.Request, info *modgw.RequestInfo, serve http.HandlerFunc) {
	r = r.WithContext(modgw.WithRequestInfo(ctx, info))
	if w.request = r; w.body != nil {
		w.body.request = r
	}
	serve(w, r)
}

// prepare cleans the request's header and returns the facts about the request.
func (s *Server) prepare(r *http.Request, p *peer, received time.Time) modgw.RequestInfo {
	for name := range r.Header {
		// "X_Forwarded_For" and "X-Forwarded-For" are one variable for an app. Proxy would become
		// HTTP_PROXY. The client's expectation is met when the app reads the body.
		if strings.Contains(name, "_") || name == "Proxy" || name == "Expect" {
			delete(r.Header, name)
		}
	}
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") {
		target = r.URL.RequestURI() // absolute form; net/http has taken the host from it
	}
	r.URL.Scheme, r.URL.Host, r.URL.User = "", "", nil
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	info := modgw.RequestInfo{
		Front:      "http",
		Path:       cgi.RemoveDots(r.URL.Path), // as every other front has it from its web server
		RawTarget:  target,
		Received:   received,
		Scheme:     "http",
		RemoteAddr: p.addr,
		RemotePort: p.port,
	}
	if r.ProtoMajor == 1 && p.conn.isWatched() {
		info.InputEnded = p.conn.presence.inputEnded()
	}
	if c := p.conn; c.tls != nil {
		r.TLS, info.TLS, info.Scheme, info.Variables = c.tls, c.tls, "https", maps.Clone(c.facts)
	}
	if cookies := r.Header["Cookie"]; p.trusted && len(cookies) == 1 {
		cookies[0] = cgi.RepairCookies(cookies[0]) // Apache joins them as a proxy too
	}
	if info.FromFront = p.trusted; p.trusted {
		info.ID = modgw.RequestID(r.Header.Get("X-Request-Id"))
		if start := r.Header["X-Request-Start"]; len(start) == 1 {
			info.Sent = modgw.RequestStart(start[0], info.Received)
		}
	}
	s.trust.proxies.Take(r.Header, p.trusted).Apply(r, &info)
	return info
}

// recovered answers for a handler that has panicked with value. It reports whether the response has
// begun already: then the bytes written so far are sent, and the response must be cut off so that
// the client notices.
func (w *response) recovered(value any) (begun bool) {
	f, status := cgi.Aborted(w.begun)
	if value != http.ErrAbortHandler {
		f, status = cgi.LogPanic(w.server.config.Log, w.request, value), http.StatusInternalServerError
	}
	if w.begun {
		_ = w.flush() // a client that has gone does not see it
		return true
	}
	clear(w.Header())
	modgw.ServeFault(w, w.request, status, f, false)
	return false
}
