package forwarded

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// FuzzForwarded reads arbitrary headers of a trusted proxy: the result is an address, a scheme, a
// host and a port, and never a trusted proxy's address if there is another one.
func FuzzForwarded(f *testing.F) {
	f.Add("6.6.6.6, 192.0.2.1, , 10.1.1.1", "", "https", "a.example", "443")
	f.Add("", `for=6.6.6.6, for="[2001:db9::1]:80";proto=https;host=a`, "", "", "")
	f.Fuzz(func(t *testing.T, xff, rfc, proto, host, port string) {
		got := Proxies{netip.MustParsePrefix("10.0.0.0/8")}.read(http.Header{
			"X-Forwarded-For": {xff}, "Forwarded": {rfc}, "X-Forwarded-Proto": {proto}, "X-Forwarded-Host": {host}, "X-Forwarded-Port": {port},
		})
		if _, err := netip.ParseAddr(got.addr); got.addr != "" && err != nil {
			t.Errorf("the address %q", got.addr)
		}
		if got.proto != "" && got.proto != "http" && got.proto != "https" {
			t.Errorf("the scheme %q", got.proto)
		}
		if strings.ContainsAny(got.host, " \r\n\"/\\<>?#@") {
			t.Errorf("the host %q", got.host)
		}
		if strings.Trim(got.serverPort, "0123456789") != "" {
			t.Errorf("the port %q", got.serverPort)
		}
	})
}
