package modgw

import "testing"

func TestEndpointsAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]Endpoint{
		"*":                   Anywhere,
		"*:443":               {"*", 443},
		"db.example.com:5432": {"db.example.com", 5432},
		"10.0.0.0/8:443":      {"10.0.0.0/8", 443},
		"[::1]:6379":          {"::1", 6379},
		"[fd00::/8]:80":       {"fd00::/8", 80},
	} {
		got, err := ParseEndpoint(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "db", "db:", "db:0", "db:65536", ":80", "*.db:80", "10.0.0.0/40:80", "::g:80", "a b:80"} {
		if got, err := ParseEndpoint(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}
