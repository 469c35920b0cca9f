package http

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/certtest"
	"github.com/modgw/modgw/internal/watchtest"
)

// dial connects to a front until the test ends.
func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(watchtest.Patience))
	return c.(*net.TCPConn)
}

// waitsForEnd returns a handler that answers requests for /quick. Other requests end with their
// contexts.
func waitsForEnd(running, over chan<- string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/quick" {
			return
		}
		io.Copy(io.Discard, r.Body)
		running <- r.URL.Path
		for r.Context().Err() == nil && r.URL.Path == "/stream" {
			io.WriteString(w, "more")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
		over <- r.URL.Path
	}
}

func TestClientThatHasGoneEndsItsRequest(t *testing.T) {
	running, over := make(chan string, 1), make(chan string)
	config := Config{Handler: waitsForEnd(running, over)}
	tcp := serve(t, config)
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, config, ln)
	reset := func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() }
	for _, c := range []struct {
		network, addr, path string
		leave               func(net.Conn)
	}{
		{"tcp", tcp, "/reset", reset},
		{"unix", ln.Addr().String(), "/close", func(c net.Conn) { c.Close() }},
		{"tcp", tcp, "/close", func(c net.Conn) { c.Close() }},  // some time later
		{"tcp", tcp, "/stream", func(c net.Conn) { c.Close() }}, // when the next data is sent
	} {
		for _, body := range []string{"\r\n", "Content-Length: 4\r\n\r\nbody"} {
			client, err := net.Dial(c.network, c.addr)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(client, "GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
			if _, err := http.ReadResponse(bufio.NewReader(client), nil); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(client, "POST %s HTTP/1.1\r\nHost: a\r\n%s", c.path, body)
			<-running
			c.leave(client)
			select {
			case <-over:
			case <-time.After(watchtest.Patience):
				t.Fatalf("%s: the request goes on", c.path)
			}
		}
	}
}

// A client may shut down its sending side after its request and wait for the answer. Once the
// answer has begun, it may take its time.
func TestClientThatEndsItsSendingSideGetsItsAnswer(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		io.WriteString(w, "begun ")
		w.(http.Flusher).Flush()
		running <- struct{}{}
		<-release
		fmt.Fprintf(w, "%s %v", body, r.Context().Err())
	})
	ca := certtest.New(t)
	plain := serve(t, Config{Handler: handler})
	encrypted := serve(t, Config{TLS: secured(t, ca, "a.example"), Handler: handler})
	type halfCloser interface {
		net.Conn
		CloseWrite() error
	}
	for name, dial := range map[string]func() halfCloser{
		"TCP": func() halfCloser { return dial(t, plain) },
		"TLS": func() halfCloser { return dialTLS(t, encrypted, ca.Client("a.example")) },
		"TCP below TLS": func() halfCloser {
			c := dialTLS(t, encrypted, ca.Client("a.example"))
			return struct {
				net.Conn
				tcpHalf
			}{c, tcpHalf{c.NetConn().(*net.TCPConn)}}
		},
	} {
		for _, head := range []string{getHead + "\r\n", postHead + "Content-Length: 4\r\n\r\nbody", chunks + "4\r\nbody\r\n0\r\n\r\n"} {
			for _, early := range []bool{true, false} {
				c := dial()
				io.WriteString(c, head)
				if early {
					c.CloseWrite()
				}
				<-running
				if !early {
					c.CloseWrite()
				}
				release <- struct{}{}
				answer, _ := io.ReadAll(c)
				if got := statuses(string(answer)); !slices.Equal(got, []int{200}) || !strings.Contains(string(answer), " <nil>") {
					t.Errorf("%s, %.20q, early %v: %q", name, head, early, answer)
				}
				c.Close()
			}
		}
	}
}

// tcpHalf ends the sending side of a connection below its encryption.
type tcpHalf struct{ tcp *net.TCPConn }

func (h tcpHalf) CloseWrite() error { return h.tcp.CloseWrite() }

func TestRequestsThatWereSentBeforeTheClientHungUpAreAnswered(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			close(running)
			<-release
		}
		fmt.Fprint(w, r.Context().Err())
	})})
	c := dial(t, addr)
	fmt.Fprint(c, "GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
	<-running
	fmt.Fprint(c, "GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
	c.CloseWrite()
	close(release)
	in := bufio.NewReader(c)
	for i := range 2 {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if i == 0 && string(body) != "<nil>" || err != nil {
			t.Errorf("response %d: %q, %v", i+1, body, err)
		}
	}
}

func TestHandlerOfAConnectionThatWasTakenOverOutlivesIt(t *testing.T) {
	ended := make(chan error, 1)
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			ended <- err
			return
		}
		one := make([]byte, 1) // as net/http reads to notice that the client leaves
		io.ReadFull(buffered, one)
		c.Write(one)
		c.Close()
		ended <- r.Context().Err()
	})})
	c := dial(t, addr)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	fmt.Fprint(c, "x")
	if b, err := io.ReadAll(c); string(b) != "x" {
		t.Errorf("got %q, %v", b, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
