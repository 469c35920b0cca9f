package scgi

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/modgw/modgw/modgw/cgi"
)

// maxDigits is the longest length of a netstring in digits: more than any limit allows, and far
// from overflowing.
const maxDigits = 9

const lengthName = "CONTENT_LENGTH"

// readNetstring reads the netstring that holds the variables of a request (SCGI specification,
// "protocol").
func readNetstring(in *bufio.Reader, set func(name, value string)) error {
	length, err := readLength(in)
	if err != nil {
		return err
	}
	if err := cgi.CheckTotal(length); err != nil {
		return err
	}
	content := make([]byte, length+1)
	if _, err := io.ReadFull(in, content); err != nil {
		return err
	}
	if content[length] != ',' {
		return fmt.Errorf("%w: no comma after them", errGarbled)
	}
	return parseNetstring(string(content[:length]), set)
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

// parseNetstring parses the variables: alternating names and values, each followed by a NUL byte.
// The first one is the body's length. An nginx configuration that sets it again sends it empty if
// there is no body. If it is not empty, it takes precedence, because nginx's own value is too small
// when nginx does not buffer bodies.
func parseNetstring(s string, set func(name, value string)) error {
	if !strings.HasPrefix(s, lengthName+"\x00") || strings.HasPrefix(s, lengthName+"\x00\x00") {
		return fmt.Errorf("%w: %s is not the first of them", errGarbled, lengthName)
	}
	for first := true; s != ""; first = false {
		var name, value string
		var ok bool
		if name, s, ok = strings.Cut(s, "\x00"); !ok {
			return fmt.Errorf("%w: a name that does not end", errGarbled)
		}
		if value, s, ok = strings.Cut(s, "\x00"); !ok {
			return fmt.Errorf("%w: a value that does not end", errGarbled)
		}
		if first || name != lengthName || value != "" {
			set(name, value)
		}
	}
	return nil
}
