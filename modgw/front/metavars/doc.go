// Package metavars turns the CGI meta-variables (RFC 3875) of a request into an *http.Request with a
// [modgw.RequestInfo], and the response of a handler into a CGI response head, for the fronts that speak FastCGI, SCGI
// and uwsgi.
//
// It reads no connection and no body, and routes nothing: which part of the path is the mount is the gateway's to say.
package metavars
