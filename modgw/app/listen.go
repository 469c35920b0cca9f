package app

import (
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// defaultAddress is the address of a program that was given none.
const defaultAddress = "127.0.0.1:8080"

// firstInherited is the first descriptor of sd_listen_fds(3).
const firstInherited = 3

// hostName is the name that modgw-host gives its socket in LISTEN_FDNAMES.
const hostName = "modgw"

// inherited returns the listener that the program inherited, or nil, and whether it is
// modgw-host's. It unsets the variables about it, which are not meant for programs that this one
// starts.
func inherited() (_ net.Listener, hosted bool, _ error) {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, false, nil
	}
	count, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	hosted = os.Getenv("LISTEN_FDNAMES") == hostName
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	if err != nil || count < 1 {
		return nil, false, nil
	}
	file := os.NewFile(firstInherited, "inherited socket")
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		return nil, false, fmt.Errorf("cannot listen on the inherited socket: %w", err)
	}
	return l, hosted, nil
}

// isListener reports whether a descriptor is a listening socket.
func isListener(fd int) bool {
	listening, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return err == nil && listening != 0
}

// address returns the address to listen on if nothing was inherited. A program with flags of its
// own defines "listen" among them; otherwise the arguments are searched for it.
func address(args []string) string {
	if f := flag.Lookup("listen"); f != nil && f.Value.String() != "" {
		return f.Value.String()
	}
	for i, arg := range args {
		name, value, given := strings.Cut(arg, "=")
		switch {
		case name != "-listen" && name != "--listen":
		case given:
			return value
		case i+1 < len(args):
			return args[i+1]
		}
	}
	if port := os.Getenv("PORT"); port != "" {
		return "127.0.0.1:" + port
	}
	return defaultAddress
}

func listen(address string) (net.Listener, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", address, err)
	}
	return l, nil
}
