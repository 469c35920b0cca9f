package control

import (
	"log/slog"
	"net"
	"os"

	"github.com/modgw/modgw/modgw/listen"
)

// peerListener accepts connections of this process's user and of root alone, whatever the socket's
// mode lets in; at an address that is not a Unix socket, those of this machine.
type peerListener struct {
	net.Listener
	log *slog.Logger
}

func (l *peerListener) Accept() (net.Conn, error) {
	allowed := listen.Peers{UIDs: []uint32{0, uint32(os.Getuid())}}
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		err = allowed.Check(c)
		if err == nil {
			return c, nil
		}
		l.log.Warn("control connection refused", "error", err)
		c.Close()
	}
}
