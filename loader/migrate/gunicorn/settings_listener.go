package gunicorn

import (
	"path"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// listenerSettings are about sockets, certificates, clients and proxies.
var listenerSettings = table{
	{bind, "bind"},
	{drop("the host gives each request to a free worker itself"), "reuse_port"},
	{certificate, "certfile keyfile ca_certs cert_reqs ciphers ssl_version " +
		"do_handshake_on_connect suppress_ragged_eofs ssl_context"},
	{drop(clients), "keepalive keep_alive limit_request_line limit_request_fields " +
		"limit_request_field_size permit_unconventional_http_method " +
		"permit_unconventional_http_version casefold_http_method http_protocols"},
	{drop("the host sends files itself"), "sendfile no_sendfile"},
	{drop("the host refuses such headers"), "strip_header_spaces permit_obsolete_folding"},
	{drop("headers with an underscore are dropped"), "header_map"},
	{drop(proxies), "forwarder_headers secure_scheme_headers uwsgi_allow_ips"},
	{proxyList, "forwarded_allow_ips proxy_allow_ips"},
	{manualWith("set proxy_protocol in the listen block of the host's own file: %s"),
		"proxy_protocol"},
	{drop("the web server in front connects to a listener of the host"), "protocol"},
}

func bind(s *server, o pyapp.Option) pyapp.Outcome {
	list, isList := o.Value.([]string)
	if !isList {
		list = strings.Split(o.Text(), ",")
	}
	worst := pyapp.NotNeeded("it is empty")
	for _, address := range list {
		address = strings.TrimSpace(address)
		if address == "" {
			continue
		}
		if socket, ok := strings.CutPrefix(address, "unix:"); ok && !strings.HasPrefix(socket, "/") && s.Dir != "" {
			address = "unix:" + path.Join(s.Dir, socket)
		}
		s.Addresses = append(s.Addresses, pyapp.Address{Text: address, Place: o.Place})
		if out := pyapp.Listener("http", address); worst.Became != migrate.ByHand {
			worst = out
		}
	}
	return worst
}

func certificate(_ *server, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("let the web server in front, or a listen block with tls in the host's own file, have this: %s", migrate.Quote(o.Text()))
}

func proxyList(_ *server, o pyapp.Option) pyapp.Outcome {
	switch text := o.Text(); text {
	case "", "127.0.0.1", "127.0.0.1,::1", "127.0.0.1, ::1":
		return pyapp.NotNeeded("%s", proxies)
	case "*":
		return pyapp.ByHand("set trusted_proxies in the host's own file to the addresses of your proxies, for clients that do not connect by a web server on this machine")
	default:
		return pyapp.ByHand("set trusted_proxies in the host's own file to %s", migrate.Quote(text))
	}
}
