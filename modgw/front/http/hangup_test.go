package http

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// dial connects to a front until the test ends.
func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c.(*net.TCPConn)
}

func TestClientThatHangsUpEndsItsRequestHoweverItDoesSo(t *testing.T) {
	running, over := make(chan string, 1), make(chan string)
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/quick" {
			return
		}
		io.Copy(io.Discard, r.Body)
		running <- r.URL.Path
		<-r.Context().Done()
		over <- r.URL.Path
	})})
	hangUps := map[string]func(*net.TCPConn){
		"close":      func(c *net.TCPConn) { c.Close() },
		"half":       func(c *net.TCPConn) { c.CloseWrite() },
		"reset":      func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
		"beforehand": nil,
	}
	for name, hangUp := range hangUps {
		for _, body := range []string{"\r\n", "Content-Length: 4\r\n\r\nbody"} {
			c := dial(t, addr)
			fmt.Fprint(c, "GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
			if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "POST /%s HTTP/1.1\r\nHost: a\r\n%s", name, body)
			if hangUp == nil {
				c.CloseWrite()
			}
			<-running
			if hangUp != nil {
				hangUp(c)
			}
			select {
			case <-over:
			case <-time.After(10 * time.Second):
				t.Errorf("%s: the request goes on", name)
				c.Close()
				<-over
			}
		}
	}
}

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
		one := make([]byte, 1) // as net/http reads where it only wants to hear of the client
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
