package http

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/internal/certtest"
)

// However a body is sent and read, it arrives as it is, and the next request is found after it.
func TestBodiesArriveWholeHoweverTheyAreRead(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("by"))
		sum := sha256.New()
		buffer := make([]byte, size)
		total := 0
		for {
			n, err := r.Body.Read(buffer)
			sum.Write(buffer[:n])
			if total += n; err != nil {
				fmt.Fprintf(w, "%d %x %v %s", total, sum.Sum(nil), err, r.Trailer.Get("X-Sum"))
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
		for _, by := range []int{1, 7, 4096, 64 << 10} {
			if by < 100 && size > 10_000 {
				continue
			}
			for _, chunk := range []int{0, 1, 1000, 70_000} {
				if chunk == 1 && size > 10_000 {
					continue
				}
				for _, addr := range []string{plain, encrypted} {
					var c io.ReadWriteCloser = dial(t, plain)
					if addr == encrypted {
						c = dialTLS(t, encrypted, ca.Client("a.example"))
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
					in := bufio.NewReader(c)
					for i := range 2 {
						resp, err := http.ReadResponse(in, nil)
						if err != nil {
							t.Fatalf("%d bytes by %d in chunks of %d, request %d: %v", size, by, chunk, i, err)
						}
						if got, err := io.ReadAll(resp.Body); string(got) != want+end || err != nil {
							t.Fatalf("%d bytes by %d in chunks of %d, request %d: %q, %v; want %q", size, by, chunk, i, got, err, want+end)
						}
					}
					c.Close()
					sending.Wait()
				}
			}
		}
	}
}
