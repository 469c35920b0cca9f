package http

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/modgw/modgw/internal/certtest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// tellClient answers with who the client is.
func tellClient(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	fmt.Fprintf(w, "%s %s %s %s", info.RemoteAddr, info.RemotePort, r.RemoteAddr, info.Scheme)
}

const getAndClose = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

// header2 returns a PROXY protocol header of version 2.
func header2(t testing.TB, h proxyproto.Header) string {
	t.Helper()
	h.Version = 2
	octets, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(octets)
}

func TestProxiesNameTheirClients(t *testing.T) {
	addr := serve(t, Config{ProxyProtocol: true, TrustedProxies: loopback, Handler: http.HandlerFunc(tellClient)})
	client, server := &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 4711}, &net.TCPAddr{IP: net.ParseIP("127.0.0.1"), Port: 80}
	six := &net.TCPAddr{IP: net.ParseIP("2001:db9::7"), Port: 4711}
	for name, c := range map[string]struct{ header, want string }{
		"version 1":           {"PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n", "192.0.2.7 4711 192.0.2.7:4711 http"},
		"version 1, IPv6":     {"PROXY TCP6 2001:db9::7 ::1 4711 80\r\n", "2001:db9::7 4711 [2001:db9::7]:4711 http"},
		"version 1, unknown":  {"PROXY UNKNOWN\r\n", "127.0.0.1"},
		"version 2":           {header2(t, proxyproto.Header{Command: proxyproto.PROXY, TransportProtocol: proxyproto.TCPv4, SourceAddr: client, DestinationAddr: server}), "192.0.2.7 4711 "},
		"version 2, IPv6":     {header2(t, proxyproto.Header{Command: proxyproto.PROXY, TransportProtocol: proxyproto.TCPv6, SourceAddr: six, DestinationAddr: six}), "2001:db9::7 4711 "},
		"version 2, local":    {header2(t, proxyproto.Header{Command: proxyproto.LOCAL, TransportProtocol: proxyproto.TCPv4, SourceAddr: client, DestinationAddr: server}), "127.0.0.1"},
		"version 2, any data": {header2(t, proxyproto.Header{Command: proxyproto.LOCAL, TransportProtocol: proxyproto.UNSPEC}), "127.0.0.1"},
	} {
		answer := raw(t, addr, c.header+getAndClose)
		_, body, _ := strings.Cut(answer, "\r\n\r\n")
		if !strings.HasPrefix(body, c.want) {
			t.Errorf("%s: %q, want %q", name, answer, c.want)
		}
	}
}

// A connection with an invalid header, or with two headers, is closed.
func TestConnectionsWithoutTheirHeaderAreClosed(t *testing.T) {
	addr := serve(t, Config{ProxyProtocol: true, TrustedProxies: loopback, HeaderTimeout: 100 * time.Millisecond, Handler: http.HandlerFunc(tellClient)})
	for name, sent := range map[string]string{
		"no header":          getAndClose,
		"nothing":            "",
		"half a header":      "PROXY TCP4 192.0.2.7",
		"too long a header":  "PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n",
		"no addresses":       "PROXY TCP4\r\n" + getAndClose,
		"nonsense addresses": "PROXY TCP4 a b c d\r\n" + getAndClose,
		"port 70000":         "PROXY TCP4 192.0.2.7 127.0.0.1 70000 80\r\n" + getAndClose,
		"bare line feed":     "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\n" + getAndClose,
		"half a version 2":   "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02",
		"version 3":          "\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x00" + getAndClose,
	} {
		if answer := raw(t, addr, sent); answer != "" {
			t.Errorf("%s: %q", name, answer)
		}
	}
	twice := "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n"
	if answer := raw(t, addr, twice+twice+getAndClose); !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
		t.Errorf("two headers: %q", answer)
	}
}

func TestNobodyButProxiesMayNameClients(t *testing.T) {
	elsewhere := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, trusted := range map[string][]netip.Prefix{"others are trusted": elsewhere, "no one is trusted": nil} {
		addr := serve(t, Config{ProxyProtocol: true, TrustedProxies: trusted, Handler: http.HandlerFunc(tellClient)})
		if answer := raw(t, addr, "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n"+getAndClose); answer != "" {
			t.Errorf("%s: %q", name, answer)
		}
	}
	addr := serve(t, Config{TrustedProxies: loopback, Handler: http.HandlerFunc(tellClient)})
	if answer := raw(t, addr, "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n"+getAndClose); !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
		t.Errorf("a header where none is expected: %q", answer)
	}
}

// H4: forwarded headers are trusted if they are from the client that the proxy has named, not if
// they are from the proxy.
func TestForwardedHeadersBelongToTheNamedClient(t *testing.T) {
	addr := serve(t, Config{ProxyProtocol: true, TrustedProxies: loopback, Handler: http.HandlerFunc(tellClient)})
	request := "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n"
	for from, want := range map[string]string{"192.0.2.7": "192.0.2.7 ", "10.1.1.1": "203.0.113.9 "} {
		answer := raw(t, addr, "PROXY TCP4 "+from+" 127.0.0.1 4711 80\r\n"+request)
		if _, body, _ := strings.Cut(answer, "\r\n\r\n"); !strings.HasPrefix(body, want) {
			t.Errorf("from %s: %q, want %q", from, body, want)
		}
	}
}

func TestProxyProtocolComesBeforeTLSAndOverUnixSockets(t *testing.T) {
	ca := certtest.New(t)
	socket := filepath.Join(fronttest.Dir(t), "s")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, Config{ProxyProtocol: true, TrustUnix: true, TLS: secured(t, ca, "a.example"), Handler: http.HandlerFunc(tellClient)}, ln)
	transport := &http.Transport{
		TLSClientConfig:   ca.Client("a.example"),
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, "unix", socket)
			if err == nil {
				io.WriteString(c, "PROXY TCP4 192.0.2.7 127.0.0.1 4711 443\r\n")
			}
			return c, err
		},
	}
	if got := ask(t, transport, "https://a.example", http.Header{}); got != "192.0.2.7 4711 192.0.2.7:4711 https" {
		t.Errorf("%q", got)
	}
}

func TestCurlSendsAPROXYHeader(t *testing.T) {
	curl := fronttest.Require(t, "curl", "curl")
	addr := serve(t, Config{ProxyProtocol: true, TrustedProxies: loopback, Handler: http.HandlerFunc(tellClient)})
	out, err := exec.Command(curl, "-sS", "--noproxy", "*", "--max-time", "10", "--haproxy-protocol", "http://"+addr).CombinedOutput()
	if err != nil || !bytes.HasPrefix(out, []byte("127.0.0.1 ")) {
		t.Errorf("%q, %v", out, err)
	}
}

func TestHAProxyNamesItsClients(t *testing.T) {
	addr := serve(t, Config{ProxyProtocol: true, TrustedProxies: loopback, Handler: http.HandlerFunc(tellClient)})
	for _, send := range []string{"send-proxy", "send-proxy-v2"} {
		proxy := fronttest.StartHAProxy(t, "backend app\n  server s "+addr+" "+send+"\n")
		c, err := net.Dial("tcp", proxy.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(watchtest.Patience))
		io.WriteString(c, getAndClose)
		answer, _ := io.ReadAll(c)
		_, port, _ := net.SplitHostPort(c.LocalAddr().String())
		if !strings.Contains(string(answer), "127.0.0.1 "+port+" ") {
			t.Errorf("%s from port %s: %q", send, port, answer)
		}
	}
}

// FuzzIntroduction sends arbitrary bytes in place of a header: reading ends, with or without a
// client address.
func FuzzIntroduction(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\nGET"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\x7f\x00\x00\x01\x12\x67\x00\x50"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		go func() {
			theirs.Write(octets)
			theirs.Close()
		}()
		c := newConn(New(Config{}), ours)
		if err := c.introduce(); err == nil && c.client == nil {
			t.Error("a client without an address")
		}
	})
}
