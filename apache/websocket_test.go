package apache_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// serveUpgrades returns an HTTP listener that echoes lines after an upgrade.
func serveUpgrades(t *testing.T) modgw.Listener {
	t.Helper()
	ln, address := listen(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, stream, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fronttest.SwitchToWebSocket(stream, r)
		fmt.Fprintf(stream, "%s %s %s\n", r.Host, r.RequestURI, r.Header.Get("X-Forwarded-Proto"))
		stream.Flush()
		io.Copy(conn, stream)
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	t.Cleanup(func() { server.Close(); <-done })
	return modgw.Listener{Kind: "http", Address: address}
}

func TestWebSocketsReachTheHTTPListener(t *testing.T) {
	chat := modgw.Descriptor{Name: "my_Chat", Mount: "/c.t", Kind: modgw.KindASGI, ASGI: &modgw.ASGI{}, Timeouts: modgw.Timeouts{Request: time.Minute}}
	_, url := behind(t, []modgw.Descriptor{chat, wsgi("root", "/")}, serve(t, echo), serveUpgrades(t))
	address := strings.TrimPrefix(url, "http://")
	for target, want := range map[string]string{
		"/c.t/room/1?a=b%20c": "www.example.com /c.t/room/1?a=b%20c http\n",
		"/c.t":                "www.example.com /c.t http\n",
		"/c.t/a%20b":          "www.example.com /c.t/a%20b http\n",
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(watchtest.Patience)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: www.example.com\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nX-Forwarded-Proto: https\r\n\r\n", target)
		stream := bufio.NewReader(conn)
		resp, err := http.ReadResponse(stream, nil)
		if err != nil || resp.StatusCode != 101 {
			t.Errorf("%s: %v, %v", target, resp, err)
			continue
		}
		if line, err := stream.ReadString('\n'); line != want {
			t.Errorf("%s: %q, %v", target, line, err)
		}
		fmt.Fprint(conn, "hello\n")
		if line, err := stream.ReadString('\n'); line != "hello\n" {
			t.Errorf("%s: %q, %v", target, line, err)
		}
	}
	for target, want := range map[string]string{"/c.t/x": "my_Chat /c.t/x /c.t/x", "/cxt/x": "root /cxt/x /cxt/x"} {
		if _, body := get(t, url+target, ""); body != want {
			t.Errorf("%s without an upgrade: %q", target, body)
		}
	}
}
