package loader

import "github.com/modgw/modgw/modgw"

func dashboardBlock(h *modgw.HostFile) block {
	d := &modgw.Dashboard{}
	return block{
		name: "dashboard", presence: whenWritten,
		doc: "Pages for browsers that show all apps. Without this block they are at a free port while someone uses a link of " +
			"modgw-host dashboard.",
		args: []argument{
			{name: "address", value: listenAddress(&d.Address), required: true,
				doc: "unix:PATH, or HOST:PORT with a loopback address. Over TCP a browser needs a link of modgw-host dashboard; a " +
					"Unix socket shows users what the control socket does.",
				example: `"127.0.0.1:9181"`},
			{name: "url", value: webURL(&d.URL, "https://ops.example.com/modgw"), note: "there is no web server in front",
				doc:     "Where browsers reach it through a web server in front. Links are made with it.",
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
