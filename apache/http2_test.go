package apache_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

// A browser that has a page over HTTP/2 opens the page's WebSockets on the same connection (RFC 8441), if the server offers it.
func TestWebSocketsPassOverHTTP2(t *testing.T) {
	chat := modgw.Descriptor{Name: "chat", Mount: "/chat", Kind: modgw.KindASGI, ASGI: &modgw.ASGI{}, Timeouts: modgw.Timeouts{Request: time.Minute}}
	port := fronttest.FreePort(t)
	conf, err := apache.Config([]modgw.Descriptor{chat}, []modgw.Listener{serve(t, echo), serveUpgrades(t)}, apache.Options{Port: port})
	if err != nil {
		t.Fatal(err)
	}
	fronttest.StartApache(t, fmt.Sprintf("Protocols h2c http/1.1\nListen 127.0.0.1:%d\n%s", port, conf))
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
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
	for !strings.HasSuffix(received.String(), "hello\n") {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("after %q: %v", &received, err)
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if f.IsAck() {
				continue
			}
			if offered, _ := f.Value(http2.SettingEnableConnectProtocol); offered != 1 {
				t.Fatal("Apache does not offer WebSockets over HTTP/2")
			}
			upgrade(t, framer)
		case *http2.MetaHeadersFrame:
			if status := f.PseudoValue("status"); status != "200" {
				t.Fatalf("status %s", status)
			}
			if err := framer.WriteData(f.StreamID, false, []byte("hello\n")); err != nil {
				t.Fatal(err)
			}
		case *http2.DataFrame:
			received.Write(f.Data())
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			t.Fatalf("after %q: %v", &received, f)
		}
	}
	if want := "www.example.com /chat/room http\nhello\n"; received.String() != want {
		t.Errorf("%q, want %q", &received, want)
	}
}

// upgrade asks for a WebSocket.
func upgrade(t *testing.T, framer *http2.Framer) {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "http"}, {":authority", "www.example.com"}, {":path", "/chat/room"},
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
