package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/modgw/modgw/modgw"
)

// portTaken is err, or a fault that names the process which listens where the host wanted to.
func portTaken(err error) error {
	fault, ok := errors.AsType[*modgw.Fault](err)
	if !ok || !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	address, ok := addressIn(fault.Summary)
	if !ok {
		return err
	}
	taken := &modgw.Fault{
		Code:    fault.Code,
		Summary: fmt.Sprintf("cannot listen on %q: another process listens there", address),
		Hint:    fmt.Sprintf("stop it, or choose another port: --port %d", address.Port()+1),
	}
	if pid, command := listenerOf(address.Port()); pid != 0 {
		taken.Summary = fmt.Sprintf("cannot listen on %q: process %d listens there: %s", address, pid, command)
	}
	return taken
}

// addressIn finds the quoted address in a message.
func addressIn(message string) (netip.AddrPort, bool) {
	for field := range strings.SplitSeq(message, `"`) {
		if address, err := netip.ParseAddrPort(field); err == nil {
			return address, true
		}
	}
	return netip.AddrPort{}, false
}

// listenerOf finds the process that listens on a TCP port, and its command line. It returns 0 if
// the process is unknown, for example because it belongs to another user.
func listenerOf(port uint16) (pid int, command string) {
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listeningInodes(table, port, inodes)
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is a good one
	for _, link := range links {
		target, err := os.Readlink(link)
		inode, ok := strings.CutPrefix(target, "socket:[")
		if err != nil || !ok || !inodes[strings.TrimSuffix(inode, "]")] {
			continue
		}
		process := filepath.Dir(filepath.Dir(link))
		line, err := os.ReadFile(filepath.Join(process, "cmdline"))
		if err != nil {
			continue
		}
		pid, _ = strconv.Atoi(filepath.Base(process))
		return pid, strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	}
	return 0, ""
}

// listenState is the state of a socket that listens, as proc(5) has it in /proc/net/tcp.
const listenState = "0A"

// listeningInodes adds the inodes of the sockets in a table that listen on a port.
func listeningInodes(table string, port uint16, inodes map[string]bool) {
	f, err := os.Open(table)
	if err != nil {
		return
	}
	defer f.Close()
	wanted := fmt.Sprintf(":%04X", port)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && strings.HasSuffix(fields[1], wanted) && fields[3] == listenState {
			inodes[fields[9]] = true
		}
	}
}
