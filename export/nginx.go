package export

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// Nginx writes server blocks for apps, one for each set of apps that share host names, for nginx's
// http block. If every app has hosts, the first server answers other names with 404. The listeners
// are the ones that the host has open. Requests go to the first FastCGI listener, or else over
// HTTP, uwsgi or SCGI; a Unix socket is preferred to TCP. WebSockets go, under the same URLs, to
// the HTTP listener. If there is none, nginx refuses them.
func Nginx(apps []modgw.Descriptor, listeners []modgw.Listener, o Options) ([]byte, error) {
	up, err := upstreamOf("nginx", listeners, o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	w := &nginx{writer: writer{server: "nginx"}, up: up, proxies: o.TrustedProxies}
	w.head(apps, o)
	sites := webserver.Sites(apps)
	if o.HTTPPort != 0 && o.RedirectHTTPS {
		w.redirect(sites, o)
	} else if o.HTTPPort != 0 {
		w.sites(sites, o.plain())
	}
	w.sites(sites, o)
	return w.bytes()
}

// nginx writes a configuration for nginx.
type nginx struct {
	writer
	up      upstream
	proxies []netip.Prefix
	within  bool // in a location of another configuration, which has no upstreams and maps of ours
}

func (w *nginx) head(apps []modgw.Descriptor, o Options) {
	w.comment("For nginx 1.15.3 or later, in front of modgw-host. Written by: modgw-host nginx config")
	w.comment("It belongs into the http block: /etc/nginx/conf.d/modgw.conf, or sites-enabled.")
	if w.up.web != "" && w.up.web.Network() != "unix" {
		w.comment("The host believes what nginx says of clients only where trusted_proxies has nginx's address.")
	}
	w.deadEnd(w.up, apps)
	w.line("")
	if w.up.kind != "http" {
		w.upstream("modgw_"+w.up.kind, w.up.main)
		if o.TLS != nil {
			w.open("map $ssl_client_s_dn $modgw_client_name")
			w.line(`default "";`)
			w.line(`"~(^|,)CN=(?<modgw_common_name>[^,]+)" $modgw_common_name;`)
			w.close()
		}
	}
	if !w.up.speaksHTTP(apps) {
		return
	}
	w.upstream("modgw_http", w.up.web)
	w.line("")
	w.comment("WebSockets, and no other protocol, take the connection over.")
	w.open("map $http_upgrade $modgw_upgrade")
	w.line(`default "";`)
	w.line("~*^websocket$ websocket;")
	w.close()
	w.open("map $modgw_upgrade $modgw_connection")
	w.line("default upgrade;")
	w.line(`"" "";`)
	w.close()
	w.believed()
}

// believed lets trusted proxies in front of nginx set the client's address over HTTP. Over the
// other protocols the host itself decides which proxies it trusts.
func (w *nginx) believed() {
	if len(w.proxies) == 0 {
		return
	}
	w.comment("Only trusted proxies say who their clients are.")
	w.open("geo $modgw_peer")
	w.line("default client;")
	for _, p := range w.proxies {
		w.line("%s proxy;", p.Masked())
	}
	w.close()
	for _, m := range [][3]string{
		{"$modgw_peer", "$modgw_for", "$remote_addr"},
		{"$modgw_peer:$http_x_forwarded_host", "$modgw_host", "$http_host"},
		{"$modgw_peer:$http_x_forwarded_proto", "$modgw_proto", "$scheme"},
		{"$modgw_peer:$http_x_forwarded_port", "$modgw_port", "$server_port"},
	} {
		w.open("map %s %s", m[0], m[1])
		w.line("default %s;", m[2])
		switch m[1] {
		case "$modgw_for":
			w.line("proxy $proxy_add_x_forwarded_for;")
		case "$modgw_port": // if the header has no port, the scheme decides
			w.line(`"~^proxy:(?<modgw_port_said>.*)$" $modgw_port_said;`)
		default:
			w.line(`"~^proxy:(?<%s_said>.+)$" %s_said;`, m[1][1:], m[1])
		}
		w.close()
	}
}

func (w *nginx) upstream(name string, a modgw.Address) {
	w.open("upstream %s", name)
	w.line("server %s;", a.Dialable())
	switch name {
	case "modgw_fastcgi":
		w.line("keepalive 32;")
	case "modgw_http":
		w.line("keepalive 32;")
		w.line("keepalive_timeout 30s; # the host closes idle connections after a minute")
	}
	w.close()
}

func (w *nginx) sites(sites []webserver.Site, o Options) {
	if !slices.ContainsFunc(sites, webserver.Site.Default) {
		w.refusal(o)
	}
	for _, s := range sites {
		w.site(s, o)
	}
}

// refusal writes the server for names that no app has. It does not use default_server, which is
// allowed only once for a port: if no server has it, nginx uses the first one.
func (w *nginx) refusal(o Options) {
	w.line("")
	w.open("server")
	w.comment("Host names that no other server has, unless another one is the default: no app is theirs.")
	w.listen(o, "")
	w.line(`server_name "";`)
	w.encryption(o)
	w.line("return 404;")
	w.close()
}

// redirect are servers without TLS that send their clients to those with it.
func (w *nginx) redirect(sites []webserver.Site, o Options) {
	if !slices.ContainsFunc(sites, webserver.Site.Default) {
		w.refusal(o.plain())
	}
	port := ""
	if o.port() != 443 {
		port = fmt.Sprintf(":%d", o.port())
	}
	for _, s := range sites {
		w.line("")
		w.open("server")
		w.names(s, o.plain())
		w.line("return 308 https://$host%s$request_uri;", port)
		w.close()
	}
}

func (w *nginx) site(s webserver.Site, o Options) {
	w.line("")
	w.open("server")
	w.names(s, o)
	w.encryption(o)
	w.line("")
	if w.up.speaksHTTP(s.Apps) {
		w.headers()
	}
	for _, d := range s.Apps {
		w.app(d, s.Apps, o)
	}
	if !slices.ContainsFunc(s.Apps, func(d modgw.Descriptor) bool { return webserver.Holds(d, "/") }) {
		w.line("")
		w.open("location /")
		w.line("return 404;")
		w.close()
	}
	w.close()
}

func (w *nginx) encryption(o Options) {
	if o.TLS == nil {
		return
	}
	w.line("ssl_certificate %s;", w.quoted("certificate", o.TLS.Certificate))
	w.line("ssl_certificate_key %s;", w.quoted("key of the certificate", o.TLS.Key))
}

func (w *nginx) listen(o Options, suffix string) {
	if o.TLS != nil {
		suffix += " ssl http2"
	}
	if o.Address == "" {
		w.line("listen %d%s;", o.port(), suffix)
		w.line("listen [::]:%d%s;", o.port(), suffix)
	} else {
		w.line("listen %s%s;", w.address(o), suffix)
	}
}

func (w *nginx) names(s webserver.Site, o Options) {
	if s.Default() {
		w.comment("Apps without a host. This is the default for all host names that no other server has.")
		w.listen(o, " default_server")
		w.line("server_name _;")
		return
	}
	w.listen(o, "")
	names := make([]string, len(s.Hosts))
	for i, name := range s.Hosts {
		names[i] = w.quoted("host", name)
	}
	w.line("server_name %s;", strings.Join(names, " "))
}

func (w *nginx) address(o Options) string {
	address := o.listens()
	if _, _, err := net.SplitHostPort(address); err != nil || strings.ContainsAny(address, " ;{}\"'\\$") {
		w.fail("address", o.Address)
	}
	return address
}
