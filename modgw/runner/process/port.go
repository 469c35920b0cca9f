package process

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// port is a port number that is reserved for one program. A socket that does not listen is bound to
// it on every address of this machine with SO_REUSEADDR. The kernel then does not assign the number
// to others, and lets a program that asks for it bind and listen if it sets SO_REUSEADDR too, as
// servers do to be able to restart. Without the reservation, another process could get the number
// first.
type port struct {
	number  int
	sockets []*os.File // one, or those that an earlier version has had
}

// reservePort takes a port that is free on every address: a program may listen on any or all of
// them, and it could not on all if a connection from one of them had the number.
func reservePort() (*port, error) {
	p, err := bindPort(unix.AF_INET6, &unix.SockaddrInet6{})
	if err != nil { // there is no IPv6
		p, err = bindPort(unix.AF_INET, &unix.SockaddrInet4{})
	}
	if err != nil {
		return nil, fmt.Errorf("cannot reserve a port: %w", err)
	}
	return p, nil
}

// bindPort takes a port that is free at an address.
func bindPort(family int, at unix.Sockaddr) (_ *port, err error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	p := &port{sockets: []*os.File{os.NewFile(uintptr(fd), "port")}}
	defer func() {
		if err != nil {
			p.release()
		}
	}()
	if family == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
			return nil, err
		}
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, at); err != nil {
		return nil, err
	}
	bound, err := unix.Getsockname(fd)
	switch bound := bound.(type) {
	case *unix.SockaddrInet4:
		p.number = bound.Port
	case *unix.SockaddrInet6:
		p.number = bound.Port
	}
	return p, err
}

// portName matches a reference to the port in arguments and variables, in the notation of shells.
var portName = regexp.MustCompile(`\$(?:PORT\b|\{PORT\})`)

// replaceIn is args with the number in place of $PORT and ${PORT}.
func (p *port) replaceIn(args []string) []string {
	replaced := make([]string, len(args))
	for i, arg := range args {
		replaced[i] = portName.ReplaceAllLiteralString(arg, strconv.Itoa(p.number))
	}
	return replaced
}

// replaceInValues returns env with the number in place of $PORT and ${PORT} in the values. Secrets
// stay unchanged: their characters have no meaning.
func (p *port) replaceInValues(env, secrets []string) []string {
	replaced := p.replaceIn(env)
	for i, variable := range env {
		if _, value, _ := strings.Cut(variable, "="); slices.Contains(secrets, value) {
			replaced[i] = variable
		}
	}
	return replaced
}

// release gives the port back.
func (p *port) release() {
	if p != nil {
		closeFiles(p.sockets)
	}
}
