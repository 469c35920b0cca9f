package host

import (
	"fmt"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/listen"
)

// peersOf returns the peers that may connect to a listener.
func peersOf(l modgw.Listener) (listen.Peers, error) {
	var p listen.Peers
	switch {
	case !l.Trusting():
	case l.AllowUsers != nil:
		named, err := listen.Named(l.AllowUsers)
		if err != nil {
			return p, &modgw.Fault{
				Code:    "MGW-HST-020",
				Summary: fmt.Sprintf("cannot let only allow_users connect to %q", l.Address),
				Err:     err,
				Hint:    "create the user or group, or take it out of allow_users",
			}
		}
		p = named
	case l.Address.Network() != "unix":
		p = listen.WebServers()
	}
	p.Networks = l.Allow
	return p, nil
}

// warnOfImpersonation warns once of an app whose user may connect to a listener that trusts its
// peers: the app could send requests to all apps in the name of any user.
func (h *Host) warnOfImpersonation(d modgw.Descriptor) {
	as, err := account.Lookup(d.User, d.Group, d.Groups...)
	if err != nil || as == nil {
		return // the deploy reports it; or it is the host's own user
	}
	for _, f := range h.newFronts() {
		l := f.settings
		if !l.Trusting() || !mayConnect(as, l) {
			continue
		}
		key := d.User + " " + string(l.Address)
		h.mu.Lock()
		told := h.impersonators[key]
		h.impersonators[key] = true
		h.mu.Unlock()
		if told {
			continue
		}
		fault := &modgw.Fault{
			Code:    "MGW-HST-021",
			Summary: fmt.Sprintf("cannot keep app %q from posing as the web server: its user %q may connect to %s %q", d.Name, as.Name, l.Kind, l.Address),
			Hint: "run the app as a user of its own, which is not in the socket's group; a socket should be closed to others (mode = \"0660\"), " +
				"and allow_users names who may connect",
		}
		h.log.Warn("app can pose as the web server", "app", d.Name, "error", fault.Error())
	}
}

// mayConnect reports whether processes of an account can connect to a listener that is open.
func mayConnect(as *account.Account, l modgw.Listener) bool {
	peers, err := peersOf(l)
	if err != nil || !peers.Admits(as.UID) {
		return false
	}
	return l.Address.Network() != "unix" || mayWrite(as, l.Address.Target())
}

// mayWrite reports whether an account may connect to a Unix socket: it needs the right to write
// to the socket and to enter the folders above it (unix(7)).
func mayWrite(as *account.Account, path string) bool {
	closed, _, err := as.FirstClosed(path, 0o2)
	return err == nil && closed == ""
}
