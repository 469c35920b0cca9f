package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/modgw/modgw/internal/webconf"
)

// Examine returns everything that is wrong, errors first. An error means that nothing could be
// examined.
func (d *Doctor) Examine(ctx context.Context) ([]Finding, error) {
	var found []Finding
	servers, broken := d.readServers()
	found = append(found, broken...)
	for _, s := range servers {
		found = append(found, s.look()...)
	}
	if len(broken) == 0 {
		found = append(found, d.checkApps(servers)...)
	}
	if !d.Offline {
		found = append(found, d.checkRights(servers)...)
		found = append(found, d.confinements(servers)...)
		found = append(found, d.checkMachine(ctx)...)
	}
	if d.Host != nil && len(broken) == 0 {
		results, err := d.probe(ctx, servers)
		if err != nil {
			return nil, err
		}
		found = merge(found, results)
	}
	return sorted(shared(found)), ctx.Err()
}

// readServers reads the configurations. One that cannot be read is a finding.
func (d *Doctor) readServers() (servers []*server, broken []Finding) {
	for _, config := range d.Servers {
		s := &server{Server: config, doctor: d}
		var err error
		switch config.Kind {
		case Apache:
			s.tree, err = webconf.HTTPD{Version: s.Version, Static: s.Modules, Variables: s.Variables}.Read(s.File)
			s.traits = &httpd{s}
		case Nginx:
			s.tree, err = webconf.ReadNginx(s.File)
			s.traits = &nginx{s}
		case Lighttpd:
			s.tree, err = webconf.ReadLighttpd(s.File)
			s.traits = &lighttpd{s}
		case HAProxy:
			s.tree, err = webconf.ReadHAProxy(s.File)
			s.traits = &haproxy{s}
		default:
			err = fmt.Errorf("no web server is called %q", config.Kind)
		}
		if err != nil {
			f := problem("MGW-DOC-039", err)
			f.File = s.File
			if place, ok := errors.AsType[*webconf.SyntaxError](err); ok {
				f = problem("MGW-DOC-039", place.Text)
				f.File, f.Line = place.File, place.Line
			}
			broken = append(broken, f)
			continue
		}
		s.sites = s.traits.readSites()
		servers = append(servers, s)
	}
	return servers, broken
}

// look returns the problems of a server's configuration.
func (s *server) look() (found []Finding) {
	found = s.traits.checkServer()
	for _, site := range s.sites {
		found = append(found, s.checkSite(site)...)
	}
	for _, p := range s.places() {
		for _, check := range s.traits.checks() {
			found = append(found, check(p)...)
		}
		found = append(found, p.checkTarget()...)
	}
	return found
}

// checkSite returns the problems of a virtual host that sends requests to the host.
func (s *server) checkSite(site *site) (found []Finding) {
	if !site.isOurs() {
		return nil
	}
	for _, c := range site.certs {
		found = append(found, s.doctor.checkCertificate(site, c)...)
	}
	return found
}
