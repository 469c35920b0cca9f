package listen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// userAt returns the user whose TCP socket at local is connected to remote. It returns false if no
// process of this machine or network namespace has such a socket. The kernel answers for one
// connection at a constant cost (sock_diag(7)). If that is not available, userAt searches the
// kernel's table of all connections.
func userAt(local, remote netip.AddrPort) (uid uint32, found bool, err error) {
	uid, found, err = askSockDiag(local, remote)
	if err != nil {
		uid, found, err = searchTables(local, remote)
	}
	return uid, found, err
}

// Sizes and constants of linux/inet_diag.h and linux/sock_diag.h.
const (
	sockDiagByFamily = 20
	socketIDSize     = 48
	diagRequestSize  = 8 + socketIDSize
	diagMessageSize  = 4 + socketIDSize + 20
	stateListen      = 10
)

func askSockDiag(local, remote netip.AddrPort) (uid uint32, found bool, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, false, err
	}
	defer unix.Close(fd)
	// The kernel answers at once. The limit is for emulations of it.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		return 0, false, err
	}
	if err := unix.Sendto(fd, diagRequest(local, remote), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, false, err
	}
	answer := make([]byte, 1024)
	n, from, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return 0, false, err
	}
	if kernel, ok := from.(*unix.SockaddrNetlink); !ok || kernel.Pid != 0 {
		return 0, false, errors.New("an answer that is not the kernel's")
	}
	return readDiag(answer[:n], local)
}

// diagRequest is a nlmsghdr and an inet_diag_req_v2.
func diagRequest(local, remote netip.AddrPort) []byte {
	host := binary.NativeEndian
	b := make([]byte, 0, unix.SizeofNlMsghdr+diagRequestSize)
	b = host.AppendUint32(b, unix.SizeofNlMsghdr+diagRequestSize)
	b = host.AppendUint16(b, sockDiagByFamily)
	b = host.AppendUint16(b, unix.NLM_F_REQUEST)
	b = append(b, make([]byte, 8)...) // sequence number and port id
	family := byte(unix.AF_INET)
	if local.Addr().Is6() && !local.Addr().Is4In6() {
		family = unix.AF_INET6
	}
	b = append(b, family, unix.IPPROTO_TCP, 0, 0)
	b = host.AppendUint32(b, ^uint32(0)) // in any state
	b = binary.BigEndian.AppendUint16(b, local.Port())
	b = binary.BigEndian.AppendUint16(b, remote.Port())
	b = append(b, diagAddress(local)...)
	b = append(b, diagAddress(remote)...)
	b = host.AppendUint32(b, 0)             // on any interface
	return host.AppendUint64(b, ^uint64(0)) // without a cookie
}

func diagAddress(a netip.AddrPort) []byte {
	b := make([]byte, 16)
	copy(b, a.Addr().Unmap().AsSlice())
	return b
}

// readDiag reads the kernel's answer: an inet_diag_msg, or an error.
func readDiag(b []byte, local netip.AddrPort) (uid uint32, found bool, err error) {
	host := binary.NativeEndian
	if len(b) < unix.SizeofNlMsghdr+4 {
		return 0, false, io.ErrUnexpectedEOF
	}
	kind, b := host.Uint16(b[4:]), b[unix.SizeofNlMsghdr:]
	switch {
	case kind == unix.NLMSG_ERROR:
		errno := unix.Errno(-int32(host.Uint32(b)))
		if errno == unix.ENOENT {
			return 0, false, nil
		}
		return 0, false, errno
	case kind != sockDiagByFamily || len(b) < diagMessageSize:
		return 0, false, fmt.Errorf("an answer of kind %d with %d bytes", kind, len(b))
	}
	// For a connection that no longer exists the kernel may return a socket that listens on the
	// same port. A socket that its process has closed has no inode and no user, which reads as 0.
	state, port, inode := b[1], binary.BigEndian.Uint16(b[4:]), host.Uint32(b[4+socketIDSize+16:])
	if state == stateListen || port != local.Port() || inode == 0 {
		return 0, false, nil
	}
	return host.Uint32(b[4+socketIDSize+12:]), true, nil
}

// searchTables is userAt by /proc/net/tcp and its sibling.
func searchTables(local, remote netip.AddrPort) (uid uint32, found bool, err error) {
	kernel, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, false, err
	}
	for _, read := range []func() (procfs.NetTCP, error){kernel.NetTCP, kernel.NetTCP6} {
		sockets, err := read()
		if errors.Is(err, fs.ErrNotExist) {
			continue // there is no IPv6
		}
		if err != nil {
			return 0, false, err
		}
		for _, s := range sockets {
			if s.Inode != 0 && isEndpoint(s.LocalAddr, s.LocalPort, local) && isEndpoint(s.RemAddr, s.RemPort, remote) {
				return uint32(s.UID), true, nil
			}
		}
	}
	return 0, false, nil
}

func isEndpoint(ip net.IP, port uint64, want netip.AddrPort) bool {
	addr, ok := netip.AddrFromSlice(ip)
	return ok && addr.Unmap() == want.Addr().Unmap().WithZone("") && port == uint64(want.Port())
}
