package apache

import (
	"fmt"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// Options say what the virtual hosts of a configuration are like.
type Options struct {
	Port       int    // 0: 80, with TLS 443
	ServerName string // of the virtual host for apps that any host name reaches; "": localhost
	TLS        *TLS   // nil: plain HTTP
}

// TLS is a certificate with its key, as PEM files.
type TLS struct {
	Certificate string
	Key         string
}

// Config writes virtual hosts for apps, one for each set of apps that share host names. Apps without a host go into
// every virtual host, behind the apps of that host as the gateway has it, and into one of their own that comes first: it
// is the default for all other host names if no earlier configuration file has one.
//
// The listeners are those that the host really has: requests go to the first FastCGI one, a Unix socket before TCP.
// WebSockets, which FastCGI cannot carry, go to the first HTTP listener on a Unix socket, under the same URLs; without
// one they get no further than Apache. A host that has no FastCGI listener gets everything over HTTP.
func Config(apps []modgw.Descriptor, listeners []modgw.Listener, o Options) ([]byte, error) {
	up, err := upstreamOf(listeners)
	if err != nil {
		return nil, err
	}
	if o.Port == 0 {
		o.Port = 80
		if o.TLS != nil {
			o.Port = 443
		}
	}
	if o.ServerName == "" {
		o.ServerName = "localhost"
	}
	w := &writer{}
	w.head(up, apps, o)
	for _, s := range modgw.SitesOf(apps) {
		w.site(s, up, o)
	}
	return w.bytes()
}

// Directives writes what belongs into a virtual host of the administrator's own: everything that Config puts between
// <VirtualHost> and </VirtualHost> for host. An empty host gets the apps without one.
func Directives(host string, apps []modgw.Descriptor, listeners []modgw.Listener) ([]byte, error) {
	up, err := upstreamOf(listeners)
	if err != nil {
		return nil, err
	}
	w := &writer{}
	w.head(up, apps, Options{})
	w.apps(modgw.AppsFor(strings.ToLower(host), apps), up)
	return w.bytes()
}

func (w *writer) head(up upstream, apps []modgw.Descriptor, o Options) {
	w.comment("For Apache 2.4.47 or later, in front of modgw-host. Written by: modgw-host apache config")
	w.comment("Modules it needs: %s", join(needs(up, apps, o)))
	if up.fcgi == "" && up.web.Network() != "unix" {
		w.comment("The host believes what Apache says of clients only where trusted_proxies has Apache's address.")
	}
}

func (w *writer) site(s modgw.Site, up upstream, o Options) {
	w.line("")
	w.open("VirtualHost", fmt.Sprintf("*:%d", o.Port))
	names := s.Hosts
	if len(names) == 0 {
		w.comment("Apps without a host. This is the default for all host names that no other block has,")
		w.comment("if no file that Apache reads before this one has a <VirtualHost> for the same port.")
		names = []string{o.ServerName}
	}
	w.directive("ServerName", serverName(names[0]))
	for _, name := range names {
		if name != serverName(names[0]) {
			w.directive("ServerAlias", name)
		}
	}
	if o.TLS != nil {
		w.directive("SSLEngine", "on")
		w.directive("SSLCertificateFile", o.TLS.Certificate)
		w.directive("SSLCertificateKeyFile", o.TLS.Key)
		w.section("IfModule", []string{"mod_http2.c"}, "Protocols h2 http/1.1")
	}
	w.comment("A response that breaks off is seen by its client only after this time.")
	w.directive("KeepAliveTimeout", "2")
	w.apps(s.Apps, up)
	w.close("VirtualHost")
}

// serverName is a name that stands for host, which may be a wildcard.
func serverName(host string) string {
	if suffix, ok := strings.CutPrefix(host, "*"); ok {
		return "any" + suffix
	}
	return host
}
