package scgi

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// headerLen is the length of a packet's header: modifier1, the content's length in two bytes, the
// lower one first, and modifier2, which has no meaning for this modifier1.
const headerLen = 4

// modifierRequest is the modifier1 of a request (uwsgi protocol, "Packet structure"). Each other
// one is an order to uWSGI, or a request in the hands of a language's plugin.
const modifierRequest = 0

// readPacket reads the packet that makes a request.
func readPacket(in *bufio.Reader, set func(name, value string)) error {
	var header [headerLen]byte
	if _, err := io.ReadFull(in, header[:1]); err != nil {
		return err
	}
	if header[0] != modifierRequest {
		return notARequest("uwsgi", fmt.Sprintf("its modifier1 is %d, and only 0 is taken", header[0]))
	}
	if _, err := io.ReadFull(in, header[1:]); err != nil {
		return err
	}
	content := make([]byte, binary.LittleEndian.Uint16(header[1:]))
	if _, err := io.ReadFull(in, content); err != nil {
		return err
	}
	return parsePacket(string(content), set)
}

// parsePacket parses the content of a packet: alternating names and values, each preceded by its
// length. It reverts a change of mod_proxy_uwsgi to the path of a mount: for "/blog/" that sends
// SCRIPT_NAME "/blog/" and PATH_INFO "/", which together would be "/blog//".
func parsePacket(s string, set func(name, value string)) error {
	var script, info, software string
	for s != "" {
		var name, value string
		var err error
		if name, s, err = cutString(s); err != nil {
			return err
		}
		if value, s, err = cutString(s); err != nil {
			return err
		}
		switch name {
		case "SCRIPT_NAME":
			script = value
		case "PATH_INFO":
			info = value
		case "SERVER_SOFTWARE":
			software = value
		}
		set(name, value)
	}
	if info == "/" && strings.HasSuffix(script, "/") && strings.HasPrefix(software, "Apache") {
		set("PATH_INFO", "")
	}
	return nil
}

// cutString takes one string off s.
func cutString(s string) (first, rest string, err error) {
	if len(s) < 2 {
		return "", "", fmt.Errorf("%w: %d bytes where a length should be", errGarbled, len(s))
	}
	n := int(s[0]) | int(s[1])<<8
	s = s[2:]
	if n > len(s) {
		return "", "", fmt.Errorf("%w: %d bytes announced, %d left", errGarbled, n, len(s))
	}
	return s[:n], s[n:], nil
}
