package scripthost

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
)

// Relay passes connections of a web server on to the host, which is started as often as it has
// ended, until ctx is done. Then it waits for the connections that there are.
func (h Host) Relay(ctx context.Context, ln net.Listener, log *slog.Logger) error {
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	allowed := webServers(os.Getenv("FCGI_WEB_SERVER_ADDRS"))
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		conns.Go(func() {
			defer conn.Close()
			if !allowed(conn) {
				log.Warn("connection refused", "peer", conn.RemoteAddr().String())
				return
			}
			host, err := h.Connect(ctx)
			if err != nil {
				log.Error("host not reached", "error", err.Error())
				return
			}
			defer host.Close()
			pass(conn, host)
		})
	}
}

// pass copies bytes between a web server and the host. If the host has ended first, the web server
// can still send a body that is not needed: mod_fcgid looks for the response only after that.
func pass(web, host net.Conn) {
	var response sync.WaitGroup
	response.Go(func() {
		_, _ = io.Copy(web, host) // the web server sees the end, regardless of the reason
		if half, ok := web.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite() // it may have gone
		}
	})
	if _, err := io.Copy(host, web); err != nil {
		_, _ = io.Copy(io.Discard, web)
	}
	host.Close()
	response.Wait()
}

// webServers decides who may connect over TCP (FastCGI 1.0, section 3.2): the addresses in the
// list, or everyone if it is empty.
func webServers(list string) func(net.Conn) bool {
	if list == "" {
		return func(net.Conn) bool { return true }
	}
	allowed := map[netip.Addr]bool{}
	for text := range strings.SplitSeq(list, ",") {
		if a, err := netip.ParseAddr(strings.TrimSpace(text)); err == nil {
			allowed[a.Unmap()] = true
		}
	}
	return func(conn net.Conn) bool {
		peer, err := netip.ParseAddrPort(conn.RemoteAddr().String())
		return err != nil || allowed[peer.Addr().Unmap()] // a Unix socket's peer has no address
	}
}
