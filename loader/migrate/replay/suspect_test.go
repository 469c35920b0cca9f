package replay

import (
	"fmt"
	"testing"
)

func TestLineThatCausesADifferenceIsNamedFirst(t *testing.T) {
	t.Parallel()
	lines := []Suspect{
		{Line: 1, Directive: "ServerName", Args: []string{"www.example.com"}},
		{Line: 2, Directive: "Alias", Args: []string{"/static", "/srv/static"}},
		{Line: 3, Directive: "AliasMatch", Args: []string{"^/old/(.*)$", "/srv/old/$1"}, ByHand: true},
		{Line: 4, Directive: "Header", Args: []string{"always", "set", "X-Frame-Options", "DENY"}, ByHand: true},
		{Line: 5, Directive: "Redirect", Args: []string{"permanent", "/moved", "https://other.example.com/"}, ByHand: true},
		{Line: 6, Directive: "Require", Args: []string{"valid-user"}, ByHand: true},
		{Line: 7, Directive: "SetEnv", Args: []string{"COLOUR", "green"}, ByHand: true},
		{Line: 8, Directive: "AddDefaultCharset", Args: []string{"utf-8"}, ByHand: true},
		{Line: 9, Directive: "ExpiresByType", Args: []string{"text/css", "access plus 1 day"}, ByHand: true},
		{Line: 10, Directive: "WSGIDaemonProcess threads", Args: []string{"shop", "threads=5"}},
		{Line: 11, Directive: "RewriteRule", Args: []string{"^/login", "https://%{HTTP_HOST}%{REQUEST_URI}", "[R]"}, ByHand: true},
	}
	find := Suspects(lines, func(Request) (Suspect, bool) { return Suspect{File: "shop.hcl"}, true })
	slash := Result{Request: Request{Target: "/a%2Fb"}, Status: 404, Differences: []Difference{{In: InStatus, Old: "404", New: "200"}}}
	if found := find(slash); len(found) == 0 || found[0].Directive != "AllowEncodedSlashes" {
		t.Errorf("an encoded slash is explained by %v", found)
	}
	for name, test := range map[string]struct {
		target string
		d      Difference
		want   string // line of the first, or the file of the descriptor
	}{
		"folder":               {"/static/a.css", Difference{In: InStatus, Old: "200", New: "404"}, "2"},
		"pattern":              {"/old/page", Difference{In: InStatus, Old: "200", New: "404"}, "3"},
		"header":               {"/", Difference{In: InHeader, Header: "X-Frame-Options", Old: "DENY"}, "4"},
		"redirect":             {"/moved/x", Difference{In: InStatus, Old: "301 to https://other.example.com/x", New: "404"}, "5"},
		"login":                {"/secret", Difference{In: InStatus, Old: "401", New: "200"}, "6"},
		"body":                 {"/", Difference{In: InBody}, "7"},
		"charset":              {"/", Difference{In: InHeader, Header: "Content-Type"}, "8"},
		"age":                  {"/", Difference{In: InHeader, Header: "Cache-Control"}, "9"},
		"rewriting":            {"/login?next=/", Difference{In: InStatus, Old: "302 to https://www.example.com/login", New: "200"}, "11"},
		"header that none has": {"/", Difference{In: InHeader, Header: "X-Other"}, "shop.hcl 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Result{Request: Request{Method: "GET", Host: "www.example.com", Target: test.target}, Differences: []Difference{test.d}}
			found := find(r)
			if len(found) == 0 {
				t.Fatal("nothing is named")
			}
			got := fmt.Sprint(found[0].Line)
			if found[0].File != "" {
				got = found[0].File + " " + got
			}
			if got != test.want {
				t.Errorf("got line %s (%s), want %s", got, found[0].Directive, test.want)
			}
		})
	}
}
