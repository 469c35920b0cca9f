package loader

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// checkListener reports settings of a listener that do not go together.
func checkListener(w written, h *modgw.HostFile, l *modgw.Listener) {
	if l.Allow != nil && l.Address.Network() == "unix" {
		w.wrong("allow", "It is about TCP; who may open a Unix socket is for mode, owner and group to say.")
	}
	if l.AllowUsers != nil && !l.Trusting() {
		w.wrong("allow_users", "Anybody may connect to a port that speaks HTTP to clients; only allow bounds that.")
	}
	if l.Kind == "http" {
		w.checkHTTP(h, l)
		return
	}
	for name, set := range map[string]bool{
		"proxy_protocol": l.ProxyProtocol, "redirect_https": l.RedirectHTTPS, "tls": l.TLS != nil, "acme": l.ACME != nil,
		"client_ca": l.ClientCA != "", "client_certificate": l.ClientCertificate != "",
		"timeouts": l.HeaderTimeout > 0, "limits": l.MaxHeader > 0,
	} {
		if set {
			w.wrong(name, fmt.Sprintf("Only listen \"http\" has it; this one is %q.", l.Kind))
		}
	}
}

func (w written) checkHTTP(h *modgw.HostFile, l *modgw.Listener) {
	if l.ProxyProtocol && l.Address.Network() == "tcp" && len(h.TrustedProxies) == 0 {
		w.wrong("proxy_protocol", "No client could connect: name the proxies, trusted_proxies = [\"10.0.0.5/32\"]")
	}
	if l.ProxyProtocol && l.Allow != nil {
		w.wrong("allow", "With proxy_protocol only trusted_proxies may connect.")
	}
	if l.Encrypted() && l.RedirectHTTPS {
		w.wrong("redirect_https", "This listener has TLS. Set it on the one at port 80.")
	}
	if !l.Encrypted() && l.ClientCA != "" {
		w.wrong("client_ca", "It is about TLS: the listener needs a block \"tls\" or \"acme\".")
	}
	if l.ClientCertificate != "" && l.ClientCA == "" {
		w.wrong("client_certificate", "It needs client_ca, the authorities whose certificates count.")
	}
}

// checkPair reports a certificate and a key that cannot be used, and warns of a key that is none
// because everybody may read it. It reads them with the rights that a file of the host is read
// with.
func (w written) checkPair(c modgw.Certificate) {
	reader := w.scope.files
	certificate, err := reader.read(c.File)
	if err != nil {
		w.wrong("certificate", sentence(fmt.Sprintf("%q cannot be read: %s", c.File, reason(err))))
		return
	}
	key, err := reader.read(c.Key)
	if err != nil {
		w.wrong("key", sentence(fmt.Sprintf("%q cannot be read: %s", c.Key, reason(err))))
		return
	}
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		w.wrong("certificate", sentence(strings.TrimPrefix(err.Error(), "tls: ")))
	}
	if info, err := reader.stat(c.Key); err == nil && info.Mode()&0o004 != 0 {
		w.doubt("key", fmt.Sprintf("Every user of this machine may read %q: chmod o-r", c.Key))
	}
}

// checkACME reports names that no authority gives a certificate for.
func checkACME(w written, a *modgw.ACME, agreed bool) {
	if !agreed {
		w.wrong("agree_tos", "Read the authority's terms of service, and write agree_tos = true")
	}
	for _, host := range a.Hosts {
		switch {
		case strings.HasPrefix(host, "*."):
			w.wrong("hosts", fmt.Sprintf("%q has a \"*\": the authority would have to look into the DNS; name each host, or use files (tls).", host))
		case net.ParseIP(host) != nil, !strings.Contains(host, "."):
			w.wrong("hosts", fmt.Sprintf("%q is no name that a public authority gives certificates for.", host))
		}
	}
}
