package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/modgw/modgw/modgw"
)

func inUse(address modgw.Address, err error) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-HST-001",
		Summary: fmt.Sprintf("cannot listen on %q: the address is in use", address),
		Hint:    "another host or web server listens there: stop it, or choose another address",
		Err:     err,
	}
}

func notAllowed(address modgw.Address, err error) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-HST-002",
		Summary: fmt.Sprintf("cannot listen on %q: permission denied", address),
		Hint:    permissionHint(address),
		Err:     err,
	}
}

func permissionHint(address modgw.Address) string {
	if address.Network() == "unix" {
		return "the host's user must be able to write to the socket's folder, and to give the socket the owner and group that are set"
	}
	return "choose a port from 1024 on, or let the host use the lower ones: setcap cap_net_bind_service=+ep on its program, or a socket of systemd"
}

func noFolder(address modgw.Address, err error) *modgw.Fault {
	dir := filepath.Dir(address.Target())
	return &modgw.Fault{
		Code:    "MGW-HST-003",
		Summary: fmt.Sprintf("cannot listen on %q: the folder is missing", address),
		Hint:    fmt.Sprintf("create it: mkdir -p %s; under systemd, RuntimeDirectory= does", dir),
		Err:     err,
	}
}

func notASocket(address modgw.Address) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-HST-004",
		Summary: fmt.Sprintf("cannot listen on %q: a file that is not a socket has the name", address),
		Hint:    "remove it, or choose another address",
	}
}

func otherFault(address modgw.Address, err error) *modgw.Fault {
	return &modgw.Fault{Code: "MGW-HST-005", Summary: fmt.Sprintf("cannot listen on %q", address), Err: err}
}

func unixFault(address modgw.Address, err error) *modgw.Fault {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return noFolder(address, err)
	case errors.Is(err, fs.ErrPermission):
		return notAllowed(address, err)
	}
	return otherFault(address, err)
}

func tcpFault(address modgw.Address, err error) *modgw.Fault {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return inUse(address, err)
	case errors.Is(err, fs.ErrPermission):
		return notAllowed(address, err)
	}
	return otherFault(address, err)
}
