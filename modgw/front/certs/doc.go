// Package certs has the certificates of listeners with TLS: from files, which may change while
// connections are open, and from a certificate authority that speaks ACME (RFC 8555).
//
// It listens nowhere and serves no requests but those by which an authority sees that a name is
// ours.
package certs
