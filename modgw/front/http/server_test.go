package http

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

func TestRequestInfoIsThatOfThePlainConnection(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := modgw.RequestInfoOf(r)
		fmt.Fprint(w, strings.Join([]string{info.Front, info.Path, info.RawTarget, info.Scheme, info.RemoteAddr, r.Host}, " "))
	})})
	resp, err := http.Get("http://" + addr + "/a%20b/c?d=e")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if want := "http /a b/c /a%20b/c?d=e http 127.0.0.1 " + addr; string(body) != want {
		t.Errorf("got %q, want %q", body, want)
	}
}

func TestEndingServesWhatIsInFlight(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	running, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- New(Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(running)
			<-release
			fmt.Fprint(w, r.Context().Err())
		})}).Serve(ctx, ln)
	}()
	answer := make(chan string)
	go func() { answer <- raw(t, ln.Addr().String(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n") }()
	<-running
	cancel()
	close(release)
	if a := <-answer; !strings.HasSuffix(a, "<nil>") {
		t.Errorf("the request in flight: %q", a)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestEndingDoesNotWaitForEver(t *testing.T) {
	for name, hijack := range map[string]bool{"request": false, "taken over": true} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		running := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- New(Config{DrainTimeout: 50 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if hijack {
					if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
						defer c.Close()
					}
				}
				close(running)
				<-r.Context().Done()
			})}).Serve(ctx, ln)
		}()
		done := make(chan struct{})
		go func() { defer close(done); raw(t, ln.Addr().String(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n") }()
		<-running
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		<-done
	}
}

func TestProxyMayPassAWholeBodyOnBeforeItLooksForTheResponse(t *testing.T) {
	const size = 32 << 20 // more than the kernel keeps
	addr := serve(t, Config{TrustedProxies: loopback, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// As a runner does to give up reading.
		if err := http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Error(err)
		}
		w.Header().Set("Connection", "close")
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	})})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(watchtest.Patience))
	if _, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Write(make([]byte, size)); err != nil {
		t.Errorf("after %d bytes: %v", n, err)
	}
	if answer, err := io.ReadAll(c); !strings.Contains(string(answer), "413") || err != nil {
		t.Errorf("%q, %v", answer, err)
	}
}

// A client that sends no request does not keep a host from ending, whatever the timeouts are.
func TestEndingDoesNotWaitForClientsThatAskForNothing(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	config := Config{Handler: echo, IdleTimeout: time.Hour, HeaderTimeout: time.Hour, DrainTimeout: time.Hour}
	go func() { ended <- New(config).Serve(ctx, ln) }()
	kept := dial(t, ln.Addr().String())
	io.WriteString(kept, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if n, err := kept.Read(make([]byte, 1000)); n == 0 {
		t.Fatal(err)
	}
	silent := dial(t, ln.Addr().String())
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for name, c := range map[string]net.Conn{"kept": kept, "silent": silent} {
		if left, err := io.ReadAll(c); len(left) > 0 || err != nil {
			t.Errorf("%s: %q, %v", name, left, err)
		}
	}
}

// A response to a request that was in flight when the host began to end announces that it is the
// last one.
func TestEndingIsSaidInResponses(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	running, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	server := New(Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(running)
		<-release
		fmt.Fprint(w, "answered")
	})})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, ln) }()
	c := dial(t, ln.Addr().String())
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-running
	cancel()
	for !server.draining.Load() {
		time.Sleep(time.Millisecond)
	}
	close(release)
	if answer, err := io.ReadAll(c); !strings.Contains(string(answer), "Connection: close\r\n") ||
		!strings.HasSuffix(string(answer), "answered") || err != nil {
		t.Errorf("%q, %v", answer, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
