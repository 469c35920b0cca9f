package forwarded

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
)

// names are all headers with which proxies describe the client. Redundant ones (X-Real-Ip,
// X-Client-Ip, X-Forwarded-Ssl …) are never read: with one header for one purpose there are no
// contradictions.
var names = map[string]bool{
	"Forwarded": true, "X-Forwarded-For": true, "X-Forwarded-Host": true, "X-Forwarded-Port": true,
	"X-Forwarded-Proto": true, "X-Forwarded-Scheme": true, "X-Forwarded-Protocol": true, "X-Forwarded-Ssl": true,
	"X-Forwarded-Https": true, "X-Forwarded-Server": true, "X-Forwarded-By": true, "X-Forwarded-Prefix": true,
	"X-Forwarded": true, "X-Script-Name": true, "X-Real-Ip": true, "X-Client-Ip": true, "X-Cluster-Client-Ip": true,
	"Client-Ip": true, "True-Client-Ip": true, "Cf-Connecting-Ip": true, "Fastly-Client-Ip": true,
	"X-Remote-Addr": true, "X-Url-Scheme": true, "X-Scheme": true, "Front-End-Https": true, "X-Https": true,
	"X-Original-Host": true, "X-Original-Uri": true, "X-Original-Url": true, "X-Rewrite-Url": true,
	"X-Server-Software": true,
}

// Facts are a trusted proxy's statements about the client. Empty fields were not stated.
type Facts struct {
	addr, port  string // the address and port of the client
	proto, host string
	serverPort  string
	prefix      string // the part of the path that the proxy removed
	software    string // SERVER_SOFTWARE of the proxy
}

// Take removes the forwarded headers from a request's header, and returns their contents if the
// peer that sent it is trusted:
//
//	client   X-Forwarded-For, else Forwarded's for=
//	scheme   X-Forwarded-Proto, else Forwarded's proto=
//	host     X-Forwarded-Host, else Forwarded's host=
//	port     X-Forwarded-Port
//	prefix   X-Forwarded-Prefix, else X-Script-Name: the part of the path that the proxy removed
//	proxy    X-Server-Software, which names the program that a proxy runs, as SERVER_SOFTWARE does
//	         in CGI
//
// If a request has X-Forwarded-For, Forwarded is ignored: a proxy adds one kind and passes on the
// client's other one. Headers of a trusted proxy stay visible to the app, except the prefix, which
// is a part of its mount.
func (p Proxies) Take(header http.Header, trusted bool) Facts {
	var f Facts
	var believed []string
	if trusted {
		f = p.read(header)
		believed = []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"}
		if len(elements(header["X-Forwarded-For"])) == 0 {
			believed = append(believed, "Forwarded")
		}
	}
	for name := range header {
		if names[name] && !slices.Contains(believed, name) {
			delete(header, name)
		}
	}
	return f
}

func (p Proxies) read(h http.Header) Facts {
	var f Facts
	hops := elements(h["X-Forwarded-For"])
	if len(hops) == 0 {
		f = p.readRFC7239(h["Forwarded"])
	} else {
		f.addr, f.port = p.client(hops)
	}
	if proto := lastOf(h["X-Forwarded-Proto"]); proto != "" {
		f.proto = proto
	}
	if host := lastOf(h["X-Forwarded-Host"]); host != "" {
		f.host = host
	}
	f.serverPort = lastOf(h["X-Forwarded-Port"])
	if f.prefix = lastOf(h["X-Forwarded-Prefix"]); f.prefix == "" {
		f.prefix = lastOf(h["X-Script-Name"])
	}
	f.software = lastOf(h["X-Server-Software"])
	return f.checked()
}

// readRFC7239 reads Forwarded. The element of the proxy next to the client has all facts.
func (p Proxies) readRFC7239(values []string) Facts {
	all := elements(values)
	hops := make([]string, len(all))
	for i, element := range all {
		hops[i] = parameter(element, "for")
	}
	if len(all) == 0 {
		return Facts{}
	}
	at := p.clientAt(hops)
	f := Facts{proto: parameter(all[at], "proto"), host: parameter(all[at], "host")}
	f.addr, f.port = splitHop(hops[at])
	return f
}

// client is the nearest hop that is no trusted proxy.
func (p Proxies) client(hops []string) (addr, port string) {
	return splitHop(hops[p.clientAt(hops)])
}

// clientAt walks from the nearest hop to the farthest: the entries before the first untrusted hop
// are only that hop's claims. If all are trusted, the farthest is the client.
func (p Proxies) clientAt(hops []string) int {
	for i := len(hops) - 1; i > 0; i-- {
		if addr, _ := splitHop(hops[i]); !p.Contain(addr) {
			return i
		}
	}
	return 0
}

// checked clears fields that are not a valid address, scheme, host, port or prefix.
func (f Facts) checked() Facts {
	if _, err := netip.ParseAddr(f.addr); err != nil {
		f.addr, f.port = "", ""
	}
	if f.proto = strings.ToLower(f.proto); f.proto != "http" && f.proto != "https" {
		f.proto = ""
	}
	if !cgi.ValidHost(f.host) {
		f.host = ""
	}
	if strings.Trim(f.serverPort, "0123456789") != "" || len(f.serverPort) > 5 {
		f.serverPort = ""
	}
	if f.prefix = strings.TrimRight(f.prefix, "/"); !isPrefix(f.prefix) {
		f.prefix = ""
	}
	return f
}

// isPrefix reports whether s may be put before a path: it must not become a host, or lead out of
// its folder.
func isPrefix(s string) bool {
	return strings.HasPrefix(s, "/") && !strings.Contains(s, "//") && cgi.RemoveDots(s) == s &&
		strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/") == ""
}

// Apply changes the request to the one that the client sent to the proxy.
func (f Facts) Apply(r *http.Request, info *modgw.RequestInfo) {
	if f.addr != "" {
		info.RemoteAddr, info.RemotePort = f.addr, f.port
		port := f.port
		if port == "" {
			port = "0"
		}
		r.RemoteAddr = net.JoinHostPort(f.addr, port)
	}
	if f.proto != "" {
		info.Scheme = f.proto
	}
	if f.host != "" {
		r.Host, info.ServerName = f.host, ""
	}
	if f.proto != "" || f.host != "" || f.serverPort != "" {
		info.ServerPort = f.serverPort // the port behind the proxy is not the client's
	}
	if f.prefix != "" {
		info.Prefix = f.prefix
	}
	if info.ServerSoftware == "" {
		info.ServerSoftware = f.software
	}
}

// Resolve changes a request that a web server passed on to the one that the client sent: the
// server's peer, which it names as the client, may be a trusted proxy. If it is not, the forwarded
// headers are removed.
func (p Proxies) Resolve(r *http.Request) {
	info := modgw.RequestInfoOf(r)
	p.Take(r.Header, p.Contain(info.RemoteAddr)).Apply(r, info)
}

// splitHop splits "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80" and "2001:db8::1".
func splitHop(hop string) (addr, port string) {
	if _, err := netip.ParseAddr(hop); err == nil {
		return hop, ""
	}
	if addr, port, err := net.SplitHostPort(hop); err == nil {
		return addr, port
	}
	return strings.Trim(hop, "[]"), ""
}

// elements are the elements of a list header, over all its lines, without empty ones.
func elements(values []string) []string {
	var all []string
	for _, value := range values {
		for element := range strings.SplitSeq(value, ",") {
			if element = strings.TrimSpace(element); element != "" {
				all = append(all, element)
			}
		}
	}
	return all
}

// lastOf returns the element of the nearest proxy, if every proxy may add one.
func lastOf(values []string) string {
	all := elements(values)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// parameter is the value of a parameter of an element of Forwarded (RFC 7239 section 4).
func parameter(element, name string) string {
	for pair := range strings.SplitSeq(element, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(key, name) {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}
