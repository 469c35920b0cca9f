package apache_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	fronthttp "github.com/modgw/modgw/modgw/front/http"
)

// serveHTTP runs the HTTP front on a Unix socket that everyone may use, until the test ends.
func serveHTTP(t *testing.T, handler http.HandlerFunc) modgw.Listener {
	t.Helper()
	ln, address := listen(t)
	runFront(t, ln, fronthttp.New(fronthttp.Config{Handler: handler, TrustUnix: true, DrainTimeout: time.Second}))
	return modgw.Listener{Kind: "http", Address: address}
}

// told answers with the host's view of the client, of the client's connection to Apache, and of the
// path.
func told(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	fmt.Fprintf(w, "%s %s %s:%s %s %s", r.Host, info.Scheme, info.RemoteAddr, info.ServerPort, info.Path, info.RawTarget)
}

func TestWithoutFastCGIEverythingGoesOverHTTP(t *testing.T) {
	_, url := behind(t, []modgw.Descriptor{wsgi("root", "/"), wsgi("blog", "/blog")}, serveHTTP(t, told))
	for target, path := range map[string]string{
		"/":                  "/ /",
		"/x?":                "/x /x?",
		"/blog":              "/blog /blog",
		"/blog/a%20b?c=%20d": "/blog/a b /blog/a%20b?c=%20d",
		"/blog/%C3%A9":       "/blog/é /blog/%C3%A9",
		"/blog/../x":         "/x /x",
	} {
		request, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.URL.Opaque = target
		request.Host = "www.example.com"
		for name, value := range map[string]string{
			"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "1", "X-Forwarded-Proto": "https",
			"Forwarded": "for=203.0.113.9;host=evil.example",
		} {
			request.Header.Set(name, value)
		}
		if _, body := ask(t, request); body != "www.example.com http 127.0.0.1:80 "+path {
			t.Errorf("%s: %q", target, body)
		}
	}
}

func TestOneURLCarriesStreamsAndWebSocketsOverHTTPAlone(t *testing.T) {
	next := make(chan struct{})
	listener := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n\n", i)
				w.(http.Flusher).Flush()
				<-next
			}
			return
		}
		conn, stream, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello\n")
		stream.Flush()
	})
	chat := modgw.Descriptor{Name: "chat", Mount: "/chat", Kind: modgw.KindASGI, ASGI: &modgw.ASGI{}, Timeouts: modgw.Timeouts{Request: time.Minute}}
	_, url := behind(t, []modgw.Descriptor{chat}, listener)
	response, err := http.Get(url + "/chat/room")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer response.Body.Close()
	for i := range 3 { // each arrives before the app continues
		want := fmt.Sprintf("data: %d\n\n", i)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v", got, err)
		}
		next <- struct{}{}
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /chat/room HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 101 ") || !strings.HasSuffix(string(answer), "\r\n\r\nhello\n") {
		t.Errorf("%q, %v", answer, err)
	}
}
