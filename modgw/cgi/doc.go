// Package cgi implements RFC 3875 in both directions. For fronts it converts the meta-variables of
// a request to an *http.Request with a [modgw.RequestInfo], and the response of a handler to a CGI
// response head. For runners it converts a request to meta-variables, and reads the head of a
// program's response.
//
// It reads no connection and no body, starts no program, and routes nothing: the gateway decides
// which part of the path is the mount.
package cgi
