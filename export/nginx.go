package export

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/files"
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

// NginxLocation writes the directives that pass the requests of a location to an app, for a
// configuration that has other writers. It names the listeners themselves, so that it needs
// nothing outside of the location.
func NginxLocation(d modgw.Descriptor, listeners []modgw.Listener) ([]byte, error) {
	up, err := upstreamOf("nginx", listeners, nil)
	if err != nil {
		return nil, err
	}
	w := &nginx{writer: writer{server: "nginx"}, up: up, within: true}
	if up.speaksHTTP([]modgw.Descriptor{d}) {
		w.headers()
	}
	w.pass(d, Options{})
	return w.bytes()
}

// nginx writes a configuration for nginx.
type nginx struct {
	writer
	up      upstream
	proxies []netip.Prefix
	within  bool // in a location of another configuration, which has no upstreams and maps of ours
}

// target returns the argument of a pass directive for a listener: the name of its upstream, or its
// address.
func (w *nginx) target(kind string) string {
	switch {
	case !w.within:
		return "modgw_" + kind
	case kind == "http":
		return string(w.up.web.Dialable())
	}
	return string(w.up.main.Dialable())
}

// upgrade is the condition for requests of WebSockets, and the values of the headers Upgrade and
// Connection.
func (w *nginx) upgrade() (condition, upgrade, connection string) {
	if w.within {
		return `$http_upgrade ~* "^websocket$"`, "$http_upgrade", `"upgrade"`
	}
	return "$modgw_upgrade", "$modgw_upgrade", "$modgw_connection"
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

// variables writes the variables of a request over FastCGI, uwsgi and SCGI. They are repeated in
// each location: a location with variables inherits none, and a variable of nginx in place of the
// app's name would be shared with subrequests.
func (w *nginx) variables(d modgw.Descriptor, o Options) {
	for _, v := range [][2]string{
		{"REQUEST_METHOD", "$request_method"}, {"REQUEST_URI", "$request_uri"}, {"PATH_INFO", "$document_uri"},
		{"QUERY_STRING", "$query_string"}, {"CONTENT_TYPE", "$content_type"}, {"CONTENT_LENGTH", "$content_length"},
		{"SERVER_PROTOCOL", "$server_protocol"}, {"SERVER_SOFTWARE", "nginx/$nginx_version"},
		{"SERVER_NAME", "$host"}, {"SERVER_PORT", "$server_port"}, {"REQUEST_SCHEME", "$scheme"}, {"HTTPS", "$https if_not_empty"},
		{"REMOTE_ADDR", "$remote_addr"}, {"REMOTE_PORT", "$remote_port"}, {"REMOTE_USER", "$remote_user if_not_empty"},
		{"HTTP_X_REQUEST_START", "t=$msec"}, {"MODGW_APP", w.quoted("name of an app", string(d.Name))},
	} {
		w.line("%s_param %s %s;", w.up.kind, v[0], v[1])
	}
	if o.TLS == nil {
		return
	}
	for _, v := range [][2]string{
		{"SSL_PROTOCOL", "$ssl_protocol"}, {"SSL_CIPHER", "$ssl_cipher"}, {"SSL_TLS_SNI", "$ssl_server_name"},
		{"SSL_CLIENT_VERIFY", "$ssl_client_verify"}, {"SSL_CLIENT_S_DN", "$ssl_client_s_dn"}, {"SSL_CLIENT_S_DN_CN", "$modgw_client_name"},
		{"SSL_CLIENT_I_DN", "$ssl_client_i_dn"}, {"SSL_CLIENT_M_SERIAL", "$ssl_client_serial"},
	} {
		w.line("%s_param %s %s if_not_empty;", w.up.kind, v[0], v[1])
	}
}

// headers writes the headers about a request over HTTP.
func (w *nginx) headers() {
	client := [4]string{"$remote_addr", "$http_host", "$server_port", "$scheme"}
	if len(w.proxies) > 0 {
		client = [4]string{"$modgw_for", "$modgw_host", "$modgw_port", "$modgw_proto"}
	}
	w.line("proxy_http_version 1.1;")
	_, upgrade, connection := w.upgrade()
	for _, h := range [][2]string{
		{"Host", "$http_host"}, {"Upgrade", upgrade}, {"Connection", connection},
		{"X-Forwarded-For", client[0]}, {"X-Forwarded-Host", client[1]}, {"X-Forwarded-Port", client[2]},
		{"X-Forwarded-Proto", client[3]}, {"X-Server-Software", "nginx/$nginx_version"},
		{"X-Request-Start", "t=$msec"}, {"Forwarded", `""`},
		{"X-Forwarded-Prefix", `""`}, {"X-Script-Name", `""`},
	} {
		w.line("proxy_set_header %s %s;", h[0], h[1])
	}
}

func (w *nginx) app(d modgw.Descriptor, others []modgw.Descriptor, o Options) {
	for _, a := range folderAliases(d) {
		w.alias(d, a)
	}
	w.line("")
	origin(&w.writer, d)
	if d.MountMatch != "" {
		w.open("location ~ %s", w.quotedPattern("mount of app "+string(d.Name), matchPattern(d), `\\`))
		w.pass(d, o)
		w.close()
		return
	}
	if d.Mount != "/" {
		w.open("location = %s", w.quoted("mount of app "+string(d.Name), string(d.Mount)))
		w.pass(d, o)
		w.close()
	}
	modifier := "^~ " // no regular expression is looked at
	if slices.ContainsFunc(others, func(o modgw.Descriptor) bool {
		return o.MountMatch != "" && webserver.IsBelow(o.Mount, d.Mount)
	}) {
		modifier = ""
	}
	w.open("location %s%s", modifier, w.quoted("mount of app "+string(d.Name), strings.TrimSuffix(string(d.Mount), "/")+"/"))
	w.pass(d, o)
	w.close()
}

// matchPattern is a regular expression for the paths of an app that has one of its own.
func matchPattern(d modgw.Descriptor) string {
	return "^" + regexp.QuoteMeta(strings.TrimSuffix(string(d.Mount), "/")) + "(?:" + d.MountMatch + ")(/|$)"
}

func origin(w *writer, d modgw.Descriptor) {
	if d.File == "" {
		w.comment("app %q", d.Name)
		return
	}
	w.comment("app %q, %q line %d", d.Name, d.File, d.Line)
}

// pass forwards all requests of a location. An "if" that only contains another pass directive is
// one of the uses of "if" that nginx handles well.
func (w *nginx) pass(d modgw.Descriptor, o Options) {
	w.line("client_max_body_size %d;", max(d.Limits.Body, 0))
	if w.up.kind == "http" {
		patience := webserver.Timeout(d)
		if d.Upgrades() {
			patience = webserver.WebSocketTimeout(d)
		}
		w.settings("proxy", patience)
		w.line("proxy_pass http://%s;", w.target("http"))
		return
	}
	w.variables(d, o)
	if w.up.splits(d) {
		w.line("proxy_read_timeout %ds;", webserver.WebSocketTimeout(d))
		w.line("proxy_send_timeout %ds;", webserver.WebSocketTimeout(d))
		condition, _, _ := w.upgrade()
		w.open("if (%s)", condition)
		w.line("proxy_pass http://%s;", w.target("http"))
		w.close()
	}
	w.settings(w.up.kind, webserver.Timeout(d))
	if w.up.kind == "fastcgi" {
		w.line("fastcgi_keep_conn on;")
	}
	w.line("%s_pass %s;", w.up.kind, w.target(w.up.kind))
}

// settings leaves the time limits of apps to the host. The host marks responses that may be
// streams, and nginx buffers all others, so that a slow client does not occupy an app.
func (w *nginx) settings(kind string, patience int) {
	w.line("%s_read_timeout %ds;", kind, patience)
	w.line("%s_send_timeout %ds;", kind, patience)
	w.line("%s_buffer_size 32k;", kind)       // holds a response's head
	w.line("%s_buffers 4 32k;", kind)         // which nginx wants to be larger
	if kind == "fastcgi" || kind == "proxy" { // the others cannot do without the body's length
		w.line("%s_request_buffering off;", kind)
	}
	w.line("%s_next_upstream off;", kind)
}

func (w *nginx) alias(d modgw.Descriptor, a modgw.Alias) {
	url, dir := a.URL(d.Mount), strings.TrimSuffix(a.Dir, "/")
	w.line("")
	w.comment("files of app %q", d.Name)
	w.open("location ^~ %s", w.quoted("alias of app "+string(d.Name), url))
	w.line("alias %s;", w.quoted("folder of an alias", dir+"/"))
	w.line("disable_symlinks if_not_owner %s;", w.quoted("folder of an alias", fmt.Sprintf("from=%s", dir)))
	w.line("index %s;", strings.Join(w.indexNames(a), " "))
	w.line("add_header X-Content-Type-Options nosniff;")
	if a.Files.Cache != "" {
		w.line("add_header Cache-Control %s;", w.quoted("cache of an alias", a.Files.Cache))
	}
	w.open(`location ~ "%s"`, files.HiddenBelow(url))
	w.line("return 404;")
	w.close()
	w.close()
}
