package scgi

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// headerLen is the length of what stands before a packet's content: modifier1, the content's length
// in two bytes, the lower one first, and modifier2, which would say more to other modifiers and
// says nothing to this one.
const headerLen = 4

// modifierRequest is the modifier1 of a request (uwsgi protocol, "Packet structure"). Each other
// one is an order to uWSGI, or a request in the hands of a language's plugin.
const modifierRequest = 0

// readPacket reads the packet that makes a request.
func readPacket(in *bufio.Reader, limits Limits) ([]variable, error) {
	var header [headerLen]byte
	if _, err := io.ReadFull(in, header[:1]); err != nil {
		return nil, err
	}
	if header[0] != modifierRequest {
		return nil, notARequest("uwsgi", fmt.Sprintf("its modifier1 is %d, and only 0 is taken", header[0]))
	}
	if _, err := io.ReadFull(in, header[1:]); err != nil {
		return nil, err
	}
	content := make([]byte, binary.LittleEndian.Uint16(header[1:]))
	if _, err := io.ReadFull(in, content); err != nil {
		return nil, err
	}
	list, err := parsePacket(string(content), limits)
	return repairPath(list), err
}

// parsePacket takes the content of a packet apart: strings with their lengths before them, a name
// and a value in turn.
func parsePacket(s string, limits Limits) (list []variable, err error) {
	if len(s) > limits.Total {
		return nil, fmt.Errorf("%w: %d bytes of variables, at most %d are read", errLimit, len(s), limits.Total)
	}
	for s != "" {
		var v variable
		if v.Name, s, err = cutString(s); err != nil {
			return nil, err
		}
		if v.Value, s, err = cutString(s); err != nil {
			return nil, err
		}
		if list, err = limits.Append(list, v); err != nil {
			return nil, err
		}
	}
	return list, nil
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

// repairPath undoes what mod_proxy_uwsgi does to the path of a mount itself: for "/blog/" it sends
// SCRIPT_NAME "/blog/" and PATH_INFO "/", which together would be "/blog//".
func repairPath(list []variable) []variable {
	var script, info, software *variable
	for i := range list {
		switch v := &list[i]; v.Name {
		case "SCRIPT_NAME":
			script = v
		case "PATH_INFO":
			info = v
		case "SERVER_SOFTWARE":
			software = v
		}
	}
	if script != nil && info != nil && software != nil && info.Value == "/" && strings.HasSuffix(script.Value, "/") &&
		strings.HasPrefix(software.Value, "Apache") {
		info.Value = ""
	}
	return list
}
