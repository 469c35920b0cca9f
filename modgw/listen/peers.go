package listen

import (
	"fmt"
	"net"
	"net/netip"
	"os/user"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Peers decides which peers may connect. The zero value admits everyone whom the permissions of a
// Unix socket admit, and over TCP only this machine.
//
// A client of a FastCGI port can claim to be any client and any user. Any process of this machine,
// including those of apps, can connect to a loopback port. Therefore users can be named for TCP as
// well: the kernel knows the owner of the socket at the other end.
type Peers struct {
	UIDs     []uint32       // users on this machine; nil without GIDs: any
	GIDs     []uint32       // groups whose members may connect, in addition to UIDs
	Networks []netip.Prefix // addresses at the other end of a TCP connection; nil: loopback
}

// Anyone admits every peer, for protocols that clients themselves use.
func Anyone() Peers {
	return Peers{Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
}

// Check returns nil if the peer of conn, which is a Unix or TCP connection, may connect. Otherwise
// the error identifies the peer.
func (p Peers) Check(conn net.Conn) error {
	switch conn := conn.(type) {
	case *net.UnixConn:
		return p.checkUnix(conn)
	case *net.TCPConn:
		return p.checkTCP(conn)
	}
	return nil
}

// Admits reports whether processes of a user of this machine may connect, as far as the peers
// decide.
func (p Peers) Admits(uid uint32) bool {
	return p.anyUser() || slices.Contains(p.UIDs, uid) || p.memberOf(uid)
}

func (p Peers) anyUser() bool { return p.UIDs == nil && p.GIDs == nil }

// memberOf reports whether a user is in one of the groups.
func (p Peers) memberOf(uid uint32) bool {
	if len(p.GIDs) == 0 {
		return false
	}
	u, err := user.LookupId(strconv.Itoa(int(uid)))
	if err != nil {
		return false
	}
	groups, err := u.GroupIds()
	return err == nil && slices.ContainsFunc(groups, func(id string) bool {
		gid, err := strconv.ParseUint(id, 10, 32)
		return err == nil && slices.Contains(p.GIDs, uint32(gid))
	})
}

func (p Peers) checkTCP(conn *net.TCPConn) error {
	remote := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	if err := p.checkAddress(remote.Addr().Unmap()); err != nil || p.anyUser() {
		return err
	}
	uid, here, err := userAt(remote, conn.LocalAddr().(*net.TCPAddr).AddrPort())
	switch {
	case err != nil:
		return fmt.Errorf("cannot tell whose process connects from %s: %w", remote, err)
	case here && !p.Admits(uid):
		return fmt.Errorf("cannot let user %d connect from %s: it is not among the users allowed", uid, remote)
	case !here && remote.Addr().Unmap().IsLoopback():
		return fmt.Errorf("cannot let %s connect: its process has closed the connection, or cannot be seen", remote)
	}
	return nil // another machine's, which is among the networks
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

func (p Peers) checkUnix(conn *net.UnixConn) error {
	if p.anyUser() {
		return nil
	}
	peer, err := CredentialsOf(conn)
	if err != nil {
		return err
	}
	if !p.Admits(peer.Uid) {
		return fmt.Errorf("cannot let user %d (process %d) connect: it is not among the users allowed", peer.Uid, peer.Pid)
	}
	return nil
}

// CredentialsOf returns the user and the process that connected, as the kernel knows them
// (SO_PEERCRED, unix(7)).
func CredentialsOf(conn *net.UnixConn) (unix.Ucred, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return unix.Ucred{}, fmt.Errorf("cannot tell who connects: %w", err)
	}
	var peer *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		peer, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return unix.Ucred{}, fmt.Errorf("cannot tell who connects: %w", err)
	}
	if credErr != nil {
		return unix.Ucred{}, fmt.Errorf("cannot tell who connects: %w", credErr)
	}
	return *peer, nil
}
