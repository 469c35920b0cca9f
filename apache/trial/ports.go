package trial

import (
	"net"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
)

// usualPort is the port of sites whose configuration names none.
const usualPort = "80"

// ports maps the ports of the configuration to free ones.
type ports struct {
	free map[string]int  // by the port in the configuration
	tls  map[string]bool // ports of the configuration on which there is TLS
}

// findPorts finds a free port for each that the sites have.
func findPorts(tree *webconf.Tree) (*ports, error) {
	p := &ports{free: map[string]int{}, tls: map[string]bool{}}
	for _, site := range tree.Everywhere("VirtualHost") {
		for _, address := range site.Args {
			port := portOf(address)
			p.free[port] = 0
			for _, engine := range site.Find("SSLEngine") {
				p.tls[port] = p.tls[port] || strings.EqualFold(engine.Arg(0), "on")
			}
		}
	}
	if len(p.free) == 0 {
		p.free[usualPort] = 0
	}
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			l.Close()
		}
	}()
	for port := range p.free {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, l)
		p.free[port] = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

// portOf is the port of an address of a site: "*:443", "[::1]:80", "_default_", "www.example.com".
func portOf(address string) string {
	i := strings.LastIndexByte(address, ':')
	if i < 0 || strings.HasSuffix(address, "]") || address[i+1:] == "*" || address[i+1:] == "" {
		return usualPort
	}
	return address[i+1:]
}

// addresses returns the addresses of a site with the free ports.
func (p *ports) addresses(of []string) (all []string) {
	seen := map[string]bool{}
	for _, address := range of {
		port := portOf(address)
		if !seen[port] {
			seen[port] = true
			all = append(all, net.JoinHostPort("*", strconv.Itoa(p.free[port])))
		}
	}
	return all
}

// first returns the free port in place of the usual port, or else of the first other port with or
// without TLS.
func (p *ports) first(usual string, tls bool) (port int) {
	if free := p.free[usual]; free != 0 && p.tls[usual] == tls {
		return free
	}
	lowest := ""
	for name, free := range p.free {
		if p.tls[name] == tls && (lowest == "" || name < lowest) {
			lowest, port = name, free
		}
	}
	return port
}
