package migrate

import (
	"path"
	"slices"
	"strings"
)

// Served is an address at which the old server of an app answered, and to which a web server in
// front connected.
type Served struct {
	App     *App   // app that was served there
	Address string // "unix:PATH" or "HOST:PORT", as [Address] writes it
	Place          // line that names it
}

// Serve remembers that an app was served at an address, for readers of web servers.
func (p *Plan) Serve(a *App, address string, at Place) {
	p.served = append(p.served, Served{a, Address(address), at})
}

// ServedAt returns the apps that were served at an address, in the order of the sources. All
// sources have been read only in the stage [Fronts].
func (p *Plan) ServedAt(address string) (found []*App) {
	address = Address(address)
	for _, s := range p.served {
		if s.Address == address && !slices.Contains(found, s.App) {
			found = append(found, s.App)
		}
	}
	return found
}

// Stage is a part of the work after all sources have been read.
type Stage int

// The stages, in their order.
const (
	Rest   Stage = iota // apps of files that no other source named
	Fronts              // web servers in front of the apps
	Names               // makes the hosts of apps distinct
	stages
)

// Finally calls f in a stage, when all sources have been read.
func (p *Plan) Finally(in Stage, f func()) { p.finally[in] = append(p.finally[in], f) }

// finish calls the functions of all stages.
func (p *Plan) finish() {
	for in := Stage(0); in < stages; {
		if len(p.finally[in]) == 0 {
			in++
			continue
		}
		f := p.finally[in][0]
		p.finally[in] = p.finally[in][1:]
		f()
	}
}

// Address is an address in one form, so that two can be compared: the names of this machine, and
// all of its addresses, are 127.0.0.1.
func Address(text string) string {
	text = strings.TrimSpace(text)
	for _, scheme := range []string{"http://", "https://", "tcp://", "uwsgi://", "unix://"} {
		text = strings.TrimPrefix(text, scheme)
	}
	socket, isSocket := strings.CutPrefix(text, "unix:")
	if isSocket || strings.HasPrefix(text, "/") {
		socket, _, _ = strings.Cut(socket, ":") // nginx has a path of URLs behind it
		return "unix:" + path.Clean("/"+socket)
	}
	text, _, _ = strings.Cut(text, "/")
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return text
	}
	switch text[:at] {
	case "", "localhost", "0.0.0.0", "*", "[::]", "[::1]":
		return "127.0.0.1" + text[at:]
	}
	return text
}

// Claim reports whether nothing else has claimed a key. Readers claim a file of which one app is to
// be made, which several sources name.
func (p *Plan) Claim(key string) (first bool) {
	if p.claims == nil {
		p.claims = map[string]bool{}
	}
	first = !p.claims[key]
	p.claims[key] = true
	return first
}
