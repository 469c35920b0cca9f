// Package cgi speaks RFC 3875 in both directions. For fronts it turns the meta-variables of a
// request into an *http.Request with a [modgw.RequestInfo], and the response of a handler into a
// CGI response head. For runners it turns a request into meta-variables, and reads the head of a
// program's response.
//
// It reads no connection and no body, starts no program, and routes nothing: which part of the path
// is the mount is the gateway's to say.
package cgi
