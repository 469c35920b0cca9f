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
	f, err := h.newFront(l.Kind, string(l.Address))
	if err == nil {
		f.listener, err = listen.Open(l)
	}
	return f, err
}

// newFront makes what serves listeners of a kind; address is for the error.
func (h *Host) newFront(kind, address string) (front, error) {
	f := front{kind: kind}
	switch kind {
	case "fastcgi":
		f.server = fcgi.New(fcgi.Config{Handler: h.entrance(), DrainTimeout: h.frontDrain(), Log: h.log})
	case "http":
		f.server = http.New(http.Config{
			Handler: h.entrance(), DrainTimeout: h.frontDrain(), Log: h.log, TrustedProxies: h.trustedProxies(), TrustUnix: true,
		})
	case "uwsgi":
		f.server = uwsgi.New(uwsgi.Config{Handler: h.entrance(), DrainTimeout: h.frontDrain(), Log: h.log})
	case "scgi":
		f.server = scgi.New(scgi.Config{Handler: h.entrance(), DrainTimeout: h.frontDrain(), Log: h.log})
	default:
		return f, &modgw.Fault{
			Code:    "MGW-HST-012",
			Summary: fmt.Sprintf("cannot listen at %q: this host has no front of kind %q", address, kind),
			Hint:    `use "fastcgi", "http", "uwsgi" or "scgi"`,
		}
	}
	return f, nil
}
