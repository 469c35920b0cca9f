package host

import (
	"cmp"
	"context"
	"fmt"
	"net"
	nethttp "net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/diagnosis"
	"github.com/modgw/modgw/modgw/front"
	"github.com/modgw/modgw/modgw/front/certs"
	"github.com/modgw/modgw/modgw/front/fcgi"
	"github.com/modgw/modgw/modgw/front/http"
	"github.com/modgw/modgw/modgw/front/scgi"
	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/upgrade"
)

// openFront is an open listener and the front that serves it.
type openFront struct {
	settings     modgw.Listener
	listener     net.Listener
	passed       bool         // a service manager has opened the listener
	name         string       // name that it was passed with
	certificates *certs.Store // nil without TLS
	peers        listen.Peers // may connect; set together with server
	server       interface {
		Serve(context.Context, net.Listener) error
		SetHandover(listen.Handover)
	}
}

func (f *openFront) serve(ctx context.Context) error { return f.server.Serve(ctx, f.listener) }

// address returns the actual address: port 0 has become the one that the kernel chose.
func (f *openFront) address() string { return addressOf(f.listener) }

func addressOf(l net.Listener) string {
	if a := l.Addr(); a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return l.Addr().String()
}

func (f *openFront) close() {
	if f.listener != nil {
		f.listener.Close()
	}
	if f.certificates != nil {
		f.certificates.Close()
	}
}

// openFronts opens all fronts or none.
func (h *Host) openFronts() ([]*openFront, error) {
	fronts := h.newFronts()
	for _, socket := range h.config.Sockets {
		if l, known := h.settingsOf(socket); !known {
			h.log.Warn("passed socket taken for HTTP: neither its name nor a listen block says what is spoken there",
				"name", socket.Name, "address", string(l.Address), "names", strings.Join(modgw.Protocols(), ", "))
		}
	}
	if err := h.prepareFronts(fronts); err != nil {
		for _, f := range fronts {
			f.close()
		}
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stores = nil
	for _, f := range fronts {
		if f.certificates != nil {
			h.stores = append(h.stores, f.certificates)
		}
	}
	return fronts, nil
}

// certificates are those that clients of the fronts see.
func (h *Host) certificates() (all []diagnosis.Certificate) {
	h.mu.Lock()
	stores := h.stores
	h.mu.Unlock()
	for _, s := range stores {
		for _, c := range s.Certificates() {
			all = append(all, diagnosis.Certificate(c))
		}
	}
	return all
}

// newFronts returns the fronts of the host: on sockets that were passed open, and on the
// listeners that are not among them.
func (h *Host) newFronts() []*openFront {
	var fronts []*openFront
	for _, socket := range h.config.Sockets {
		settings, _ := h.settingsOf(socket)
		fronts = append(fronts, &openFront{settings: settings, listener: socket.Listener, passed: true, name: socket.Name})
	}
	opened := fronts
	for _, l := range h.Listeners() {
		if !slices.ContainsFunc(opened, func(f *openFront) bool { return f.settings.Kind == l.Kind && f.settings.Address == l.Address }) {
			fronts = append(fronts, &openFront{settings: l})
		}
	}
	return fronts
}

// settingsOf returns the settings of a socket that was passed open. known reports whether its name
// or the host's file determines its protocol; otherwise that is HTTP.
func (h *Host) settingsOf(s Socket) (l modgw.Listener, known bool) {
	address := modgw.Address((&openFront{listener: s.Listener}).address())
	for _, l := range h.file.Listeners {
		if (s.Kind == "" || l.Kind == s.Kind) && l.Address == address {
			return l, true
		}
	}
	return modgw.Listener{Kind: cmp.Or(s.Kind, "http"), Address: address}, s.Kind != ""
}

// prepareFronts reads certificates before it opens a listener: an open listener must answer.
func (h *Host) prepareFronts(fronts []*openFront) (err error) {
	for _, f := range fronts {
		if !f.settings.Encrypted() {
			continue
		}
		if f.certificates, err = certs.New(certs.Config{
			Listener:  f.settings,
			ACMECache: filepath.Join(h.State(), "acme"),
			Log:       h.log,
		}); err != nil {
			return err
		}
	}
	for _, f := range fronts {
		if err := h.prepareFront(f, fronts); err != nil {
			return err
		}
	}
	for _, f := range fronts {
		if f.listener == nil {
			if f.listener, err = h.openOrInherit(upgrade.Front, f.settings.Kind, f.settings); err != nil {
				return err
			}
		}
	}
	return nil
}

// prepareFront creates the front for a listener.
func (h *Host) prepareFront(f *openFront, all []*openFront) error {
	l := f.settings
	peers, err := peersOf(l)
	if err != nil {
		return err
	}
	f.peers = peers
	common := front.Config{
		Handler:        h.handler(),
		Log:            h.log,
		Refused:        h.requestRefused,
		Peers:          peers,
		TrustedProxies: h.TrustedProxies(),
		MaxConnections: l.MaxConnections,
		DrainTimeout:   h.frontDrain(),
	}
	switch l.Kind {
	case "fastcgi":
		f.server = fcgi.New(fcgi.Config{Config: common, Loops: h.loops.all, Authorizer: h.dev == nil})
	case "http":
		f.server = http.New(h.httpConfig(f, all))
	case "uwsgi":
		f.server = scgi.NewUWSGI(common)
	case "scgi":
		f.server = scgi.New(common)
	default:
		return &modgw.Fault{
			Code:    "MGW-HST-012",
			Summary: fmt.Sprintf("cannot listen at %q: this host has no front of kind %q", l.Address, l.Kind),
			Hint:    `use "fastcgi", "http", "uwsgi" or "scgi"`,
		}
	}
	return nil
}

func (h *Host) httpConfig(f *openFront, all []*openFront) http.Config {
	l := f.settings
	c := http.Config{
		Handler:        h.handler(),
		Loops:          h.loops.all,
		Log:            h.log,
		Refused:        h.requestRefused,
		TrustedProxies: h.TrustedProxies(),
		TrustUnix:      true,
		ProxyProtocol:  l.ProxyProtocol,
		Allow:          l.Allow,
		UIDs:           f.peers.UIDs,
		GIDs:           f.peers.GIDs,
		MaxConnections: l.MaxConnections,
		HeaderTimeout:  l.HeaderTimeout,
		IdleTimeout:    l.IdleTimeout,
		WriteTimeout:   l.WriteTimeout,
		BodyGrace:      l.BodyTimeout,
		MinBodyRate:    int(l.BodyRate),
		MaxHeaderBytes: int(l.MaxHeader),
		MaxHeaders:     l.MaxHeaders,
		DrainTimeout:   h.frontDrain(),
	}
	if f.certificates != nil {
		c.TLS = f.certificates.TLS()
		return c
	}
	if l.RedirectHTTPS {
		c.Handler = http.RedirectHTTPS(c.Handler)
	}
	c.Handler = challenged(c.Handler, all)
	return c
}

// challenged answers the challenges of a certificate authority at a listener without TLS.
func challenged(h nethttp.Handler, fronts []*openFront) nethttp.Handler {
	for _, f := range fronts {
		if f.certificates != nil {
			h = f.certificates.Challenges(h)
		}
	}
	return h
}
