package process

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// port is a port number of the loopback addresses that is kept for one program. A socket without a
// listener is bound to it with SO_REUSEADDR: the kernel gives the number to no one who asks for
// any, and lets a program that asks for this one bind and listen, provided that it sets
// SO_REUSEADDR too, as servers do to be able to start again. Handing over a number that no one
// holds would be a race against everybody else who asks for one.
type port struct {
	number  int
	sockets []int
}

// portTries is how many numbers are tried that one of the two loopback addresses has free and the
// other not.
const portTries = 20

// reservePort takes a port that is free on both loopback addresses, as far as there are two: a
// program may listen on either.
func reservePort() (*port, error) {
	for range portTries {
		p := &port{}
		err := p.bind(unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
		if err != nil {
			p.release()
			return nil, fmt.Errorf("cannot reserve a port: %w", err)
		}
		err = p.bind(unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: p.number})
		if err == nil || !errors.Is(err, unix.EADDRINUSE) {
			return p, nil // an error means that there is no IPv6
		}
		p.release()
	}
	return nil, errors.New("cannot reserve a port: none is free on 127.0.0.1 and ::1")
}

func (p *port) bind(family int, at unix.Sockaddr) error {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	p.sockets = append(p.sockets, fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := unix.Bind(fd, at); err != nil {
		return err
	}
	bound, err := unix.Getsockname(fd)
	if in, ok := bound.(*unix.SockaddrInet4); ok {
		p.number = in.Port
	}
	return err
}

// portName is how arguments and variables name the port, as a shell's would.
var portName = regexp.MustCompile(`\$(?:PORT\b|\{PORT\})`)

// replaceIn is args with the number in place of $PORT and ${PORT}.
func (p *port) replaceIn(args []string) []string {
	replaced := make([]string, len(args))
	for i, arg := range args {
		replaced[i] = portName.ReplaceAllLiteralString(arg, strconv.Itoa(p.number))
	}
	return replaced
}

// replaceInValues is env with the number in place of $PORT and ${PORT} in the values. Secrets stay
// as they are: they name nothing, whatever characters they have.
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
	if p == nil {
		return
	}
	for _, fd := range p.sockets {
		_ = unix.Close(fd)
	}
	p.sockets = nil
}
