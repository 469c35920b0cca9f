package http

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

// forwardedHeaders are headers by which proxies speak of the client, each under one of its names.
var forwardedHeaders = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix",
	"X-Forwarded-Proto", "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Real-Ip", "X-Client-Ip", "X-Script-Name"}

// tell answers with the front's view of the client, and with the forwarded headers that are left.
func tell(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	var left []string
	for name := range r.Header {
		if slices.Contains(forwardedHeaders, name) {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	fmt.Fprintf(w, "%s|%s|%s|%s|%s", info.RemoteAddr, info.Scheme, r.Host, info.ServerPort, strings.Join(left, ","))
}

func ask(t *testing.T, transport *http.Transport, url string, header http.Header) string {
	t.Helper()
	defer transport.CloseIdleConnections()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header, r.Host = header, "direct.example"
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}

// H4: no header of an untrusted peer determines the client.
func TestForwardedHeadersOfStrangersAreDropped(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(tell)})
	header := make(http.Header)
	for _, name := range forwardedHeaders {
		header.Set(name, "6.6.6.6")
	}
	header.Set("Forwarded", "for=6.6.6.6;proto=https;host=evil")
	header["X_Forwarded_For"] = []string{"6.6.6.6"}
	if got := ask(t, new(http.Transport), "http://"+addr, header); got != "127.0.0.1|http|direct.example||" {
		t.Error(got)
	}
}

func TestRequestIDOfATrustedProxyIsTakenOver(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, modgw.RequestInfoOf(r).ID) })
	for _, c := range []struct {
		proxies   []netip.Prefix
		sent, got string
	}{
		{loopback, "aSk@x-1", "aSk@x-1"},
		{loopback, "no id", ""},
		{nil, "aSk@x-1", ""},
	} {
		addr := serve(t, Config{Handler: handler, TrustedProxies: c.proxies})
		if got := ask(t, new(http.Transport), "http://"+addr, http.Header{"X-Request-Id": {c.sent}}); got != c.got {
			t.Errorf("of %q with proxies %v: %q, want %q", c.sent, c.proxies, got, c.got)
		}
	}
}

func TestForwardedHeadersOfTrustedProxiesAreBelieved(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(tell), TrustedProxies: loopback})
	for _, c := range []struct{ header, want string }{
		{"", "127.0.0.1|http|direct.example||"},
		{"X-Forwarded-For: 192.0.2.1", "192.0.2.1|http|direct.example||X-Forwarded-For"},
		{"X-Forwarded-For: 6.6.6.6, 192.0.2.1", "192.0.2.1|http|direct.example||X-Forwarded-For"},
		{"X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.1.1.1, 2001:db8::1", "192.0.2.1|http|direct.example||X-Forwarded-For"},
		{"X-Forwarded-For: 192.0.2.1, , ,10.1.1.1,", "192.0.2.1|http|direct.example||X-Forwarded-For"},
		{"X-Forwarded-For: 10.1.1.2, 10.1.1.1", "10.1.1.2|http|direct.example||X-Forwarded-For"},
		{"X-Forwarded-For: 192.0.2.1:4711", "192.0.2.1|http|direct.example||X-Forwarded-For"},
		{"X-Forwarded-For: [2001:db9::1]:4711", "2001:db9::1|http|direct.example||X-Forwarded-For"},
		{"X-Forwarded-For: unknown", "127.0.0.1|http|direct.example||X-Forwarded-For"},
		{"X-Forwarded-For: ,", "127.0.0.1|http|direct.example||X-Forwarded-For"},
		{"X-Forwarded-Proto: https\nX-Forwarded-Host: a.example\nX-Forwarded-Port: 8443", "127.0.0.1|https|a.example|8443|X-Forwarded-Host,X-Forwarded-Port,X-Forwarded-Proto"},
		{"X-Forwarded-Proto: javascript\nX-Forwarded-Host: a/b\nX-Forwarded-Port: 99999999", "127.0.0.1|http|direct.example||X-Forwarded-Host,X-Forwarded-Port,X-Forwarded-Proto"},
		{"X-Forwarded-Host: <script>", "127.0.0.1|http|direct.example||X-Forwarded-Host"},
		{"X-Forwarded-Host: [2001:db8::1]:8080", "127.0.0.1|http|[2001:db8::1]:8080||X-Forwarded-Host"},
		{"X-Forwarded-Host: evil.example, a.example", "127.0.0.1|http|a.example||X-Forwarded-Host"},
		{"Forwarded: for=192.0.2.1;proto=https;host=a.example", "192.0.2.1|https|a.example||Forwarded"},
		{`Forwarded: for=6.6.6.6, for="[2001:db9::1]:80";proto=https, for=10.0.0.1;proto=http`, "2001:db9::1|https|direct.example||Forwarded"},
		{"Forwarded: for=6.6.6.6;host=evil\nX-Forwarded-For: 192.0.2.1", "192.0.2.1|http|direct.example||X-Forwarded-For"},
		{"X-Real-Ip: 6.6.6.6\nX-Client-Ip: 6.6.6.6\nX-Forwarded-Ssl: on\nX-Forwarded-Server: x\nX-Forwarded-Prefix: /x", "127.0.0.1|http|direct.example||"},
		{"Connection: X-Forwarded-For\nX-Forwarded-For: 192.0.2.1", "192.0.2.1|http|direct.example||X-Forwarded-For"},
	} {
		header := make(http.Header)
		for line := range strings.SplitSeq(c.header, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				header.Add(name, value)
			}
		}
		if got := ask(t, new(http.Transport), "http://"+addr, header); got != c.want {
			t.Errorf("%q:\ngot  %s\nwant %s", c.header, got, c.want)
		}
	}
}

func TestUnixPeersAreTrustedWhereThatIsSaid(t *testing.T) {
	for trusted, want := range map[bool]string{true: "192.0.2.1|http|direct.example||X-Forwarded-For", false: "|http|direct.example||"} {
		dir, err := os.MkdirTemp("", "front")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		socket := filepath.Join(dir, "s")
		ln, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		serveOn(t, Config{Handler: http.HandlerFunc(tell), TrustUnix: trusted}, ln)
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}}
		if got := ask(t, transport, "http://x", http.Header{"X-Forwarded-For": {"192.0.2.1"}}); got != want {
			t.Errorf("trusted %v: %s", trusted, got)
		}
	}
}

func TestAmbiguousHeadersAreDropped(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q %q %q", r.Header["X-Mine"], r.Header["X_mine"], r.Header["Proxy"])
	})})
	header := http.Header{"X-Mine": {"1"}, "X_Mine": {"2"}, "Proxy": {"http://evil/"}}
	if got := ask(t, new(http.Transport), "http://"+addr, header); got != `["1"] [] []` {
		t.Error(got)
	}
}

// A prefix that a trusted proxy has removed from the path precedes the mount. Invalid prefixes, and
// those of other peers, do not.
func TestPrefixThatATrustedProxyHasTakenOffIsAPartOfTheMount(t *testing.T) {
	gateway := modgw.New(modgw.Config{Runners: map[modgw.Kind]modgw.NewRunner{
		modgw.KindStatic: func(modgw.RunnerConfig) (modgw.Runner, error) { return places{}, nil },
	}})
	defer gateway.Close(context.Background())
	shop := modgw.Descriptor{Name: "shop", Kind: modgw.KindStatic, Mount: "/shop"}
	if err := gateway.Deploy(t.Context(), shop, "test"); err != nil {
		t.Fatal(err)
	}
	trusting := serve(t, Config{Handler: gateway, TrustedProxies: loopback})
	strict := serve(t, Config{Handler: gateway})
	for _, c := range []struct{ addr, header, want string }{
		{trusting, "", "/shop|/x|"},
		{trusting, "X-Forwarded-Prefix: /all", "/all/shop|/x|"},
		{trusting, "X-Script-Name: /all/of/it/", "/all/of/it/shop|/x|"},
		{trusting, "X-Forwarded-Prefix: /a\r\nX-Script-Name: /b", "/a/shop|/x|"},
		{trusting, "X-Forwarded-Prefix: /far, /near", "/near/shop|/x|"},
		{trusting, "X-Forwarded-Prefix: /", "/shop|/x|"},
		{trusting, "X-Forwarded-Prefix: //evil.example", "/shop|/x|"},
		{trusting, "X-Forwarded-Prefix: evil.example", "/shop|/x|"},
		{trusting, "X-Forwarded-Prefix: /a/../b", "/shop|/x|"},
		{trusting, "X-Forwarded-Prefix: /a?b", "/shop|/x|"},
		{trusting, "X-Forwarded-Prefix: /\\evil", "/shop|/x|"},
		{strict, "X-Forwarded-Prefix: /all\r\nX-Script-Name: /all", "/shop|/x|"},
	} {
		answer := raw(t, c.addr, "GET /shop/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"+c.header+"\r\n\r\n")
		if c.header == "" {
			answer = raw(t, c.addr, "GET /shop/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		}
		if !strings.HasSuffix(answer, "\r\n\r\n"+c.want) {
			t.Errorf("%q: %q, want %q", c.header, answer, c.want)
		}
	}
}

// places is a runner that answers with the position of the request, and with the remaining prefix
// headers.
type places struct{}

func (places) Start(context.Context) error { return nil }
func (places) Stop(context.Context)        {}
func (places) Status() modgw.RunnerStatus  { return modgw.RunnerStatus{} }

func (places) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	io.WriteString(w, info.ScriptName+"|"+info.PathInfo+"|"+r.Header.Get("X-Forwarded-Prefix")+r.Header.Get("X-Script-Name"))
}
