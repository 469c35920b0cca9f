package process

import (
	"os"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
)

// ownListener reports whether all listeners on a port belong to the app's user or root: another
// user could have been faster than the program. If the kernel does not report the owners, the
// result is true.
func ownListener(port int, user *account.Account) bool {
	uid := uint64(os.Geteuid())
	if user != nil {
		uid = uint64(user.UID)
	}
	for _, s := range listeningSockets("self") {
		if s.LocalPort == uint64(port) && s.UID != 0 && s.UID != uid {
			return false
		}
	}
	return true
}

// listeningSockets returns the listening TCP sockets in the network namespace of a process, which
// is a number or "self". Sockets that the kernel does not report are missing.
func listeningSockets(process string) (found procfs.NetTCP) {
	kernel, err := procfs.NewFS("/proc/" + process)
	if err != nil {
		return nil
	}
	for _, read := range []func() (procfs.NetTCP, error){kernel.NetTCP, kernel.NetTCP6} {
		sockets, _ := read()
		for _, s := range sockets {
			if s.St == unix.BPF_TCP_LISTEN {
				found = append(found, s)
			}
		}
	}
	return found
}
