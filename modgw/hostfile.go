package modgw

import "net/netip"

// HostFile is what the host's own HCL file says. Its zero value is a host without apps and listeners.
type HostFile struct {
	File           string         // absolute; "" when there is none
	Apps           []string       // absolute globs of descriptor files
	State          string         // absolute folder of environments and last good generations; "": the default
	Listeners      []Listener     // in file order
	Control        string         // address of the control socket; "": the default below State
	TrustedProxies []netip.Prefix // peers whose forwarded headers are believed
	Sources        []string       // further files that were read to make it
}

// Listener is one address on which a front listens.
type Listener struct {
	Kind    string // "fastcgi", "http", "uwsgi" or "scgi"
	Address Address
	Mode    uint32 // permission bits of a Unix socket; 0: 0660
	Owner   string // user that owns a Unix socket; "": unchanged
	Group   string // group that owns a Unix socket; "": unchanged

	Allow          []netip.Prefix // peers that may connect over TCP; nil: anybody by "http", and this machine by the others
	MaxConnections int            // at once; 0: what the process's file descriptors allow
}
