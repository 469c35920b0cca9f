package host

import (
	"log/slog"
	"net"
	"net/netip"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/upgrade"
)

// Config is what a Host is made from. What it says wins over the host's own file.
type Config struct {
	// File is the host's own HCL file; "": there is none.
	File string

	// Targets are apps beside those of File: descriptors, globs or folders of them, or entries such
	// as "app.wsgi" and "package.module:callable".
	Targets []string

	// Listeners replace those of File when there are any.
	Listeners []modgw.Listener

	// Further are listeners beside those of File or Listeners.
	Further []modgw.Listener

	// Sockets are further listeners, open already; the host closes them.
	Sockets []Socket

	// State is the folder of environments and last good generations; "": that of File, else
	// [DefaultState]. It may be relative.
	State string

	// Environments is the state folder of another host, with which this one shares environments: it
	// builds them there and removes none. "": they are in State.
	Environments string

	// Control is the address of the control socket; "": that of File, else [ControlAddress] of the
	// state folder.
	Control modgw.Address

	// TrustedProxies are peers whose forwarded headers are believed, beside those of File.
	TrustedProxies []netip.Prefix

	// Vars are the values of var.* in descriptors.
	Vars map[string]string

	// Only is the one app to run; "": all.
	Only modgw.AppName

	// Dev is set for development: one worker for apps that say nothing else, errors shown to the
	// client, and a broken app is tried again when its files change and not before. nil: the apps
	// are in production.
	Dev *Development

	// Script is set for a host behind web servers that take its one app for a script of theirs: the
	// app is mounted where that script is, and answers for every host name.
	Script bool

	// Unwatched leaves the apps' files alone: a new generation comes only when it is asked for.
	Unwatched bool

	// Loops is how many event loops serve ordinary requests; 0: one. Each app is served on one of
	// them.
	Loops int

	// Naps says that the program has one of Go's processors more for each loop than it needs
	// (GOMAXPROCS), which a loop keeps while it waits for a moment.
	Naps bool

	// Ready is called once, when the first deploy of every app has ended.
	Ready func()

	// Changed is called with all descriptors when an app was added, changed or removed; nil: not
	// called.
	Changed func([]modgw.Descriptor)

	// Observe is called with each event of a generation, as in [modgw.Config]; nil: not called.
	Observe func(modgw.Event)

	// Version is shown by status.
	Version string

	// Launch starts a program in place of this one when the host is upgraded; nil: it cannot be.
	Launch *upgrade.Launch

	// Predecessor is the host to be replaced by this one; nil: there is none.
	Predecessor *upgrade.Predecessor

	// Replaced is called with the process id of the host that serves in place of this one, before
	// Run drains what is left and returns; nil: not called.
	Replaced func(pid int)

	// Log gets everything the host and its apps say; nil discards it.
	Log *slog.Logger
}

// Development says how a host serves a developer.
type Development struct {
	// Still keeps pages in browsers as they are when code changes.
	Still bool

	// Terminal lets the developer talk to the apps: their requests may take as long as they like.
	// nil: there is none.
	Terminal *modgw.Terminal
}

// Socket is an open listener that was passed to the host, and the kind of front for it.
type Socket struct {
	Kind     string       // as in [modgw.Listener]; "": that of its listen block, else "http"
	Name     string       // the name it was passed with (LISTEN_FDNAMES); "": it has none
	Listener net.Listener // is open, and closed by the host
}
