// Package forwarded reads what proxies say of a request's client in headers, and drops such headers
// of everybody else.
//
// It does not decide who is a proxy: the administrator names their addresses.
package forwarded
