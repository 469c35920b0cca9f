package cgi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/modgw/modgw/modgw"
)

// MaxHeaderLine is the longest response header line that Apache is known to accept, in bytes with
// its line end. From about 8190 on Apache answers 500 and does not log the reason.
const MaxHeaderLine = 8000

// AppendStatus appends a response status with its reason and the line end to dst. The error is a
// *modgw.Fault: no server takes such a status.
func AppendStatus(dst []byte, status int) ([]byte, error) {
	if status < 200 || status > 599 {
		return dst, badStatus(status)
	}
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(status)...)
	return append(dst, "\r\n"...), nil
}

// AppendHeader appends the lines of a response header to dst, without the empty line that ends it.
// Headers that concern only one connection are left out, as the server has its own. The error is a
// *modgw.Fault: the header breaks HTTP's rules or the server's.
func AppendHeader(dst []byte, header http.Header) ([]byte, error) {
	for name, values := range header {
		if hopByHop(name, header) {
			continue
		}
		for _, value := range values {
			if err := checkField(name, value); err != nil {
				return dst, err
			}
			if err := checkLength(name, value); err != nil {
				return dst, err
			}
			dst = append(dst, name...)
			dst = append(dst, ": "...)
			dst = append(dst, value...)
			dst = append(dst, "\r\n"...)
		}
	}
	return dst, nil
}

// ImplicitStatus returns the status of a response whose handler set none. A response with a
// Location is a redirect (RFC 3875 section 6.2.3), but Apache's FastCGI would not treat it as one.
func ImplicitStatus(header http.Header) int {
	if len(header["Location"]) > 0 {
		return http.StatusFound
	}
	return http.StatusOK
}

// DeclaredLength returns the Content-Length of a response's header, or -1 if it has none. An
// invalid one is removed, because the body itself shows the length.
func DeclaredLength(header http.Header) int64 {
	values := header["Content-Length"]
	if len(values) == 0 {
		return -1
	}
	if n, err := strconv.ParseUint(values[0], 10, 63); err == nil && len(values) == 1 && values[0][0] != '+' {
		return int64(n)
	}
	delete(header, "Content-Length")
	return -1
}

// CheckHead returns a *modgw.Fault when a status and header break HTTP's rules.
func CheckHead(status int, header http.Header) error {
	if status < 200 || status > 599 {
		return badStatus(status)
	}
	for name, values := range header {
		for _, value := range values {
			if err := checkField(strings.TrimPrefix(name, http.TrailerPrefix), value); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkField(name, value string) error {
	if name == "" {
		return badField(name, "it has no name")
	}
	if !httpguts.ValidHeaderFieldName(name) {
		return badField(name, "its name has a character that no header name has")
	}
	if at := invalidValueByte(value); at >= 0 {
		return badField(name, fmt.Sprintf("its value has a control character, number %d, at byte %d", value[at], at))
	}
	return nil
}

func checkLength(name, value string) error {
	n := len(name) + len(value) + len(": \r\n")
	if n <= MaxHeaderLine {
		return nil
	}
	return &modgw.Fault{
		Code:    "MGW-REQ-003",
		Summary: fmt.Sprintf("cannot send the response header %q: it has %d bytes, and Apache takes no more than %d", name, n, MaxHeaderLine),
		Hint:    "shorten it or split it: usual culprits are Set-Cookie, Content-Security-Policy and Link",
	}
}

func badField(name, why string) *modgw.Fault {
	return badResponse("header %q: %s", name, why)
}

func badStatus(status int) *modgw.Fault {
	return badResponse("status %d: want 200 to 599", status)
}
