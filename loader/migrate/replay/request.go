package replay

import (
	"fmt"
	"strings"
)

// Request is a request that can be sent to both servers.
type Request struct {
	Method string `json:"method"`         // GET, HEAD or OPTIONS
	Host   string `json:"host,omitempty"` // value of the header Host; "": that of the old server
	Target string `json:"target"`         // path and query as they are sent, or "*"
	Secure bool   `json:"secure"`         // it is for the site with TLS
	From   string `json:"from"`           // place of the first one: "access.log:12", "link on /"
	Count  int    `json:"count"`          // how often it was found, from 1
}

// String is "GET www.example.com/path", or "GET https://www.example.com/path".
func (r Request) String() string {
	scheme := ""
	if r.Secure {
		scheme = "https://"
	}
	return r.Method + " " + scheme + r.Host + r.Target
}

// IsSafe reports whether a method changes nothing on a server.
func IsSafe(method string) bool {
	return method == "GET" || method == "HEAD" || method == "OPTIONS"
}

// check returns the reason why a request cannot be sent, or nil.
func (r Request) check() error {
	switch {
	case !IsSafe(r.Method):
		return fmt.Errorf("cannot replay %q: only GET, HEAD and OPTIONS are safe", r.Method)
	case !strings.HasPrefix(r.Target, "/") && (r.Target != "*" || r.Method != "OPTIONS"):
		return fmt.Errorf("cannot replay %q: it is no path", r.Target)
	case hasGap(r.Target) || hasGap(r.Host) || strings.ContainsAny(r.Host, "/@?#"):
		return fmt.Errorf("cannot replay %q: a space or control character is in it", r.Host+r.Target)
	}
	return nil
}

// hasGap reports whether text has a character that ends a word of a request line.
func hasGap(text string) bool {
	return strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f })
}

// Requests collects requests, each once.
type Requests struct {
	List    []Request // in the order of their first occurrence
	Skipped int       // lines and links that are no request that can be replayed
	Unsafe  int       // requests with a method such as POST

	places map[string]int // indexes in List, by the result of String
}

// Add adds a request, or counts it when it is there already.
func (rs *Requests) Add(r Request) {
	if rs.places == nil {
		rs.places = make(map[string]int)
	}
	switch err := r.check(); {
	case !IsSafe(r.Method):
		rs.Unsafe++
		return
	case err != nil:
		rs.Skipped++
		return
	}
	r.Host = strings.ToLower(r.Host)
	if place, ok := rs.places[r.String()]; ok {
		rs.List[place].Count++
		return
	}
	r.Count = max(1, r.Count)
	rs.places[r.String()] = len(rs.List)
	rs.List = append(rs.List, r)
}
