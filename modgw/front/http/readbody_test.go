package http

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/certtest"
)

// However a body is sent and read, it arrives unchanged, and the next request is found after it.
func TestBodiesArriveWholeHoweverTheyAreRead(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("by"))
		var body []byte
		for {
			body = slices.Grow(body, size)
			n, err := r.Body.Read(body[len(body) : len(body)+size])
			if body = body[:len(body)+n]; err != nil {
				fmt.Fprintf(w, "%d %x %v %s", len(body), sha256.Sum256(body), err, r.Trailer.Get("X-Sum"))
				return
			}
			if n == 0 {
				t.Error("nothing was read, without an error")
				return
			}
		}
	})
	ca := certtest.New(t)
	plain, encrypted := serve(t, Config{Handler: handler}), serve(t, Config{Handler: handler, TLS: secured(t, ca, "a.example")})
	all := bytes.Repeat([]byte("0123456789abcdefg\r\n"), 20_000)
	for _, size := range []int{0, 1, 4095, 4096, 4097, 10_000, 300_000} {
		want := fmt.Sprintf("%d %x EOF ", size, sha256.Sum256(all[:size]))
		for _, addr := range []string{plain, encrypted} {
			var c io.ReadWriteCloser = dial(t, plain)
			if addr == encrypted {
				c = dialTLS(t, encrypted, ca.Client("a.example"))
			}
			in := bufio.NewReader(c)
			for _, by := range []int{1, 7, 4096, 64 << 10} {
				if by == 1 && size > 5000 || by < 100 && size > 10_000 {
					continue
				}
				for _, chunk := range []int{0, 1, 1000, 70_000} {
					if chunk == 1 && size > 5000 {
						continue
					}
					var request strings.Builder
					fmt.Fprintf(&request, "POST /?by=%d HTTP/1.1\r\nHost: a\r\n", by)
					end := ""
					if chunk == 0 {
						fmt.Fprintf(&request, "Content-Length: %d\r\n\r\n", size)
						request.Write(all[:size])
					} else {
						request.WriteString("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
						for left := all[:size]; len(left) > 0; {
							n := min(chunk, len(left))
							fmt.Fprintf(&request, "%x\r\n%s\r\n", n, left[:n])
							left = left[n:]
						}
						request.WriteString("0\r\nX-Sum: 42\r\n\r\n")
						end = "42"
					}
					request.WriteString(request.String())
					var sending sync.WaitGroup
					sending.Go(func() { io.WriteString(c, request.String()) })
					for i := range 2 {
						resp, err := http.ReadResponse(in, nil)
						if err != nil {
							t.Fatalf("%d bytes by %d in chunks of %d, request %d: %v", size, by, chunk, i, err)
						}
						if got, err := io.ReadAll(resp.Body); string(got) != want+end || err != nil {
							t.Fatalf("%d bytes by %d in chunks of %d, request %d: %q, %v; want %q", size, by, chunk, i, got, err, want+end)
						}
					}
					sending.Wait()
				}
			}
			c.Close()
		}
	}
}

// A goroutine that still reads a body when the handler has returned gets an error, and no data that
// follows the body.
func TestBodyIsTakenFromWhoeverReadsItLonger(t *testing.T) {
	ended := make(chan error, 1)
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/next" {
			io.WriteString(w, "next")
			return
		}
		begun := make(chan struct{})
		go func() {
			_, err := io.ReadFull(r.Body, make([]byte, 1))
			close(begun)
			if err == nil {
				_, err = io.Copy(io.Discard, r.Body)
			}
			ended <- err
		}()
		<-begun
		io.WriteString(w, "left")
	})})
	for _, rest := range []string{"yz", ""} {
		c := dial(t, addr)
		io.WriteString(c, postHead+"Content-Length: 3\r\n\r\nx")
		in := bufio.NewReader(c)
		answer, err := readAnswer(in)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, rest+nextRequest)
		if next, err := readAnswer(in); rest != "" && !answer.Close && (err != nil || next.StatusCode != 200) {
			t.Errorf("the next request: %v, %v", next, err)
		}
		if err := <-ended; err == nil {
			t.Error("reading ended without an error")
		}
		c.Close()
	}
}

func TestDeadlineOfAHandlerEndsWithItsRequest(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Error(err)
		}
		io.WriteString(w, "answered")
	})})
	c := dial(t, addr)
	in := bufio.NewReader(c)
	for i := range 3 {
		io.WriteString(c, getHead+"\r\n")
		if _, err := readAnswer(in); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
}

func TestTrailersThatWereNotAnnouncedArrive(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, r.Trailer)
	})})
	answer := raw(t, addr, chunks+"1\r\nx\r\n0\r\nx-sum: 7\r\nX-Sum: 8\r\n\r\n"+nextRequest)
	if !strings.Contains(answer, "map[X-Sum:[7 8]]") {
		t.Errorf("%q", answer)
	}
}
