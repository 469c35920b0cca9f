package loader

import "github.com/modgw/modgw/modgw"

// hostBlock is everything that the host's own file can say, put into h.
func hostBlock(h *modgw.HostFile) block {
	return block{
		doc: "The host's own file.",
		args: []argument{
			{name: "apps", value: paths(&h.Apps), note: "none",
				doc: "Descriptor files, folders of them, or globs, relative to the host file.", example: `["apps-enabled/*.hcl"]`},
			{name: "state", value: path(&h.State), note: "/var/lib/modgw; for a normal user $XDG_STATE_HOME/modgw",
				doc: "Folder of environments and last good generations.", example: `"/var/lib/modgw"`},
			{name: "trusted_proxies", value: networks(&h.TrustedProxies), note: "none",
				doc: "Addresses whose forwarded headers are believed.", example: `["127.0.0.1/32"]`},
		},
		blocks: []func() block{
			func() block { return listenBlock(h) },
			func() block { return controlBlock(h) },
			func() block {
				b := appBlock(new(modgw.Descriptor))
				return block{name: "defaults", blocks: b.blocks, args: b.args,
					doc: "Any setting of an app, for all apps, as if it stood in each app block. What an app says itself wins, " +
						"argument by argument; a block of another kind of app is passed over."}
			},
		},
	}
}

func listenBlock(h *modgw.HostFile) block {
	l := new(modgw.Listener)
	return block{
		name:     "listen",
		label:    "protocol: fastcgi, http, uwsgi or scgi",
		labelled: listenKind(&l.Kind),
		repeat:   true,
		doc:      "An address where requests come in.",
		args: []argument{
			{name: "address", value: listenAddress(&l.Address), required: true, doc: "unix:PATH or HOST:PORT.",
				example: `"unix:/run/modgw/modgw.sock"`},
			{name: "mode", value: permissions(&l.Mode), def: "0660", doc: "Permissions of a Unix socket."},
			{name: "owner", value: text(&l.Owner), note: "unchanged", doc: "User that owns a Unix socket.", example: `"modgw"`},
			{name: "group", value: text(&l.Group), note: "unchanged", doc: "Group that owns a Unix socket.", example: `"www-data"`},
			{name: "allow", value: networks(&l.Allow), note: "anybody by http; this machine by fastcgi, uwsgi and scgi, whose peers can claim to be any client",
				doc: "Addresses that may connect over TCP.", example: `["10.0.0.0/8"]`},
			{name: "max_connections", value: number(&l.MaxConnections, 1, 1_000_000), note: "half of the host's file descriptors, at most 16384",
				doc: "Connections at once. More wait in the socket's backlog.", example: "1000"},
		},
		done: func() { h.Listeners = append(h.Listeners, *l) },
	}
}

func controlBlock(h *modgw.HostFile) block {
	return block{
		name: "control",
		doc:  "The control socket, which modgw-host status and its kin ask.",
		args: []argument{
			{name: "address", value: listenAddress(&h.Control), note: "control.sock below state", doc: "unix:PATH or HOST:PORT.",
				example: `"unix:/run/modgw/control.sock"`},
		},
	}
}
