package control

import (
	"log/slog"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// peerListener accepts connections of this process's user and of root alone, whatever the socket's mode lets in.
type peerListener struct {
	net.Listener
	log *slog.Logger
}

func (l *peerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		uid, err := peerUID(c)
		if err == nil && (uid == 0 || uid == uint32(os.Getuid())) {
			return c, nil
		}
		l.log.Warn("control connection refused", "uid", uid, "error", err)
		c.Close()
	}
}

// peerUID is the user of the process at the other end, as the kernel noted it when it connected (unix(7), SO_PEERCRED).
func peerUID(c net.Conn) (uint32, error) {
	unixConn, ok := c.(*net.UnixConn)
	if !ok {
		// A control address that is not a Unix socket is on loopback, and refused elsewhere.
		return uint32(os.Getuid()), nil
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if credErr != nil {
		return 0, credErr
	}
	return cred.Uid, nil
}
