package export

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// Lighttpd writes conditional blocks for apps, one for each set of apps that share host names, for
// lighttpd's main configuration. The listeners are the ones that the host has open. Requests go to
// the first FastCGI listener, or else over HTTP, uwsgi or SCGI; a Unix socket is preferred to TCP.
// WebSockets go, under the same URLs, to the HTTP listener. If there is none, lighttpd refuses
// them.
func Lighttpd(apps []modgw.Descriptor, listeners []modgw.Listener, o Options) ([]byte, error) {
	up, err := upstreamOf("lighttpd", listeners, o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	w := &lighttpd{writer{server: "lighttpd"}, up, o.TrustedProxies}
	w.head(apps, o)
	sites := webserver.Sites(apps)
	if o.Port == 0 && o.TLS == nil && o.Address == "" {
		w.sites(sites, false)
		return w.bytes()
	}
	if o.HTTPPort != 0 {
		w.socket(o.plain())
		if o.RedirectHTTPS {
			w.redirects(sites, o)
		} else {
			w.sites(sites, true)
		}
		w.refusal(sites)
		w.close()
	}
	w.socket(o)
	w.sites(sites, true)
	w.refusal(sites)
	w.close()
	return w.bytes()
}

// lighttpd writes a configuration for lighttpd.
type lighttpd struct {
	writer
	up      upstream
	proxies []netip.Prefix
}

// lighttpdModules has the module for each protocol.
var lighttpdModules = map[string]string{"fastcgi": "mod_fastcgi", "http": "mod_proxy", "uwsgi": "mod_scgi", "scgi": "mod_scgi"}

// forwardedHeaders are those by which proxies speak of the client, and which the host believes.
var forwardedHeaders = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto",
	"X-Forwarded-Prefix", "X-Script-Name", "X-Server-Software"}

func (w *lighttpd) head(apps []modgw.Descriptor, o Options) {
	w.comment("For lighttpd 1.4.60 or later, in front of modgw-host. Written by: modgw-host lighttpd config")
	w.comment("It belongs into /etc/lighttpd/conf-available/90-modgw.conf: lighttpd-enable-mod modgw")
	if w.up.web != "" && w.up.web.Network() != "unix" {
		w.comment("The host believes what lighttpd says of clients only where trusted_proxies has lighttpd's address.")
	}
	w.deadEnd(w.up, apps)
	modules := []string{"mod_alias", "mod_setenv", lighttpdModules[w.up.kind]}
	if w.up.kind != "http" && w.up.speaksHTTP(apps) {
		modules = append(modules, "mod_proxy")
	}
	if o.TLS != nil {
		modules = append(modules, "mod_openssl")
	}
	if o.RedirectHTTPS {
		modules = append(modules, "mod_redirect")
	}
	w.line("")
	w.line(`server.modules += ( "%s" )`, strings.Join(modules, `", "`))
	w.line("")
	if !w.up.speaksHTTP(apps) {
		return
	}
	w.comment("What comes in these headers over HTTP comes from the client.")
	w.line("var.modgw_unsaid = (")
	w.indent++
	for _, name := range forwardedHeaders {
		w.line(`"%s" => "",`, name)
	}
	w.indent--
	w.line(")")
	w.line("")
}

// socket opens the sockets that sites are for, and begins the condition that a request came by one
// of them.
func (w *lighttpd) socket(o Options) {
	if o.Address != "" {
		w.open(`$SERVER["socket"] == %s`, w.quoted("address", o.listens()))
		w.encryption(o)
		return
	}
	for _, address := range []string{"", "[::]"} {
		w.open(`$SERVER["socket"] == "%s:%d"`, address, o.port())
		w.encryption(o)
		w.close()
	}
	w.open(`$SERVER["socket"] =~ ":%d$"`, o.port())
}

func (w *lighttpd) encryption(o Options) {
	if o.TLS == nil {
		return
	}
	w.line(`ssl.engine = "enable"`)
	w.line("ssl.pemfile = %s", w.quoted("certificate", o.TLS.Certificate))
	w.line("ssl.privkey = %s", w.quoted("key of the certificate", o.TLS.Key))
}

// refusal ends the chain of a socket's sites: requests for other names get no file of the server.
func (w *lighttpd) refusal(sites []webserver.Site) {
	if slices.ContainsFunc(sites, webserver.Site.Default) {
		return
	}
	if len(sites) == 0 {
		w.notFound()
		return
	}
	w.open("else")
	w.notFound()
	w.close()
}

// notFound answers 404: there is nothing below a file.
func (w *lighttpd) notFound() { w.line(`alias.url = ( "" => "/dev/null/" )`) }

// redirects send the clients of sites to the port with TLS.
func (w *lighttpd) redirects(sites []webserver.Site, o Options) {
	port := ""
	if o.port() != 443 {
		port = fmt.Sprintf(":%d", o.port())
	}
	hosts := "^(.+?)(:[0-9]+)?$"
	if !slices.ContainsFunc(sites, webserver.Site.Default) {
		var names []string
		for _, s := range sites {
			names = append(names, s.Hosts...)
		}
		hosts = w.hostPattern(names)
	}
	w.open(`$HTTP["host"] =~ "%s"`, hosts)
	w.line("url.redirect-code = 308")
	w.line(`url.redirect = ( "" => "https://%%1%s${url.path}${qsa}" )`, port)
	w.close()
}

// sites writes a chain of conditions, of which the first match applies. The apps without a host are
// the last link. All settings are within a condition, because they would otherwise apply to the
// server's other sites too. own is true if the socket has no other sites.
func (w *lighttpd) sites(sites []webserver.Site, own bool) {
	link := ""
	for _, s := range sites {
		if s.Default() {
			continue
		}
		w.open(`%s$HTTP["host"] =~ "%s"`, link, w.hostPattern(s.Hosts))
		w.site(s)
		w.nowhere(s)
		w.close()
		link = "else "
	}
	for _, s := range sites {
		if !s.Default() {
			continue
		}
		w.comment("Apps without a host.")
		if link == "" {
			w.open(`$HTTP["url"] =~ "^/"`)
		} else {
			w.open("else")
		}
		w.site(s)
		if own {
			w.nowhere(s)
		}
		w.close()
	}
}

func (w *lighttpd) site(s webserver.Site) {
	if w.up.speaksHTTP(s.Apps) {
		w.unsaid()
	}
	w.comment("Event streams are sent as they come.")
	w.line("server.stream-response-body = 1")
	link := ""
	for _, d := range s.Apps {
		for _, a := range folderAliases(d) {
			w.alias(d, a, link)
			link = "else "
		}
		origin(&w.writer, d)
		switch {
		case d.MountMatch != "":
			w.open(`%s$HTTP["url"] =~ %s`, link, w.quotedPattern("mount of app "+string(d.Name), matchPattern(d), `\`))
		case d.Mount != "/":
			w.open(`%s$HTTP["url"] =~ "^%s(/|$)"`, link, w.pattern("mount of app "+string(d.Name), string(d.Mount)))
		case link == "":
			w.app(d)
			return
		default:
			w.open("else")
		}
		w.app(d)
		w.close()
		link = "else "
	}
}

// unsaid removes headers about the client, unless a trusted proxy sends them. Over the other
// protocols the host does that.
func (w *lighttpd) unsaid() {
	for _, p := range w.proxies {
		w.open(`$HTTP["remote-ip"] != "%s"`, p.Masked())
	}
	w.line("setenv.set-request-header = var.modgw_unsaid")
	for range w.proxies {
		w.close()
	}
}

// nowhere sees to it that a site of apps has no file of the server's other sites.
func (w *lighttpd) nowhere(s webserver.Site) {
	if slices.ContainsFunc(s.Apps, func(d modgw.Descriptor) bool { return webserver.Holds(d, "/") }) {
		return
	}
	w.open("else")
	w.notFound()
	w.close()
}

func (w *lighttpd) alias(d modgw.Descriptor, a modgw.Alias, link string) {
	url := a.URL(d.Mount)
	what := "alias of app " + string(d.Name)
	w.comment("files of app %q", d.Name)
	w.open(`%s$HTTP["url"] =~ "%s"`, link, files.HiddenBelow(url))
	w.notFound()
	w.close()
	w.open(`else $HTTP["url"] =~ "^%s"`, w.pattern(what, url))
	w.line("alias.url = ( %s => %s )", w.quoted(what, url), w.quoted("folder of an alias", strings.TrimSuffix(a.Dir, "/")+"/"))
	w.line(`server.follow-symlink = "disable"`)
	w.line("index-file.names = ( %s )", strings.Join(w.indexNames(a), ", "))
	headers := `"X-Content-Type-Options" => "nosniff"`
	if a.Files.Cache != "" {
		headers += `, "Cache-Control" => ` + w.quoted("cache of an alias", a.Files.Cache)
	}
	w.line("setenv.set-response-header = ( %s )", headers)
	w.close()
}

func (w *lighttpd) app(d modgw.Descriptor) {
	w.line(`server.range-requests = "disable"`) // an app does that itself, or does not want it
	w.line("server.max-request-size = %d", (max(d.Limits.Body, 0)+1023)/1024)
	if w.up.kind != "http" {
		w.line(`setenv.add-environment = ( "MODGW_APP" => %s )`, w.quoted("name of an app", string(d.Name)))
	}
	if w.up.kind == "http" {
		w.proxy(d)
		return
	}
	if w.up.splits(d) {
		w.comment("WebSockets: over HTTP/2 there is no Upgrade header (RFC 8441), and lighttpd offers them with it.")
		for _, condition := range []string{`$HTTP["request-method"] == "CONNECT"`, `else $REQUEST_HEADER["Upgrade"] =~ "(?i)^websocket$"`} {
			w.open("%s", condition)
			w.proxy(d)
			w.close()
		}
		w.open("else")
		defer w.close()
	}
	module := w.up.kind
	if w.up.kind == "uwsgi" {
		module = "scgi"
		w.line(`scgi.protocol = "uwsgi"`)
	}
	w.line(`%s.server = ( "/" => (( %s, "check-local" => "disable", "fix-root-scriptname" => "enable", "disable-time" => 0, "read-timeout" => %d )) )`,
		module, w.backend(w.up.main), webserver.Timeout(d))
}

func (w *lighttpd) proxy(d modgw.Descriptor) {
	patience := webserver.Timeout(d)
	if d.Upgrades() {
		patience = webserver.WebSocketTimeout(d)
		w.line(`proxy.header = ( "upgrade" => "enable" )`)
		w.line("server.max-write-idle = %d", patience)
	}
	w.line(`proxy.server = ( "/" => (( %s, "disable-time" => 0, "read-timeout" => %d )) )`, w.backend(w.up.web), patience)
}

func (w *lighttpd) backend(a modgw.Address) string {
	if a.Network() == "unix" {
		return `"socket" => ` + w.quoted("path of a socket", a.Target())
	}
	host, port, err := net.SplitHostPort(a.Dialable().Target())
	if err != nil {
		w.fail("address", string(a))
	}
	return fmt.Sprintf(`"host" => %s, "port" => %s`, w.quoted("address", host), port)
}

// hostPattern returns a regular expression for host names with any port.
func (w *lighttpd) hostPattern(hosts []string) string {
	var names []string
	for _, h := range hosts {
		if suffix, wild := strings.CutPrefix(h, "*"); wild {
			names = append(names, ".+"+w.pattern("host", suffix))
		} else {
			names = append(names, w.pattern("host", h))
		}
	}
	return "^(" + strings.Join(names, "|") + ")[.]?(:[0-9]+)?$"
}

// pattern returns a regular expression that matches only text. It uses classes, because lighttpd's
// strings read a backslash in their own way. Characters that cannot be in a class are refused.
func (w *lighttpd) pattern(what, text string) string {
	w.quoted(what, text)
	if strings.ContainsRune(text, '^') {
		w.fail(what, text)
	}
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(".+*?()|{}[]", r) {
			b.WriteString("[" + string(r) + "]")
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
