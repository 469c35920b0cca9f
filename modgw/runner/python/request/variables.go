package request

import (
	"strings"

	"github.com/modgw/modgw/modgw/wire"
)

// AppendPair appends a name and its value, as native strings of one character for each byte.
func AppendPair(b []byte, name, value string) []byte {
	return wire.AppendLatin1(wire.AppendLatin1(b, name), value)
}

// AppendPairIfSet is AppendPair for a value that is not empty.
func AppendPairIfSet(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return AppendPair(b, name, value)
}

// IsReserved reports whether only the host itself may set a name in environ.
func IsReserved(name string) bool {
	switch name {
	case "REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI", "RAW_URI", "REQUEST_SCHEME",
		"SERVER_PROTOCOL", "SERVER_NAME", "SERVER_PORT", "SERVER_SOFTWARE", "REMOTE_ADDR", "REMOTE_PORT", "REMOTE_USER",
		"AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE":
		return true
	}
	return strings.HasPrefix(name, "wsgi.") || strings.HasPrefix(name, "modgw.") || strings.HasPrefix(name, "HTTP_")
}
