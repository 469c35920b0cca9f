package process

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// listenState is how proc_net(5) writes that a socket listens.
const listenState = "0A"

// listeningSocket is a TCP socket on which someone listens.
type listeningSocket struct {
	address netip.AddrPort
	uid     uint32 // its owner
	inode   uint64
}

// listeningSockets are those in the network namespace of a process, which is a number or "self".
// What the kernel does not tell is left out.
func listeningSockets(process string) []listeningSocket {
	var found []listeningSocket
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open(fmt.Sprintf("/proc/%s/net/%s", process, table))
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if s, ok := parseSocket(lines.Text()); ok {
				found = append(found, s)
			}
		}
		f.Close()
	}
	return found
}

// parseSocket reads a line of the kernel's table; false when its socket does not listen.
func parseSocket(line string) (s listeningSocket, ok bool) {
	// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …
	fields := strings.Fields(line)
	if len(fields) < 10 || fields[3] != listenState {
		return s, false
	}
	uid, uidErr := strconv.ParseUint(fields[7], 10, 32)
	inode, inodeErr := strconv.ParseUint(fields[9], 10, 64)
	s.address, ok = parseTableAddress(fields[1])
	s.uid, s.inode = uint32(uid), inode
	return s, ok && uidErr == nil && inodeErr == nil
}

// parseTableAddress reads an address as the table has it: words of 32 bits in the machine's byte
// order, and the port.
func parseTableAddress(text string) (address netip.AddrPort, ok bool) {
	digits, number, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(digits)
	port, portErr := strconv.ParseUint(number, 16, 16)
	if err != nil || portErr != nil || len(raw)%4 != 0 {
		return address, false
	}
	for at := 0; at < len(raw); at += 4 {
		binary.NativeEndian.PutUint32(raw[at:], binary.BigEndian.Uint32(raw[at:]))
	}
	ip, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(ip, uint16(port)), ok
}
