package loader

import "github.com/modgw/modgw/modgw"

// hostBlock returns the schema of the host's own file, which is decoded into h.
func hostBlock(h *modgw.HostFile) block {
	return block{
		doc: "The host's own file.",
		args: []argument{
			{name: "apps", value: paths(&h.Apps), note: "none",
				doc: "Descriptor files, folders with descriptors, or globs, relative to the host file.", example: `["apps-enabled/*.hcl"]`},
			{name: "state", value: path(&h.State), note: "/var/lib/modgw; for a normal user $XDG_STATE_HOME/modgw",
				doc: "Folder of environments and last good generations.", example: `"/var/lib/modgw"`},
			{name: "trusted_proxies", value: networks(&h.TrustedProxies), note: "none",
				doc: "Addresses from which the host believes forwarded headers.", example: `["127.0.0.1/32"]`},
		},
		blocks: []func() block{
			func() block { return listenBlock(h) },
			func() block { return controlBlock(h) },
			func() block { return hostSpoolBlock(h) },
			func() block { return accessLogBlock(h) },
			func() block { return metricsBlock(h) },
			func() block { return tracingBlock(h) },
			func() block { return dashboardBlock(h) },
			func() block { return tenantBlock(h) },
			func() block {
				b := appBlock(new(modgw.Descriptor))
				return block{name: "defaults", blocks: b.blocks, args: b.args,
					doc: "Any setting of an app, for all apps, as if it were in each app block. The settings of " +
						"an app win, argument by argument; a block of another kind of app is ignored."}
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
		doc:      "An address at which the host accepts requests.",
		args: []argument{
			{name: "address", value: listenAddress(&l.Address), required: true, doc: "unix:PATH or HOST:PORT.",
				example: `"unix:/run/modgw/modgw.sock"`},
			{name: "mode", value: permissions(&l.Mode), def: "0660", example: `"0666"`, doc: "Permissions of a Unix socket."},
			{name: "owner", value: text(&l.Owner), note: "unchanged", doc: "User that owns a Unix socket.", example: `"modgw"`},
			{name: "group", value: text(&l.Group), note: "unchanged", doc: "Group that owns a Unix socket.", example: `"www-data"`},
			{name: "allow", value: networks(&l.Allow), note: "everyone for http; this machine for fastcgi, uwsgi " +
				"and scgi, whose peers can claim to be any client",
				doc: "Addresses that may connect over TCP.", example: `["10.0.0.0/8"]`},
			{name: "allow_users", value: texts(&l.AllowUsers), note: "over TCP root, the host's own user, and " +
				"the usual users of web servers; over a Unix socket the users who may open it",
				doc: "fastcgi, uwsgi and scgi, and http over a Unix socket: users, or @groups, whose processes " +
					"on this machine may connect, in addition to root and the host's own user. A process that " +
					"may connect can claim to be any client.", example: `["www-data", "@proxies"]`},
			{name: "max_connections", value: number(&l.MaxConnections, 1, 1_000_000), note: "half of the host's file descriptors, at most 16384",
				doc: "Connections at once. Further ones wait in the socket's backlog.", example: "1000"},
			{name: "proxy_protocol", value: truth(&l.ProxyProtocol), def: false, example: `true`,
				doc: "http: every connection begins with a PROXY protocol header, version 1 or 2, that names the " +
					"client. Over TCP only trusted_proxies may then connect."},
			{name: "client_ca", value: file(&l.ClientCA), note: "the host asks clients for no certificate",
				doc: "http with TLS: PEM file with the authorities whose certificates clients must show.", example: `"clients.pem"`},
			{name: "client_certificate", value: oneOf(&l.ClientCertificate, modgw.ClientCertificateRequired, modgw.ClientCertificateOptional),
				note: "required, where there is a client_ca", doc: "http with TLS: \"optional\" also accepts " +
					"clients without a certificate.",
				example: `"optional"`},
			{name: "redirect_https", value: truth(&l.RedirectHTTPS), def: false, example: `true`,
				doc: "http without TLS: redirects every request to the same address with https, at port 443."},
		},
		blocks: []func() block{
			func() block { return tlsBlock(l) },
			func() block { return acmeBlock(l) },
			func() block { return listenTimeoutsBlock(l) },
			func() block { return listenLimitsBlock(l) },
		},
		check: func(w written) { checkListener(w, h, l) },
		done:  func() { h.Listeners = append(h.Listeners, *l) },
	}
}

func tlsBlock(l *modgw.Listener) block {
	c := new(modgw.Certificate)
	return block{
		name:   "tls",
		repeat: true,
		doc: "http: a certificate for TLS. If there are several, a client gets the first one that matches the " +
			"requested name, else the first of all. The host notices changed files within a second and keeps " +
			"open connections; unusable files change nothing.",
		args: []argument{
			{name: "certificate", value: file(&c.File), required: true, doc: "PEM file with the certificate, " +
				"then the intermediate ones.",
				example: `"/etc/letsencrypt/live/example.com/fullchain.pem"`},
			{name: "key", value: file(&c.Key), required: true, doc: "PEM file with its key. Only the host's user " +
				"should be able to read it.",
				example: `"/etc/letsencrypt/live/example.com/privkey.pem"`},
		},
		check: func(w written) { w.checkPair(*c) },
		done:  func() { l.TLS = append(l.TLS, *c) },
	}
}

func acmeBlock(l *modgw.Listener) block {
	a := new(modgw.ACME)
	var agreed bool
	return block{
		name:     "acme",
		presence: whenWritten,
		doc: "http: certificates from an ACME authority, such as Let's Encrypt. The host requests one when a " +
			"client first asks for a name, and keeps it below the state folder. The authority must reach this " +
			"listener at port 443, or one without TLS at port 80.",
		args: []argument{
			{name: "hosts", value: hostNames(&a.Hosts), required: true, doc: "Names; each gets a separate certificate.",
				example: `["example.com", "www.example.com"]`},
			{name: "email", value: text(&a.Email), note: "none", doc: "Address to which the authority writes if " +
				"something is wrong.", example: `"admin@example.com"`},
			{name: "agree_tos", value: truth(&agreed), required: true, doc: "Must be true: you agree to the authority's terms of service.",
				example: "true"},
			{name: "directory", value: webURL(&a.Directory, "https://acme-v02.api.letsencrypt.org/directory"), note: "Let's Encrypt", doc: "URL of the authority's directory.",
				example: `"https://acme-staging-v02.api.letsencrypt.org/directory"`},
		},
		check: func(w written) { checkACME(w, a, agreed) },
		done:  func() { l.ACME = a },
	}
}

func listenTimeoutsBlock(l *modgw.Listener) block {
	return block{
		name:     "timeouts",
		presence: whenWritten,
		doc:      "http: how long a client may take. If it takes longer within a request, it gets 408.",
		args: []argument{
			{name: "header", value: positive(&l.HeaderTimeout), def: "10s", example: `"30s"`,
				doc: "For the head of a request from its first byte, and for the TLS handshake before it."},
			{name: "idle", value: positive(&l.IdleTimeout), def: "60s", example: `"2m"`, doc: "Between two requests of a connection."},
			{name: "body", value: positive(&l.BodyTimeout), def: "20s", example: `"1m"`,
				doc: "How long a body may keep its reader waiting, in addition to the time that body_rate in " +
					"limits allows."},
			{name: "write", value: positive(&l.WriteTimeout), def: "60s", example: `"2m"`,
				doc: "How long a client may read nothing of a response. A whole response has no time limit."},
		},
	}
}

func listenLimitsBlock(l *modgw.Listener) block {
	return block{
		name:     "limits",
		presence: whenWritten,
		doc:      "http: how much a client may send.",
		args: []argument{
			{name: "header", value: sizeBetween(&l.MaxHeader, 1<<10, 16<<20), def: "64KiB", example: `"128KiB"`,
				doc: "Bytes of the head of a request. A longer head gets 431, or 414 if its target alone is too long."},
			{name: "headers", value: number(&l.MaxHeaders, 1, 100_000), def: 256, example: `500`,
				doc: "Headers of a request. A request with more gets 431."},
			{name: "body_rate", value: sizeBetween(&l.BodyRate, 1, 1<<30), def: 500, example: `2000`,
				doc: "Bytes of a body that allow one more second of waiting."},
		},
	}
}

func controlBlock(h *modgw.HostFile) block {
	return block{
		name: "control",
		doc:  "The control socket, for modgw-host status and other commands.",
		args: []argument{
			{name: "address", value: listenAddress(&h.Control), note: "control.sock below state", doc: "unix:PATH or HOST:PORT.",
				example: `"unix:/run/modgw/control.sock"`},
			{name: "admins", value: principals(&h.Admins), note: "root and the host's own user",
				doc: "Users, or \"@\" with a group, who may see and do the same as root. Other users see and " +
					"control only the apps that run as themselves.", example: `["@adm"]`},
		},
	}
}

func hostSpoolBlock(h *modgw.HostFile) block {
	return block{
		name: "spool",
		doc: "How much of the bodies of slow clients the host keeps at most, for all apps together. An upload beyond it " +
			"gets 503; a response beyond it waits for its client. If both are 0, the host keeps nothing.",
		args: []argument{
			{name: "memory", value: size(&h.Spool.Memory), def: "64MiB", example: `"256MiB"`, doc: "Memory. 0: " +
				"the host keeps everything in files."},
			{name: "disk", value: size(&h.Spool.Disk), def: "4GiB", example: `"20GiB"`,
				doc: "Files without a name in the folder `spool` of the state folder. 0: the host keeps nothing in files."},
		},
	}
}

func metricsBlock(h *modgw.HostFile) block {
	m := &modgw.Metrics{}
	return block{
		name: "metrics", presence: whenWritten,
		doc: "Metrics for Prometheus at /metrics of a separate listener. The control socket always has them.",
		args: []argument{
			{name: "address", value: listenAddress(&m.Address), required: true,
				doc:     "unix:PATH or HOST:PORT. A client that can connect can read the metrics, which name the apps.",
				example: `"127.0.0.1:9180"`},
		},
		done: func() { h.Metrics = m },
	}
}

func dashboardBlock(h *modgw.HostFile) block {
	d := &modgw.Dashboard{}
	return block{
		name: "dashboard", presence: whenWritten,
		doc: "Pages for browsers that show all apps. Without this block they are at a free port while someone " +
			"uses a link of modgw-host dashboard.",
		args: []argument{
			{name: "address", value: listenAddress(&d.Address), required: true,
				doc: "unix:PATH, or HOST:PORT with a loopback address. Over TCP a browser needs a link of " +
					"modgw-host dashboard; over a Unix socket, users see the same as over the control socket.",
				example: `"127.0.0.1:9181"`},
			{name: "url", value: webURL(&d.URL, "https://ops.example.com/modgw"), note: "there is no web server in front",
				doc:     "URL that browsers use through a web server in front. Links contain it.",
				example: `"https://ops.example.com/modgw"`},
		},
		check: func(w written) {
			if d.Address.Network() == "tcp" && !d.Address.IsLoopback() {
				w.wrong("address", "Other machines could connect without TLS. Listen at 127.0.0.1, and let a web server in front, named by url, "+
					"or an SSH tunnel bring browsers there.")
			}
		},
		done: func() { h.Dashboard = d },
	}
}
