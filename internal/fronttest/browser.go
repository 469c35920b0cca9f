package fronttest

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Browser is a client that uses a server with TLS as browsers do: pages over HTTP/2, WebSockets
// over HTTP/1.1 or HTTP/2. It accepts every certificate.
type Browser struct {
	addr   string
	client *http.Client
}

// browserPatience limits a single request.
const browserPatience = time.Minute

// NewBrowser returns a browser for the server that listens on a port of the loopback interface. Its
// connections end with the test.
func NewBrowser(t testing.TB, port int) *Browser {
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	transport := &http.Transport{
		TLSClientConfig:   browserTLS(),
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &Browser{addr, &http.Client{
		Transport:     transport,
		Timeout:       browserPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// browserTLS returns the configuration of a connection for protocols. Keys are exchanged by P-256,
// which is written in assembly: the default is in Go, which is slow under the race detector.
func browserTLS(protocols ...string) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.CurveP256}, NextProtos: protocols,
	}
}

// Get requests a target over HTTP/2. host is the Host header; "": the address.
func (b *Browser) Get(t testing.TB, host, target string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequest("GET", "https://"+b.addr+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	resp, err := b.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.ProtoMajor != 2 {
		t.Errorf("%s: %s, %v", target, resp.Proto, err)
	}
	return resp.StatusCode, string(text)
}

// Upgrade requests a WebSocket over HTTP/1.1, and returns the first line after the upgrade.
func (b *Browser) Upgrade(t testing.TB, host, target string) (status int, line string) {
	t.Helper()
	conn := b.dial(t, "http/1.1")
	defer conn.Close()
	if host == "" {
		host = b.addr
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", target, host)
	stream := bufio.NewReader(conn)
	resp, err := http.ReadResponse(stream, nil)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return resp.StatusCode, ""
	}
	line, err = stream.ReadString('\n')
	if err != nil {
		t.Errorf("%s: %v", target, err)
	}
	return resp.StatusCode, strings.TrimSuffix(line, "\n")
}

// Connect requests a WebSocket over HTTP/2 (RFC 8441), and returns the first line that arrives. If
// the server does not offer WebSockets there, status is 0: browsers then use HTTP/1.1.
func (b *Browser) Connect(t testing.TB, host, target string) (status int, line string) {
	t.Helper()
	conn := b.dial(t, "h2")
	defer conn.Close()
	if host == "" {
		host = b.addr
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	var received strings.Builder
	for !strings.HasSuffix(received.String(), "\n") {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("%s: after %q: %v", target, &received, err)
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if f.IsAck() {
				continue
			}
			if offered, _ := f.Value(http2.SettingEnableConnectProtocol); offered != 1 {
				return 0, ""
			}
			writeConnect(t, framer, host, target)
		case *http2.MetaHeadersFrame:
			if _, err := fmt.Sscan(f.PseudoValue("status"), &status); err != nil {
				t.Fatal(err)
			}
			if status != http.StatusOK {
				return status, ""
			}
		case *http2.DataFrame:
			received.Write(f.Data())
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			t.Fatalf("%s: after %q: %v", target, &received, f)
		}
	}
	return status, strings.TrimSuffix(received.String(), "\n")
}

func writeConnect(t testing.TB, framer *http2.Framer, host, target string) {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":authority", host}, {":path", target},
		{"sec-websocket-version", "13"},
	} {
		if err := encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := framer.WriteSettingsAck(); err != nil {
		t.Fatal(err)
	}
	if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
		t.Fatal(err)
	}
}

// dial opens a TLS connection for a protocol. The connection has a deadline.
func (b *Browser) dial(t testing.TB, protocol string) net.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", b.addr, browserTLS(protocol))
	if err != nil {
		t.Fatal(err)
	}
	if got := conn.ConnectionState().NegotiatedProtocol; got != protocol {
		t.Fatalf("the server speaks %q, want %q", got, protocol)
	}
	if err := conn.SetDeadline(time.Now().Add(browserPatience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// SwitchToWebSocket writes the head of the response that switches a connection to WebSocket (RFC
// 6455, section 4.2.2).
func SwitchToWebSocket(w io.Writer, request *http.Request) {
	accept := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(accept[:]))
}
