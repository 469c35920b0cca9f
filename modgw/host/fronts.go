package host

import (
	"context"
	"fmt"
	"net"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/front/fcgi"
	"github.com/modgw/modgw/modgw/front/http"
	"github.com/modgw/modgw/modgw/front/listen"
	"github.com/modgw/modgw/modgw/front/scgi"
	"github.com/modgw/modgw/modgw/front/serving"
	"github.com/modgw/modgw/modgw/front/uwsgi"
)

// front is an open listener and what serves it.
type front struct {
	kind     string
	listener net.Listener
	server   interface {
		Serve(context.Context, net.Listener) error
	}
}

func (f front) serve(ctx context.Context) error { return f.server.Serve(ctx, f.listener) }

// address is where it really listens: a port 0 has become the one that the kernel chose.
func (f front) address() string {
	if a := f.listener.Addr(); a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return f.listener.Addr().String()
}

func (h *Host) openFront(l modgw.Listener) (front, error) {
	f, err := h.newFront(l)
	if err == nil {
		f.listener, err = listen.Open(l)
	}
	return f, err
}

// newFront makes what serves a listener that is not open yet.
func (h *Host) newFront(l modgw.Listener) (front, error) {
	f := front{kind: l.Kind}
	common := serving.Config{
		Handler:        h.entrance(),
		Log:            h.log,
		Peers:          listen.Peers{Networks: l.Allow},
		MaxConnections: l.MaxConnections,
		DrainTimeout:   h.frontDrain(),
	}
	switch l.Kind {
	case "fastcgi":
		f.server = fcgi.New(fcgi.Config{Config: common})
	case "http":
		f.server = http.New(http.Config{
			Handler: h.entrance(), DrainTimeout: h.frontDrain(), Log: h.log, TrustedProxies: h.trustedProxies(), TrustUnix: true,
		})
	case "uwsgi":
		f.server = uwsgi.New(uwsgi.Config{Config: common})
	case "scgi":
		f.server = scgi.New(scgi.Config{Config: common})
	default:
		return f, &modgw.Fault{
			Code:    "MGW-HST-012",
			Summary: fmt.Sprintf("cannot listen at %q: this host has no front of kind %q", l.Address, l.Kind),
			Hint:    `use "fastcgi", "http", "uwsgi" or "scgi"`,
		}
	}
	return f, nil
}
