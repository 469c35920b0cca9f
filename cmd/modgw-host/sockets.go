package main

import (
	"fmt"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/modgw/modgw/modgw/host"
)

// adopt makes the host listen on the sockets that systemd has opened for it, in place of the
// addresses that it would choose by itself.
func adopt(config *host.Config) error {
	byName, err := activation.ListenersWithNames()
	if err != nil {
		return fmt.Errorf("cannot use the sockets that systemd passed: %w", err)
	}
	for name, listeners := range byName {
		for _, l := range listeners {
			if l == nil {
				config.Log.Warn("passed descriptor is no listening socket", "name", name)
				continue
			}
			config.Sockets = append(config.Sockets, host.Socket{Kind: kindOf(name), Name: name, Listener: l})
		}
	}
	if len(config.Sockets) > 0 {
		config.Listeners = nil
	}
	return nil
}

// kindOf returns the kind of front for a socket by its name in systemd (systemd.socket(5),
// FileDescriptorName), or "" if the name contains none.
func kindOf(name string) string {
	for prefix, kind := range map[string]string{
		"fastcgi": "fastcgi", "fcgi": "fastcgi", "uwsgi": "uwsgi", "scgi": "scgi", "http": "http",
	} {
		if strings.HasPrefix(name, prefix) {
			return kind
		}
	}
	return ""
}
