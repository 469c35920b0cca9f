package apache

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// Options are settings of the virtual hosts.
type Options struct {
	// Port is the port of the virtual hosts. Zero means 80, or 443 with certificates.
	Port int

	// ServerName is the name of the virtual host for apps without a host. Empty means localhost.
	ServerName string

	// TLS is the certificate of hosts that have none in Certificates. Nil means plain HTTP.
	TLS *TLS

	// Certificates holds the certificates of single hosts, by name. "*.example.com" counts for all
	// names below example.com.
	Certificates map[string]TLS

	// HTTPPort is the port of virtual hosts without TLS, in addition to those with TLS. Zero means
	// none.
	HTTPPort int

	// RedirectHTTPS makes the virtual hosts on HTTPPort redirect to Port.
	RedirectHTTPS bool

	// TrustedProxies may send headers about the client that Apache passes on over HTTP.
	TrustedProxies []netip.Prefix

	// Balancers are the proxies in front of Apache that it trusts for the client's address and
	// scheme.
	Balancers []netip.Prefix

	// Logs is the folder of an access log and an error log for each virtual host. Empty means that
	// they use Apache's own logs.
	Logs string
}

func (o Options) withDefaults() Options {
	if o.encrypts() {
		o.Port = cmp.Or(o.Port, 443)
	}
	o.Port = cmp.Or(o.Port, 80)
	o.ServerName = cmp.Or(o.ServerName, "localhost")
	return o
}

// encrypts reports whether any virtual host has TLS.
func (o Options) encrypts() bool { return o.TLS != nil || len(o.Certificates) > 0 }

// plain are the options of the virtual hosts on HTTPPort.
func (o Options) plain() Options {
	o.Port, o.HTTPPort, o.TLS, o.Certificates = cmp.Or(o.HTTPPort, 80), 0, nil, nil
	return o
}

// certificate returns the certificate for a virtual host: that of the first name with its own
// certificate, or else the default one.
func (o Options) certificate(names []string) *TLS {
	for _, name := range names {
		_, domain, _ := strings.Cut(name, ".")
		for _, key := range []string{name, "*." + domain} {
			if t, ok := o.Certificates[key]; ok {
				return &t
			}
		}
	}
	return o.TLS
}

// TLS is a certificate with its key, as PEM files.
type TLS struct {
	Certificate string // Certificate is the path of the file with the certificate and its chain.
	Key         string // Key is the path of the file with the private key.
}

// Config writes virtual hosts for apps, one for each set of apps that share host names. Apps
// without a host are added to every virtual host, after the apps of that host, in the order in
// which the gateway matches. They also get a virtual host of their own, which comes first: it is
// the default for all other host names if no earlier configuration file has one. If every app has
// hosts, the first virtual host answers other names with 404.
//
// The listeners are the ones that the host has open. Requests go to the first FastCGI listener, and
// a Unix socket is preferred to TCP. FastCGI cannot carry WebSockets: they go, under the same URLs,
// to the first HTTP listener whose peers are trusted. If there is none, Apache refuses them. If the
// host has no FastCGI listener, everything goes over HTTP.
func Config(apps []modgw.Descriptor, listeners []modgw.Listener, o Options) ([]byte, error) {
	c, err := newPlan(apps, listeners, o)
	if err != nil {
		return nil, err
	}
	w := &writer{}
	w.head(c.up, apps, c.options)
	for _, p := range c.parts {
		p.write(w)
	}
	return w.bytes()
}

// Directives writes the directives for a virtual host that the administrator maintains: everything
// that Config puts between <VirtualHost> and </VirtualHost> for host. An empty host means the apps
// without a host.
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
	w.apps(webserver.Apps(strings.ToLower(host), apps), up)
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

// refusal writes the virtual host for names that no app has. Apache uses the first virtual host of
// a port for them, regardless of its name.
func (w *writer) refusal(o Options) {
	w.line("")
	w.open("VirtualHost", fmt.Sprintf("*:%d", o.Port))
	w.comment("Host names that no other block has, if no file that Apache reads before this one has a <VirtualHost>")
	w.comment("for the same port: no app is theirs.")
	w.directive("ServerName", nameless)
	w.encryption(o.anyCertificate())
	w.directive("Redirect", "404", "/")
	w.close("VirtualHost")
}

// nameless is a server name that no request has (RFC 2606, section 2).
const nameless = "unknown.invalid"

func (w *writer) site(s webserver.Site, up upstream, o Options) {
	certificate := o.certificate(s.Hosts)
	w.line("")
	w.open("VirtualHost", fmt.Sprintf("*:%d", o.Port))
	if s.Default() {
		w.comment("Apps without a host. This is the default for all host names that no other block has,")
		w.comment("if no file that Apache reads before this one has a <VirtualHost> for the same port.")
	}
	w.names(s, o)
	w.encryption(certificate)
	w.balancers(o.Balancers)
	w.siteLogs(fileName(s), o)
	w.comment("A response that breaks off is seen by its client only after this time.")
	w.directive("KeepAliveTimeout", "2")
	if certificate != nil && up.fcgi != "" {
		w.facts()
	}
	w.apps(s.Apps, up)
	w.close("VirtualHost")
}

func (w *writer) names(s webserver.Site, o Options) {
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

func (w *writer) encryption(certificate *TLS) {
	if certificate == nil {
		return
	}
	w.directive("SSLEngine", "on")
	w.directive("SSLCertificateFile", certificate.Certificate)
	w.directive("SSLCertificateKeyFile", certificate.Key)
	w.section("IfModule", []string{"mod_http2.c"}, "Protocols h2 http/1.1")
}

// redirect is a virtual host without TLS that sends its clients to the one with it.
func (w *writer) redirect(s webserver.Site, o Options) {
	port := ""
	if o.Port != 443 {
		port = fmt.Sprintf(":%d", o.Port)
	}
	w.line("")
	w.open("VirtualHost", fmt.Sprintf("*:%d", o.plain().Port))
	w.names(s, o)
	w.balancers(o.Balancers)
	w.siteLogs(fileName(s), o)
	w.directive("AllowEncodedSlashes", "NoDecode")
	w.directive("RewriteEngine", "On")
	if len(o.Balancers) > 0 {
		w.comment("A balancer that has ended TLS itself says so.")
		w.directive("RewriteCond", "%{ENV:HTTPS}", "!=on")
	}
	w.comment("The path is taken as the client has sent it.")
	w.directive("RewriteCond", "%{THE_REQUEST}", "^[^ ]+ (/[^ ?]*)")
	w.directive("RewriteRule", "^", "https://%{SERVER_NAME}"+port+"%1", "[R=308,L,NE]")
	w.close("VirtualHost")
}

// balancers lets Apache take the client's address and scheme from proxies in front of it.
func (w *writer) balancers(proxies []netip.Prefix) {
	if len(proxies) == 0 {
		return
	}
	w.comment("What the balancers in front say of the client: its address, and whether it came over TLS.")
	w.directive("RemoteIPHeader", "X-Forwarded-For")
	trusted := []string{}
	for _, p := range proxies {
		w.directive("RemoteIPTrustedProxy", p.Masked().String())
		trusted = append(trusted, fmt.Sprintf("%%{CONN_REMOTE_ADDR} -ipmatch '%s'", p.Masked()))
	}
	w.directive("SetEnvIfExpr", "("+strings.Join(trusted, " || ")+") && %{HTTP:X-Forwarded-Proto} == 'https'", "HTTPS=on")
}

// siteLogs adds an access log and an error log to a virtual host. The lines of the access log end
// in the id of the request, which the host logs too, and in the time that the request took in
// microseconds.
func (w *writer) siteLogs(name string, o Options) {
	if o.Logs == "" {
		return
	}
	w.directive("ErrorLog", o.Logs+"/"+name+"-error.log")
	w.directive("CustomLog", o.Logs+"/"+name+"-access.log",
		`%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %{UNIQUE_ID}e %D`)
}

// serverName returns a name that is valid in place of host, which may be a wildcard.
func serverName(host string) string {
	if suffix, ok := strings.CutPrefix(host, "*"); ok {
		return "any" + suffix
	}
	return host
}
