package http

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/certtest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// secured returns a TLS configuration with a certificate for one name.
func secured(t testing.TB, ca *certtest.Authority, name string) *tls.Config {
	t.Helper()
	pair := ca.Issue(t, t.TempDir(), name)
	certificate, err := tls.LoadX509KeyPair(pair.File, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}}
}

// tellTLS answers with the front's view of the connection.
func tellTLS(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	fmt.Fprintf(w, "%s %s %s %s %s", r.Proto, info.Scheme, info.Variables["SSL_PROTOCOL"], info.Variables["SSL_CLIENT_VERIFY"], info.Variables["SSL_CLIENT_S_DN"])
	if info.TLS != r.TLS {
		fmt.Fprint(w, " and contradicts itself")
	}
}

func TestTLSHasBothVersionsOfHTTP(t *testing.T) {
	ca := certtest.New(t)
	addr := serve(t, Config{TLS: secured(t, ca, "a.example"), Handler: http.HandlerFunc(tellTLS)})
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		transport := &http.Transport{TLSClientConfig: ca.Client("a.example"), ForceAttemptHTTP2: version == "HTTP/2.0"}
		client := http.Client{Transport: transport}
		for range 2 {
			resp, err := client.Get("https://" + addr)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if want := version + " https TLSv1.3 NONE "; string(body) != want {
				t.Errorf("got %q, want %q", body, want)
			}
		}
		transport.CloseIdleConnections()
	}
}

func TestCurlSpeaksEveryVersionOfHTTP(t *testing.T) {
	curl := fronttest.Require(t, "curl", "curl")
	ca := certtest.New(t)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Proto, modgw.RequestInfoOf(r).Scheme)
	})
	plain := serve(t, Config{Handler: handler})
	encrypted := serve(t, Config{TLS: secured(t, ca, "a.example"), Handler: handler})
	_, port, _ := net.SplitHostPort(encrypted)
	tlsArgs := []string{"--cacert", ca.File, "--resolve", "a.example:" + port + ":127.0.0.1"}
	for want, args := range map[string][]string{
		"HTTP/1.0 http":  {"--http1.0", "http://" + plain},
		"HTTP/1.1 http":  {"--http1.1", "http://" + plain},
		"HTTP/2.0 http":  {"--http2-prior-knowledge", "http://" + plain},
		"HTTP/1.1 https": append([]string{"--http1.1", "https://a.example:" + port}, tlsArgs...),
		"HTTP/2.0 https": append([]string{"--http2", "https://a.example:" + port}, tlsArgs...),
	} {
		out, err := exec.Command(curl, append([]string{"-sS", "--max-time", "10", "--noproxy", "*"}, args...)...).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("curl %s: %q, %v; want %q", strings.Join(args, " "), out, err, want)
		}
	}
}

func TestClientCertificateReachesTheApp(t *testing.T) {
	ca := certtest.New(t)
	config := secured(t, ca, "a.example")
	config.ClientCAs, config.ClientAuth = ca.Pool, tls.RequireAndVerifyClientCert
	addr := serve(t, Config{TLS: config, Handler: http.HandlerFunc(tellTLS)})
	transport := &http.Transport{TLSClientConfig: ca.Client("a.example", ca.Issue(t, t.TempDir(), "bob"))}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "HTTP/1.1 https TLSv1.3 SUCCESS CN=bob" {
		t.Errorf("%q", body)
	}
	stranger := &http.Transport{TLSClientConfig: ca.Client("a.example")}
	defer stranger.CloseIdleConnections()
	if resp, err := (&http.Client{Transport: stranger}).Get("https://" + addr); err == nil {
		resp.Body.Close()
		t.Error("a client without certificate was let in")
	}
}

// H1 behind TLS: the guard checks decrypted requests.
func TestGuardStandsBehindTLS(t *testing.T) {
	ca := certtest.New(t)
	addr := serve(t, Config{TLS: secured(t, ca, "a.example"), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	})})
	c := dialTLS(t, addr, ca.Client("a.example"))
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /no HTTP/1.1\r\nHost: a\r\n\r\n")
	answer, _ := io.ReadAll(c)
	if got := statuses(string(answer)); len(got) != 1 || got[0] != 400 {
		t.Errorf("%v: %q", got, answer)
	}
}

func dialTLS(t testing.TB, addr string, config *tls.Config) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(watchtest.Patience))
	return c
}

// RFC 8737: an authority that validates a name performs a handshake, and sends no request.
func TestChallengeEndsAfterTheHandshake(t *testing.T) {
	ca := certtest.New(t)
	config := secured(t, ca, "a.example")
	config.NextProtos = append(config.NextProtos, "acme-tls/1")
	addr := serve(t, Config{TLS: config, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("there was a request") })})
	authority := ca.Client("a.example")
	authority.NextProtos = []string{"acme-tls/1"}
	c := dialTLS(t, addr, authority)
	io.WriteString(c, getAndClose)
	if answer, _ := io.ReadAll(c); len(answer) > 0 {
		t.Errorf("%q", answer)
	}
}

func TestPlainRequestToTLSIsToldSo(t *testing.T) {
	ca := certtest.New(t)
	addr := serve(t, Config{TLS: secured(t, ca, "a.example"), Handler: http.NotFoundHandler()})
	answer := raw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.0 400 ") || !strings.Contains(answer, "https://") {
		t.Errorf("%q", answer)
	}
}

// H6: a client that connects without a handshake is disconnected after the header timeout, and does
// not make other clients wait.
func TestHandshakeThatDoesNotComeIsGivenUp(t *testing.T) {
	ca := certtest.New(t)
	addr := serve(t, Config{HeaderTimeout: 100 * time.Millisecond, TLS: secured(t, ca, "a.example"), Handler: http.HandlerFunc(tellTLS)})
	for _, said := range []string{"", "\x16", "\x16\x03\x01\x02\x00\x01"} {
		if answer := raw(t, addr, said); answer != "" && said == "" {
			t.Errorf("%q is answered with %q", said, answer)
		}
	}
}

func TestEndingDoesNotWaitForHandshakes(t *testing.T) {
	ca := certtest.New(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	config := secured(t, ca, "a.example")
	certificate := config.Certificates[0]
	config.Certificates, config.GetCertificate = nil, func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		close(asked)
		<-hello.Context().Done() // as long as an authority may wait
		return &certificate, nil
	}
	ended := make(chan error, 1)
	go func() {
		ended <- New(Config{TLS: config, HeaderTimeout: time.Hour, Handler: http.NotFoundHandler()}).Serve(ctx, ln)
	}()
	go tls.Dial("tcp", ln.Addr().String(), ca.Client("a.example"))
	<-asked
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestConnectionsAreTakenOverBehindTLSWithWhatHasCome(t *testing.T) {
	ca := certtest.New(t)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		defer c.Close()
		fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
		io.Copy(c, buffered) // the data that came with the request, and all later data
	})
	plain := serve(t, Config{Handler: handler})
	encrypted := serve(t, Config{TLS: secured(t, ca, "a.example"), Handler: handler})
	upgrade := "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
	early := "\x00\x01not HTTP\n\n" // the guard would refuse it
	for name, connect := range map[string]func() net.Conn{
		"plain": func() net.Conn {
			c, err := net.Dial("tcp", plain)
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(watchtest.Patience))
			return c
		},
		"TLS": func() net.Conn { return dialTLS(t, encrypted, ca.Client("a.example")) },
	} {
		c := connect()
		defer c.Close()
		io.WriteString(c, upgrade+early)
		in := bufio.NewReader(c)
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%s: %v, %v", name, resp, err)
		}
		io.WriteString(c, "\x02more")
		back := make([]byte, len(early)+5)
		if _, err := io.ReadFull(in, back); err != nil || string(back) != early+"\x02more" {
			t.Errorf("%s: %q, %v", name, back, err)
		}
	}
}
