package host

import (
	"log/slog"
	"net"
	"net/netip"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/upgrade"
)

// Config is the configuration of a Host. It takes precedence over the host's own file.
type Config struct {
	// File is the host's own HCL file; "": there is none.
	File string

	// Targets are apps in addition to those of File: descriptors, globs or folders of them, or
	// entries such as "app.wsgi" and "package.module:callable".
	Targets []string

	// Listeners replace those of File if there are any.
	Listeners []modgw.Listener

	// Further are listeners in addition to those of File or Listeners.
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

	// TrustedProxies are peers whose forwarded headers are believed, in addition to those of File.
	TrustedProxies []netip.Prefix

	// Vars are the values of var.* in descriptors.
	Vars map[string]string

	// Only is the one app to run; "": all.
	Only modgw.AppName

	// Dev is set for development: one worker by default, errors shown to the client, and a broken
	// app is retried only when its files change. nil: production.
	Dev *Development

	// Script is set for a host behind web servers that take its one app for a script of theirs: the
	// app is mounted where that script is, and answers for every host name.
	Script bool

	// Unwatched turns file watching off: a new generation is made only on request.
	Unwatched bool

	// Loops is the number of event loops for ordinary requests; 0: one. Each app is served on one
	// of them.
	Loops int

	// Naps means that the program has one Go processor (GOMAXPROCS) more than it needs for each
	// loop. A loop keeps it while it waits for a moment.
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

	// Replaced is called with the process id of the host that replaces this one, before Run drains
	// the rest and returns; nil: not called.
	Replaced func(pid int)

	// Log receives all log records of the host and its apps; nil discards them.
	Log *slog.Logger
}

// Development has the settings of a host for a developer.
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
