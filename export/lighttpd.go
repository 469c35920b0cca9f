package export

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// Lighttpd writes conditional blocks for apps, one for each set of apps that share host names, for lighttpd's main
// configuration. The listeners are those that the host really has: requests go to the first FastCGI one, else over HTTP,
// uwsgi or SCGI, a Unix socket before TCP. WebSockets go to the HTTP listener, under the same URLs; without one they get
// no further.
func Lighttpd(apps []modgw.Descriptor, listeners []modgw.Listener, o Options) ([]byte, error) {
	up, err := upstreamOf("lighttpd", listeners)
	if err != nil {
		return nil, err
	}
	w := &lighttpd{writer{server: "lighttpd"}, up}
	w.head(apps, o)
	if own := o.Port != 0 || o.TLS != nil || o.Address != ""; own {
		w.socket(o)
		w.sites(modgw.SitesOf(apps))
		w.close()
	} else {
		w.sites(modgw.SitesOf(apps))
	}
	return w.bytes()
}

// lighttpd writes a configuration for lighttpd.
type lighttpd struct {
	writer
	up upstream
}

// lighttpdModules say which module speaks which protocol.
var lighttpdModules = map[string]string{"fastcgi": "mod_fastcgi", "http": "mod_proxy", "uwsgi": "mod_scgi", "scgi": "mod_scgi"}

func (w *lighttpd) head(apps []modgw.Descriptor, o Options) {
	w.comment("For lighttpd 1.4.60 or later, in front of modgw-host. Written by: modgw-host lighttpd config")
	w.comment("It belongs into /etc/lighttpd/conf-available/90-modgw.conf: lighttpd-enable-mod modgw")
	if w.up.web != "" && w.up.web.Network() != "unix" {
		w.comment("The host believes what lighttpd says of clients only where trusted_proxies has lighttpd's address.")
	}
	modules := []string{"mod_access", "mod_alias", "mod_setenv", lighttpdModules[w.up.kind]}
	if w.up.kind != "http" && w.up.speaksHTTP(apps) {
		modules = append(modules, "mod_proxy")
	}
	if o.TLS != nil {
		modules = append(modules, "mod_openssl")
	}
	w.line("")
	w.line(`server.modules += ( "%s" )`, strings.Join(modules, `", "`))
	w.line("")
	w.comment("What comes in these headers comes from the client. lighttpd lets names with _ through, which are the same to an app.")
	w.line("var.modgw_unsaid = (")
	w.indent++
	for _, name := range forwardedHeaders {
		var pairs []string
		for _, spelling := range spellings(name) {
			pairs = append(pairs, fmt.Sprintf(`"%s" => ""`, spelling))
		}
		w.line("%s,", strings.Join(pairs, ", "))
	}
	w.indent--
	w.line(")")
	w.line("")
}

func (w *lighttpd) socket(o Options) {
	w.open(`$SERVER["socket"] == %s`, w.quoted("address", o.listens()))
	if o.TLS != nil {
		w.line(`ssl.engine = "enable"`)
		w.line("ssl.pemfile = %s", w.quoted("certificate", o.TLS.Certificate))
		w.line("ssl.privkey = %s", w.quoted("key of the certificate", o.TLS.Key))
	}
}

// sites writes a chain of conditions, of which the first that holds counts; the apps without a host are the last link.
// Nothing stands outside of a condition, where it would be said to the server's other sites too.
func (w *lighttpd) sites(sites []modgw.Site) {
	var others []modgw.Site
	link := ""
	for _, s := range sites {
		if len(s.Hosts) == 0 {
			others = append(others, s)
			continue
		}
		w.open(`%s$HTTP["host"] =~ "%s"`, link, w.hostPattern(s.Hosts))
		w.site(s)
		w.nowhere(s)
		w.close()
		link = "else "
	}
	for _, s := range others {
		w.comment("Apps without a host.")
		if link == "" {
			w.open(`$HTTP["url"] =~ "^/"`)
		} else {
			w.open("else")
		}
		w.site(s)
		w.close()
	}
}

func (w *lighttpd) site(s modgw.Site) {
	w.line("setenv.set-request-header = var.modgw_unsaid")
	w.comment("Event streams are sent as they come.")
	w.line("server.stream-response-body = 1")
	link := ""
	for _, d := range s.Apps {
		for _, a := range d.Aliases {
			w.alias(d, a, link)
			link = "else "
		}
		origin(&w.writer, d)
		switch {
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

// nowhere sees to it that a site of apps has no file of the server's other sites.
func (w *lighttpd) nowhere(s modgw.Site) {
	if slices.ContainsFunc(s.Apps, func(d modgw.Descriptor) bool { return d.Mount == "/" }) {
		return
	}
	w.open("else")
	w.line(`url.access-deny = ( "" )`)
	w.close()
}

func (w *lighttpd) alias(d modgw.Descriptor, a modgw.Alias, link string) {
	url := strings.TrimSuffix(string(d.Mount), "/") + strings.TrimSuffix(a.Path, "/") + "/"
	what := "alias of app " + string(d.Name)
	w.comment("files of app %q", d.Name)
	w.open(`%s$HTTP["url"] =~ "^%s"`, link, w.pattern(what, url))
	w.line("alias.url = ( %s => %s )", w.quoted(what, url), w.quoted("folder of an alias", strings.TrimSuffix(a.Dir, "/")+"/"))
	w.line(`server.follow-symlink = "disable"`)
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
		w.open(`$REQUEST_HEADER["Upgrade"] =~ "(?i)^websocket$"`)
		w.proxy(d)
		w.close()
		w.open("else")
		defer w.close()
	}
	module := w.up.kind
	if w.up.kind == "uwsgi" {
		module = "scgi"
		w.line(`scgi.protocol = "uwsgi"`)
	}
	w.line(`%s.server = ( "/" => (( %s, "check-local" => "disable", "fix-root-scriptname" => "enable", "disable-time" => 0, "read-timeout" => %d )) )`,
		module, w.backend(w.up.main), d.Patience())
}

func (w *lighttpd) proxy(d modgw.Descriptor) {
	patience := d.Patience()
	if d.Upgrades() {
		patience = d.UpgradePatience()
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

// hostPattern is a regular expression for host names, with whatever port.
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

// pattern is a regular expression for text alone. A class needs no backslash, which lighttpd's strings read in their own
// way; what has no place in a class is refused.
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
