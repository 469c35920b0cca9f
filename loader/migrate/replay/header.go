package replay

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ofServers are headers of the connection and of the server itself, which no app and no
// configuration is the cause of.
var ofServers = []string{
	"Age", "Alt-Svc", "Connection", "Content-Length", "Date", "Keep-Alive", "Server",
	"Transfer-Encoding", "Upgrade", "Via",
}

// lists are headers whose elements mean the same in any order and letter case.
var lists = []string{"Allow", "Cache-Control", "Vary"}

// headers are the headers of an answer that are compared, by name. Each cookie counts as a header
// of its own: "Set-Cookie sessionid".
func (s *Server) headers(r Request, a Answer) map[string]string {
	found := make(map[string]string)
	for name, values := range a.Header {
		switch {
		case slices.Contains(ofServers, name):
		case name == "Set-Cookie":
			maps.Copy(found, cookies(values))
		case name == "Etag":
			found[name] = "present" // each server has its own way to make it
		case slices.Contains(lists, name):
			found[name] = sorted(values)
		case name == "Location", name == "Content-Location":
			found[name] = s.relative(r, values[0])
		case name == "Content-Type":
			found[name] = strings.ToLower(strings.ReplaceAll(values[0], " ", ""))
		default:
			found[name] = strings.Join(distinct(values), ", ")
		}
	}
	if length := a.Header.Get("Content-Length"); r.Method == http.MethodHead && length != "" {
		found["Content-Length"] = length
	}
	return found
}

func cookies(values []string) map[string]string {
	found := make(map[string]string)
	for _, v := range values {
		name, rest, _ := strings.Cut(v, "=")
		found["Set-Cookie "+name] = rest
	}
	return found
}

// distinct returns the values, each once: a header that both the app and the web server set has the
// effect of one.
func distinct(values []string) (all []string) {
	for _, v := range values {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// sorted is a list in lower case and in order.
func sorted(values []string) string {
	var elements []string
	for element := range strings.SplitSeq(strings.ToLower(strings.Join(values, ",")), ",") {
		if element = strings.TrimSpace(element); element != "" {
			elements = append(elements, element)
		}
	}
	slices.Sort(elements)
	return strings.Join(slices.Compact(elements), ", ")
}

// relative is a URL without the scheme and the port on which the server happens to listen here.
func (s *Server) relative(r Request, value string) string {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return value
	}
	if u.Scheme == s.URL.Scheme {
		u.Scheme = ""
	}
	if name := u.Hostname(); u.Host == s.URL.Host || name == withoutPort(r.Host) {
		u.Host = withoutPort(r.Host)
	}
	return u.String()
}
