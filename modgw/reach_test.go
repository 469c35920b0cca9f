package modgw

import "testing"

func TestReachPrefersAUnixSocketOfTheKind(t *testing.T) {
	listeners := []Listener{
		{Kind: "http", Address: ":8000"}, {Kind: "uwsgi", Address: "unix:/u"}, {Kind: "http", Address: "unix:/h"}, {Kind: "http", Address: "unix:/i"},
		{Kind: "scgi", Address: "127.0.0.1:1"}, {Kind: "scgi", Address: "127.0.0.1:2"},
	}
	for kind, want := range map[string]Address{"http": "unix:/h", "scgi": "127.0.0.1:1", "fastcgi": ""} {
		if got := Reach(listeners, kind); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}

func TestDialableAddresses(t *testing.T) {
	for a, want := range map[Address]Address{
		":80": "127.0.0.1:80", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "[::1]:80", "192.0.2.1:80": "192.0.2.1:80", "unix:/a:b": "unix:/a:b",
	} {
		if got := a.Dialable(); got != want {
			t.Errorf("%q: %q, want %q", a, got, want)
		}
	}
}
