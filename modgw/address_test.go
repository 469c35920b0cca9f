package modgw

import "testing"

func TestDialableAddresses(t *testing.T) {
	for a, want := range map[Address]Address{
		":80": "127.0.0.1:80", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "[::1]:80", "192.0.2.1:80": "192.0.2.1:80", "unix:/a:b": "unix:/a:b",
	} {
		if got := a.Dialable(); got != want {
			t.Errorf("%q: %q, want %q", a, got, want)
		}
	}
}
