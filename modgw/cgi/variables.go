package cgi

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// serverSoftware is SERVER_SOFTWARE when no web server in front gives its own.
const serverSoftware = "modgw"

// Script is the split of a path into the part that names a program and the part that the program
// interprets.
type Script struct {
	Name     string // SCRIPT_NAME
	PathInfo string // PATH_INFO; "" leaves it out
}

// Variables calls set for the variables that describe a request to a program (RFC 3875, 4.1), once
// for each name. Variables that a web server's administrator has set are not included. length is
// the length of the body; -1 means that there is none.
func Variables(r *http.Request, info *modgw.RequestInfo, script Script, length int64, set func(name, value string)) {
	set("GATEWAY_INTERFACE", "CGI/1.1")
	set("REQUEST_METHOD", r.Method)
	set("SCRIPT_NAME", script.Name)
	setIfAny(set, "PATH_INFO", script.PathInfo)
	set("QUERY_STRING", r.URL.RawQuery)
	set("REQUEST_URI", info.RawTarget)
	set("REQUEST_SCHEME", info.Scheme)
	if info.Scheme == "https" {
		set("HTTPS", "on")
	}
	set("SERVER_PROTOCOL", r.Proto)
	name, port := info.Server(r)
	set("SERVER_NAME", name)
	set("SERVER_PORT", port)
	set("SERVER_SOFTWARE", cmp.Or(info.ServerSoftware, serverSoftware))
	set("REMOTE_ADDR", info.RemoteAddr)
	set("REMOTE_HOST", info.RemoteAddr) // section 4.1.9 allows the address if no name is looked up
	setIfAny(set, "REMOTE_PORT", info.RemotePort)
	setIfAny(set, "REMOTE_USER", info.RemoteUser)
	setIfAny(set, "AUTH_TYPE", info.AuthType)
	setIfAny(set, "MODGW_REQUEST_ID", info.ID)
	if length >= 0 {
		set("CONTENT_LENGTH", strconv.FormatInt(length, 10))
	}
	headers(r, info, set)
}

// headers sets the headers of the request (4.1.18). Left out are names that would be the same as
// another one here (X_Forwarded_For); Proxy, which programs take for their own HTTP_PROXY; and the
// password that the web server in front has checked already.
func headers(r *http.Request, info *modgw.RequestInfo, set func(name, value string)) {
	setIfAny(set, "HTTP_HOST", r.Host)
	for name, values := range r.Header {
		switch name {
		case "Content-Type":
			set("CONTENT_TYPE", values[0])
		case "Cookie":
			set("HTTP_COOKIE", strings.Join(values, "; "))
		case "Content-Length", "Host", "Proxy", "Transfer-Encoding", "Expect":
		case "Authorization":
			if info.AuthType == "" && info.RemoteUser == "" {
				set("HTTP_AUTHORIZATION", strings.Join(values, ", "))
			}
		default:
			if variable := headerVariable(name); variable != "" {
				set(variable, strings.Join(values, ", "))
			}
		}
	}
}

// headerVariable is the name of the variable for a header; "" when it gets none.
func headerVariable(name string) string {
	var b strings.Builder
	b.WriteString("HTTP_")
	for i := range len(name) {
		switch c := name[i]; {
		case c == '-':
			b.WriteByte('_')
		case c >= 'a' && c <= 'z':
			b.WriteByte(c - 'a' + 'A')
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			b.WriteByte(c)
		default:
			return "" // an underscore, or a character that no variable's name can have
		}
	}
	return b.String()
}

func setIfAny(set func(name, value string), name, value string) {
	if value != "" {
		set(name, value)
	}
}
