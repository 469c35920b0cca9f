// Package probe is the host's own answer to requests that are sent through the web server in front
// to see how they arrive.
//
// A probe's path has a part that is signed with a key which only users of the control socket get
// and which expires within minutes. A request without a valid signature goes to its app as usual.
// The answer contains the request as the host received it. Values of headers that a probe does not
// send itself are left out: a web server may add secrets.
//
// It sends no probes and judges none: doctor does.
package probe
