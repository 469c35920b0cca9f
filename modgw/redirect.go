package modgw

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// maxRedirects is the largest number of internal redirects of one request.
const maxRedirects = 10

// Redirect answers r as if the client had asked for target, a path with an optional query. A CGI
// program requests that by a local Location (RFC 3875, 6.2.2). A runner calls it when it has sent
// nothing and holds no resource of r that the other request could wait for. The web server in front
// has not checked the other path: users who may run programs here can reach everything that this
// host serves.
func (i *RequestInfo) Redirect(w http.ResponseWriter, r *http.Request, target string) {
	u, err := url.ParseRequestURI(target)
	var fault *Fault
	var path string
	var ours bool
	if err == nil {
		path, ours = strings.CutPrefix(u.Path, i.Prefix)
	}
	switch {
	case i.gateway == nil || !ours || u.Host != "" || path == "" || path[0] != '/':
		fault = &Fault{
			Code:    "MGW-REQ-104",
			Summary: fmt.Sprintf("cannot redirect to %q: it is no path on this host", target),
			Err:     err,
		}
	case i.redirects >= maxRedirects:
		fault = &Fault{
			Code:    "MGW-REQ-105",
			Summary: fmt.Sprintf("cannot redirect to %q: it is the %dth time for one request", target, maxRedirects+1),
			Hint:    "scripts redirect to each other; let one of them answer, or redirect the client with a Status",
		}
	}
	if fault != nil {
		i.warn(fault)
		ServeFault(w, r, http.StatusBadGateway, fault, i.generation != nil && i.gateway != nil && i.gateway.config.Dev)
		return
	}
	next := *i
	next.Path, next.RawTarget, next.redirects = path, target, i.redirects+1
	mount := strings.TrimPrefix(i.ScriptName, i.Prefix)
	if _, _, below := MountPath(mount).split(path); mount != "" && !below {
		next.App = "" // another app answers, by its host and mount
	}
	next.ScriptName, next.PathInfo, next.app, next.generation = "", "", nil, nil
	defer func() { i.Given, i.progress = next.Given, next.progress }()
	i.gateway.ServeHTTP(w, redirected(r, &next, u))
}

// warn logs why a request is not answered.
func (i *RequestInfo) warn(fault *Fault) {
	if i.gateway != nil && i.generation != nil {
		i.gateway.log.Warn("request refused", "app", i.generation.Descriptor.Name, "request", i.ID, "code", fault.Code, "error", fault.Line())
	}
}

// redirected is the request for u that takes the place of r.
func redirected(r *http.Request, info *RequestInfo, u *url.URL) *http.Request {
	next := r.Clone(WithRequestInfo(r.Context(), info))
	next.URL, next.RequestURI = u, info.RawTarget
	next.Body, next.ContentLength, next.TransferEncoding = http.NoBody, 0, nil
	if next.Method != http.MethodHead {
		next.Method = http.MethodGet
	}
	for _, name := range []string{"Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Expect"} {
		next.Header.Del(name)
	}
	return next
}
