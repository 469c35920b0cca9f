package apache

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// Options say what the virtual hosts of a configuration are like.
type Options struct {
	Port       int    // 0: 80, with TLS 443
	ServerName string // of the virtual host for apps that any host name reaches; "": localhost
	TLS        *TLS   // nil: plain HTTP

	HTTPPort      int  // of virtual hosts without TLS beside those with it; 0: there are none
	RedirectHTTPS bool // those of HTTPPort only redirect to Port

	TrustedProxies []netip.Prefix // whose headers about clients Apache passes on over HTTP; nil: nobody's
}

func (o Options) withDefaults() Options {
	if o.Port == 0 && o.TLS != nil {
		o.Port = 443
	}
	o.Port = cmp.Or(o.Port, 80)
	o.ServerName = cmp.Or(o.ServerName, "localhost")
	return o
}

// plain are the options of the virtual hosts on HTTPPort.
func (o Options) plain() Options {
	o.Port, o.HTTPPort, o.TLS = o.HTTPPort, 0, nil
	return o
}

// TLS is a certificate with its key, as PEM files.
type TLS struct {
	Certificate string
	Key         string
}

// Config writes virtual hosts for apps, one for each set of apps that share host names. Apps
// without a host go into every virtual host, behind the apps of that host as the gateway has it,
// and into one of their own that comes first: it is the default for all other host names if no
// earlier configuration file has one. Where every app has hosts, the first virtual host answers
// other names with 404.
//
// The listeners are those that the host really has: requests go to the first FastCGI one, a Unix
// socket before TCP. WebSockets, which FastCGI cannot carry, go to the first HTTP listener whose
// peers are trusted, under the same URLs; without one they get no further than Apache. A host that
// has no FastCGI listener gets everything over HTTP.
func Config(apps []modgw.Descriptor, listeners []modgw.Listener, o Options) ([]byte, error) {
	up, err := upstreamOf(listeners, o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	sites := modgw.SitesOf(apps)
	if slices.ContainsFunc(sites, func(s modgw.Site) bool { return slices.Contains(s.Hosts, o.ServerName) }) {
		o.ServerName = nameless // the first virtual host must not have the name of another
	}
	w := &writer{}
	w.head(up, apps, o)
	if o.HTTPPort != 0 && o.RedirectHTTPS {
		w.redirects(sites, o)
	} else if o.HTTPPort != 0 {
		w.sites(sites, up, o.plain())
	}
	w.sites(sites, up, o)
	return w.bytes()
}

// Directives writes what belongs into a virtual host of the administrator's own: everything that
// Config puts between <VirtualHost> and </VirtualHost> for host. An empty host gets the apps
// without one.
func Directives(host string, apps []modgw.Descriptor, listeners []modgw.Listener) ([]byte, error) {
	up, err := upstreamOf(listeners, nil)
	if err != nil {
		return nil, err
	}
	w := &writer{}
	w.head(up, apps, Options{})
	if up.fcgi != "" {
		w.open("IfModule", "mod_ssl.c")
		w.facts()
		w.close("IfModule")
	}
	w.apps(modgw.AppsFor(strings.ToLower(host), apps), up)
	return w.bytes()
}

func (w *writer) head(up upstream, apps []modgw.Descriptor, o Options) {
	w.comment("For Apache 2.4.47 or later, in front of modgw-host. Written by: modgw-host apache config")
	w.comment("Modules it needs: %s", join(needs(up, apps, o)))
	if up.fcgi == "" && up.web.Network() != "unix" {
		w.comment("The host believes what Apache says of clients only where trusted_proxies has Apache's address.")
	}
	if up.distrusted != "" && slices.ContainsFunc(apps, modgw.Descriptor.Upgrades) {
		w.comment("WebSockets end in Apache: the host believes its HTTP listener %q nothing of clients.", up.distrusted)
		w.comment("Let it listen on a Unix socket, or name Apache's address in trusted_proxies.")
	}
}

func (w *writer) sites(sites []modgw.Site, up upstream, o Options) {
	if !slices.ContainsFunc(sites, modgw.Site.Default) {
		w.refusal(o)
	}
	for _, s := range sites {
		w.site(s, up, o)
	}
}

// refusal is the virtual host for names that no app has. Apache takes the first one of a port for
// them, whatever its name.
func (w *writer) refusal(o Options) {
	w.line("")
	w.open("VirtualHost", fmt.Sprintf("*:%d", o.Port))
	w.comment("Host names that no other block has, if no file that Apache reads before this one has a <VirtualHost>")
	w.comment("for the same port: no app is theirs.")
	w.directive("ServerName", nameless)
	w.encryption(o)
	w.directive("Redirect", "404", "/")
	w.close("VirtualHost")
}

// nameless is a server name that no request has (RFC 2606, section 2).
const nameless = "unknown.invalid"

func (w *writer) site(s modgw.Site, up upstream, o Options) {
	w.line("")
	w.open("VirtualHost", fmt.Sprintf("*:%d", o.Port))
	if s.Default() {
		w.comment("Apps without a host. This is the default for all host names that no other block has,")
		w.comment("if no file that Apache reads before this one has a <VirtualHost> for the same port.")
	}
	w.names(s, o)
	w.encryption(o)
	w.comment("A response that breaks off is seen by its client only after this time.")
	w.directive("KeepAliveTimeout", "2")
	if o.TLS != nil && up.fcgi != "" {
		w.facts()
	}
	w.apps(s.Apps, up)
	w.close("VirtualHost")
}

func (w *writer) names(s modgw.Site, o Options) {
	names := s.Hosts
	if s.Default() {
		names = []string{o.ServerName}
	}
	w.directive("ServerName", serverName(names[0]))
	for _, name := range names {
		if name != serverName(names[0]) {
			w.directive("ServerAlias", name)
		}
	}
}

func (w *writer) encryption(o Options) {
	if o.TLS == nil {
		return
	}
	w.directive("SSLEngine", "on")
	w.directive("SSLCertificateFile", o.TLS.Certificate)
	w.directive("SSLCertificateKeyFile", o.TLS.Key)
	w.section("IfModule", []string{"mod_http2.c"}, "Protocols h2 http/1.1")
}

// redirects are virtual hosts without TLS that send their clients to those with it.
func (w *writer) redirects(sites []modgw.Site, o Options) {
	if !slices.ContainsFunc(sites, modgw.Site.Default) {
		w.refusal(o.plain())
	}
	port := ""
	if o.Port != 443 {
		port = fmt.Sprintf(":%d", o.Port)
	}
	for _, s := range sites {
		w.line("")
		w.open("VirtualHost", fmt.Sprintf("*:%d", o.HTTPPort))
		w.names(s, o)
		w.directive("AllowEncodedSlashes", "NoDecode")
		w.directive("RewriteEngine", "On")
		w.comment("The path is taken as the client has sent it.")
		w.directive("RewriteCond", "%{THE_REQUEST}", "^[^ ]+ (/[^ ?]*)")
		w.directive("RewriteRule", "^", "https://%{SERVER_NAME}"+port+"%1", "[R=308,L,NE]")
		w.close("VirtualHost")
	}
}

// serverName is a name that stands for host, which may be a wildcard.
func serverName(host string) string {
	if suffix, ok := strings.CutPrefix(host, "*"); ok {
		return "any" + suffix
	}
	return host
}
