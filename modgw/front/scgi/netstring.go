package scgi

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// maxDigits is how long the length of a netstring can be: more than any limit allows, and far from
// overflowing.
const maxDigits = 9

const lengthName = "CONTENT_LENGTH"

// readNetstring reads the netstring that holds the variables of a request (SCGI specification,
// "protocol").
func readNetstring(in *bufio.Reader, limits Limits) ([]variable, error) {
	length, err := readLength(in)
	if err != nil {
		return nil, err
	}
	if length > limits.Total {
		return nil, fmt.Errorf("%w: %d bytes of variables, at most %d are read", errLimit, length, limits.Total)
	}
	content := make([]byte, length+1)
	if _, err := io.ReadFull(in, content); err != nil {
		return nil, err
	}
	if content[length] != ',' {
		return nil, fmt.Errorf("%w: no comma after them", errGarbled)
	}
	return parseNetstring(string(content[:length]), limits)
}

// readLength reads decimal digits up to a colon.
func readLength(in *bufio.Reader) (int, error) {
	length := 0
	for digits := 0; ; digits++ {
		c, err := in.ReadByte()
		switch {
		case err != nil:
			return 0, err
		case c == ':' && digits > 0:
			return length, nil
		case c < '0' || c > '9' || digits == maxDigits || digits == 1 && length == 0:
			return 0, notARequest("scgi", "it does not begin with the length of its variables")
		}
		length = 10*length + int(c-'0')
	}
}

// parseNetstring takes the variables apart: a name and a value in turn, with a NUL byte after each.
// The first one is the body's length. A configuration for nginx that names it once more sends it
// empty when there is no body; where it is not empty it counts, because nginx's own is too small
// when it does not gather bodies.
func parseNetstring(s string, limits Limits) (list []variable, err error) {
	for s != "" {
		var v variable
		var ok bool
		if v.Name, s, ok = strings.Cut(s, "\x00"); !ok {
			return nil, fmt.Errorf("%w: a name that does not end", errGarbled)
		}
		if v.Value, s, ok = strings.Cut(s, "\x00"); !ok {
			return nil, fmt.Errorf("%w: a value that does not end", errGarbled)
		}
		if len(list) > 0 && v.Name == lengthName && v.Value == "" {
			continue
		}
		if list, err = limits.Append(list, v); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 || list[0].Name != lengthName || list[0].Value == "" {
		return nil, fmt.Errorf("%w: %s is not the first of them", errGarbled, lengthName)
	}
	return list, nil
}
