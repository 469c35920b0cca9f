// Package host is the only place where everything meets: it loads descriptors, builds
// environments, deploys apps through the gateway, watches their files, and listens on the fronts
// and the control socket.
//
// A Go program embeds the whole host in a few lines:
//
//	h, err := host.New(host.Config{
//		Targets:   []string{"/etc/modgw/apps-enabled"},
//		Listeners: []modgw.Listener{{Kind: "http", Address: "127.0.0.1:8000"}},
//		State:     "/var/lib/modgw",
//	})
//	if err != nil {
//		return err
//	}
//	return h.Run(ctx)
//
// A [Host] is an http.Handler too, for programs that have listeners of their own.
package host
