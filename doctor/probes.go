package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"

	"github.com/modgw/modgw/modgw/probe"
)

// probe sends probes to all places through the web servers.
func (d *Doctor) probe(ctx context.Context, servers []*server) (all []verdict, err error) {
	key, err := d.Host.ArmProbes(ctx, probe.MaxLifetime)
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for _, s := range servers {
		for _, p := range s.places() {
			for _, e := range d.endpoints(p.site) {
				where := fmt.Sprintf("%s %s %s %s", e.url(), p.host, p.app.Name, p.app.Mount)
				if asked[where] {
					continue
				}
				asked[where] = true
				pr := &prober{doctor: d, place: p, key: key, endpoint: e}
				pr.run(ctx)
				all = append(all, pr.verdicts...)
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
			}
		}
	}
	return all, nil
}

// endpoints are where a site can be asked from this machine.
func (d *Doctor) endpoints(s *site) (all []endpoint) {
	if d.URLs != nil {
		for _, text := range d.URLs {
			u, err := url.Parse(text)
			if err != nil || u.Hostname() == "" {
				continue
			}
			e := endpoint{tls: u.Scheme == "https", address: u.Host}
			if u.Port() == "" {
				e.address = net.JoinHostPort(u.Hostname(), map[bool]string{false: "80", true: "443"}[e.tls])
			}
			if s.tls == e.tls {
				all = append(all, d.from(e))
			}
		}
		return all
	}
	for _, a := range s.addresses {
		host, port, err := net.SplitHostPort(a)
		if err != nil || port == "*" {
			continue
		}
		if host == "" {
			host = "127.0.0.1"
		}
		all = append(all, d.from(endpoint{address: net.JoinHostPort(host, port), tls: s.tls}))
	}
	return all
}

// from chooses an address on loopback that is no trusted proxy's, whom the host would believe.
func (d *Doctor) from(e endpoint) endpoint {
	host, _, _ := net.SplitHostPort(e.address)
	to, err := netip.ParseAddr(host)
	if host == "localhost" {
		to, err = netip.MustParseAddr("127.0.0.1"), nil
	}
	if err == nil && to.IsLoopback() && to.Is4() && d.trusts("127.0.0.1") && !d.trusts("127.9.9.9") {
		e.local = net.ParseIP("127.9.9.9")
	}
	return e
}

// trusts reports whether an address belongs to a trusted proxy.
func (d *Doctor) trusts(address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(d.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// run sends all probes. Without an answer to the first one the others would show nothing.
func (p *prober) run(ctx context.Context) {
	a := p.ask(ctx, probe.Echo, "", request{})
	if a.err != nil && a.status == 0 {
		p.say("MGW-DOC-033", false, p.endpoint.address, reasonOf(a.err))
		return
	}
	p.say("MGW-DOC-033", true)
	if a.report == nil {
		if a.redirects(p) || a.status == http.StatusUnauthorized {
			// a site that sends clients elsewhere, or asks for a password, lets no probe pass
			return
		}
		p.say("MGW-DOC-034", false, p.host()+p.place.path(), a.refusal)
		return
	}
	p.say("MGW-DOC-034", true)
	p.say("MGW-DOC-032", a.report.App == "" || a.report.App == p.place.app.Name || !p.doctor.examines(a.report.App), a.report.App)
	p.say("MGW-DOC-013", sameHost(a.report.Host, p.host()))
	p.say("MGW-DOC-006", a.report.Scheme == p.scheme())
	if !p.doctor.trusts(a.local) {
		p.say("MGW-DOC-007", a.report.RemoteAddr == a.local)
	}
	for _, ask := range []func(context.Context){
		p.askPath, p.askHeaders, p.askForged, p.askLength, p.askErrors, p.askLargeHeader, p.askBodies, p.askContinue, p.askStream, p.askUpgrade,
	} {
		ask(ctx)
	}
}
