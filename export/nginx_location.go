package export

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

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
