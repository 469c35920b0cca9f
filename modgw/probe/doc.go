// Package probe is the host's own answer to requests that are sent through the web server in front
// to see what arrives.
//
// A probe's path has a part that is signed with a key which only users of the control socket get
// and which expires within minutes. Without a valid signature a request goes to its app as ever.
// The answer says what the host has received. Values of headers that a probe does not send itself
// are left out: a web server may add secrets.
//
// It sends no probes and judges none, which doctor does.
package probe
