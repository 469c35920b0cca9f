package modgw

import (
	"net/http"
	"testing"
)

func TestServerIsNamedByTheFrontOrTheHostHeader(t *testing.T) {
	for _, c := range []struct {
		host string
		info RequestInfo
		want string
	}{
		{"a.example", RequestInfo{Scheme: "http"}, "a.example 80"},
		{"a.example", RequestInfo{Scheme: "https"}, "a.example 443"},
		{"a.example:8000", RequestInfo{}, "a.example 8000"},
		{"[::1]:8000", RequestInfo{}, "[::1] 8000"},
		{"[::1]", RequestInfo{}, "[::1] 80"},
		{"a.example:", RequestInfo{}, "a.example 80"},
		{"", RequestInfo{}, "localhost 80"},
		{"a.example:81", RequestInfo{ServerName: "b.example", ServerPort: "82"}, "b.example 82"},
		{"a.example:81", RequestInfo{ServerPort: "82"}, "a.example 82"},
	} {
		name, port := c.info.Server(&http.Request{Host: c.host})
		if got := name + " " + port; got != c.want {
			t.Errorf("Host %q and %+v: %q, want %q", c.host, c.info, got, c.want)
		}
	}
}
