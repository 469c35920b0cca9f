package webserver

import (
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestReachPrefersAUnixSocketOfTheKind(t *testing.T) {
	listeners := []modgw.Listener{
		{Kind: "http", Address: ":8000"}, {Kind: "uwsgi", Address: "unix:/u"}, {Kind: "http", Address: "unix:/h"}, {Kind: "http", Address: "unix:/i"},
		{Kind: "scgi", Address: "127.0.0.1:1"}, {Kind: "scgi", Address: "127.0.0.1:2"},
	}
	for kind, want := range map[string]modgw.Address{"http": "unix:/h", "scgi": "127.0.0.1:1", "fastcgi": ""} {
		if got := Reach(listeners, kind); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}
