package listen

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// Peers says who may connect. Its zero value lets in whoever the permissions of a Unix socket let in, and over TCP only
// this machine: who can talk to a FastCGI port can claim to be any client and any user.
type Peers struct {
	UIDs     []uint32       // users at the other end of a Unix socket; nil: any
	Networks []netip.Prefix // addresses at the other end of a TCP connection; nil: loopback
}

// Anyone lets every peer in, for protocols whose peers are clients and not servers.
func Anyone() Peers {
	return Peers{Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
}

// Check returns nil when the peer of conn, a Unix socket's or a TCP connection, may connect, and else an error that says
// who it is.
func (p Peers) Check(conn net.Conn) error {
	switch conn := conn.(type) {
	case *net.UnixConn:
		return p.checkUser(conn)
	case *net.TCPConn:
		return p.checkAddress(conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap())
	}
	return nil
}

func (p Peers) checkAddress(addr netip.Addr) error {
	if p.Networks == nil && addr.IsLoopback() {
		return nil
	}
	if slices.ContainsFunc(p.Networks, func(network netip.Prefix) bool { return network.Contains(addr.WithZone("")) }) {
		return nil
	}
	return fmt.Errorf("cannot let %s connect: it is not among the peers allowed", addr)
}

func (p Peers) checkUser(conn *net.UnixConn) error {
	if p.UIDs == nil {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("cannot tell who connects: %w", err)
	}
	var peer *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		peer, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return fmt.Errorf("cannot tell who connects: %w", err)
	}
	if credErr != nil {
		return fmt.Errorf("cannot tell who connects: %w", credErr)
	}
	if !slices.Contains(p.UIDs, peer.Uid) {
		return fmt.Errorf("cannot let user %d (process %d) connect: it is not among the users allowed", peer.Uid, peer.Pid)
	}
	return nil
}
