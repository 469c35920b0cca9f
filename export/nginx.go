package export

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// Nginx writes server blocks for apps, one for each set of apps that share host names, for nginx's http block. The
// listeners are those that the host really has: requests go to the first FastCGI one, else over HTTP, uwsgi or SCGI, a
// Unix socket before TCP. WebSockets go to the HTTP listener, under the same URLs; without one they get no further.
func Nginx(apps []modgw.Descriptor, listeners []modgw.Listener, o Options) ([]byte, error) {
	up, err := upstreamOf("nginx", listeners)
	if err != nil {
		return nil, err
	}
	w := &nginx{writer{server: "nginx"}, up}
	w.head(apps)
	for _, s := range modgw.SitesOf(apps) {
		w.site(s, o)
	}
	return w.bytes()
}

// nginx writes a configuration for nginx.
type nginx struct {
	writer
	up upstream
}

func (w *nginx) head(apps []modgw.Descriptor) {
	w.comment("For nginx 1.15.3 or later, in front of modgw-host. Written by: modgw-host nginx config")
	w.comment("It belongs into the http block: /etc/nginx/conf.d/modgw.conf, or sites-enabled.")
	if w.up.web != "" && w.up.web.Network() != "unix" {
		w.comment("The host believes what nginx says of clients only where trusted_proxies has nginx's address.")
	}
	w.line("")
	if w.up.kind != "http" {
		w.upstream("modgw_"+w.up.kind, w.up.main)
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

func (w *nginx) site(s modgw.Site, o Options) {
	w.line("")
	w.open("server")
	w.listen(s, o)
	if o.TLS != nil {
		w.line("ssl_certificate %s;", w.quoted("certificate", o.TLS.Certificate))
		w.line("ssl_certificate_key %s;", w.quoted("key of the certificate", o.TLS.Key))
	}
	w.line("")
	if w.up.kind != "http" {
		w.variables()
	}
	if w.up.speaksHTTP(s.Apps) {
		w.headers()
	}
	for _, d := range s.Apps {
		w.app(d)
	}
	if !slices.ContainsFunc(s.Apps, func(d modgw.Descriptor) bool { return d.Mount == "/" }) {
		w.line("")
		w.open("location /")
		w.line("return 404;")
		w.close()
	}
	w.close()
}

func (w *nginx) listen(s modgw.Site, o Options) {
	suffix := ""
	if len(s.Hosts) == 0 {
		w.comment("Apps without a host. This is the default for all host names that no other server has.")
		suffix += " default_server"
	}
	if o.TLS != nil {
		suffix += " ssl http2"
	}
	if o.Address == "" {
		w.line("listen %d%s;", o.port(), suffix)
		w.line("listen [::]:%d%s;", o.port(), suffix)
	} else {
		w.line("listen %s%s;", w.address(o), suffix)
	}
	if len(s.Hosts) == 0 {
		w.line("server_name _;")
		return
	}
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

// variables are what nginx says of a request over FastCGI, uwsgi and SCGI.
func (w *nginx) variables() {
	for _, v := range [][2]string{
		{"REQUEST_METHOD", "$request_method"}, {"REQUEST_URI", "$request_uri"}, {"PATH_INFO", "$document_uri"},
		{"QUERY_STRING", "$query_string"}, {"CONTENT_TYPE", "$content_type"}, {"CONTENT_LENGTH", "$content_length"},
		{"SERVER_PROTOCOL", "$server_protocol"}, {"SERVER_SOFTWARE", "nginx/$nginx_version"},
		{"SERVER_NAME", "$host"}, {"SERVER_PORT", "$server_port"}, {"REQUEST_SCHEME", "$scheme"}, {"HTTPS", "$https if_not_empty"},
		{"REMOTE_ADDR", "$remote_addr"}, {"REMOTE_PORT", "$remote_port"}, {"REMOTE_USER", "$remote_user if_not_empty"},
		{"HTTP_X_REQUEST_START", "t=$msec"}, {"MODGW_APP", "$modgw_app"},
	} {
		w.line("%s_param %s %s;", w.up.kind, v[0], v[1])
	}
	w.comment("Said above; what comes in headers comes from the client.")
	for _, name := range forwardedHeaders {
		w.line(`%s_param %s "" if_not_empty;`, w.up.kind, variable(name))
	}
}

// headers are what nginx says of a request over HTTP.
func (w *nginx) headers() {
	w.line("proxy_http_version 1.1;")
	for _, h := range [][2]string{
		{"Host", "$http_host"}, {"Upgrade", "$modgw_upgrade"}, {"Connection", "$modgw_connection"},
		{"X-Forwarded-For", "$remote_addr"}, {"X-Forwarded-Host", "$http_host"}, {"X-Forwarded-Port", "$server_port"},
		{"X-Forwarded-Proto", "$scheme"}, {"X-Request-Start", "t=$msec"}, {"Forwarded", `""`},
	} {
		w.line("proxy_set_header %s %s;", h[0], h[1])
	}
}

func (w *nginx) app(d modgw.Descriptor) {
	for _, a := range d.Aliases {
		w.alias(d, a)
	}
	w.line("")
	origin(&w.writer, d)
	if d.Mount != "/" {
		w.open("location = %s", w.quoted("mount of app "+string(d.Name), string(d.Mount)))
		w.pass(d)
		w.close()
	}
	w.open("location ^~ %s", w.quoted("mount of app "+string(d.Name), strings.TrimSuffix(string(d.Mount), "/")+"/"))
	w.pass(d)
	w.close()
}

func origin(w *writer, d modgw.Descriptor) {
	if d.File == "" {
		w.comment("app %q", d.Name)
		return
	}
	w.comment("app %q, %q line %d", d.Name, d.File, d.Line)
}

// pass hands all requests of a location over. An "if" with nothing but another way to pass a request in it is one of
// those that nginx handles well.
func (w *nginx) pass(d modgw.Descriptor) {
	w.line("client_max_body_size %d;", max(d.Limits.Body, 0))
	if w.up.kind == "http" {
		patience := d.Patience()
		if d.Upgrades() {
			patience = d.UpgradePatience()
		}
		w.settings("proxy", patience)
		w.line("proxy_pass http://modgw_http;")
		return
	}
	w.line("set $modgw_app %s;", w.quoted("name of an app", string(d.Name)))
	if w.up.splits(d) {
		w.line("proxy_read_timeout %ds;", d.UpgradePatience())
		w.line("proxy_send_timeout %ds;", d.UpgradePatience())
		w.open("if ($modgw_upgrade)")
		w.line("proxy_pass http://modgw_http;")
		w.close()
	}
	w.settings(w.up.kind, d.Patience())
	if w.up.kind == "fastcgi" {
		w.line("fastcgi_keep_conn on;")
	}
	w.line("%s_pass modgw_%s;", w.up.kind, w.up.kind)
}

// settings let streams through as they come, and leave it to the host to say that an app takes too long.
func (w *nginx) settings(kind string, patience int) {
	w.line("%s_read_timeout %ds;", kind, patience)
	w.line("%s_send_timeout %ds;", kind, patience)
	w.line("%s_buffering off;", kind)
	w.line("%s_buffer_size 32k;", kind)       // holds a response's head
	w.line("%s_buffers 4 32k;", kind)         // which nginx wants to be larger
	if kind == "fastcgi" || kind == "proxy" { // the others cannot do without the body's length
		w.line("%s_request_buffering off;", kind)
	}
	w.line("%s_next_upstream off;", kind)
}

func (w *nginx) alias(d modgw.Descriptor, a modgw.Alias) {
	url := strings.TrimSuffix(string(d.Mount), "/") + strings.TrimSuffix(a.Path, "/") + "/"
	dir := strings.TrimSuffix(a.Dir, "/")
	w.line("")
	w.comment("files of app %q", d.Name)
	w.open("location ^~ %s", w.quoted("alias of app "+string(d.Name), url))
	w.line("alias %s;", w.quoted("folder of an alias", dir+"/"))
	w.line("disable_symlinks if_not_owner %s;", w.quoted("folder of an alias", fmt.Sprintf("from=%s", dir)))
	w.close()
}
