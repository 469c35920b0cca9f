package http

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

// TestBriefWritesAndTheOthersMakeOneBody writes responses by both kinds of writes alternately, to a
// client that reads at first and then makes the server wait for a while.
func TestBriefWritesAndTheOthersMakeOneBody(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdefg"), 500_000)
	slow := make(chan struct{}, 1)
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		brief := w.(modgw.BriefWriter)
		sized := r.URL.Path != "/chunks"
		if sized {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		}
		for rest, piece := body, 1; len(rest) > 0; piece = piece*3 + 1 {
			n, err := brief.WriteBriefly(rest[:min(piece, len(rest))], 10*time.Millisecond)
			if err != nil || n > 0 && !sized {
				t.Errorf("%s: %d bytes, %v", r.URL.Path, n, err)
				return
			}
			rest = rest[n:]
			if n == 0 {
				if piece > gatherSize && sized {
					select {
					case slow <- struct{}{}: // the client does not read
					default:
					}
				}
				m, err := w.Write(rest[:min(piece, len(rest))])
				if err != nil {
					t.Errorf("%s: %v", r.URL.Path, err)
					return
				}
				rest = rest[m:]
			}
		}
	})})
	for _, path := range []string{"/length", "/chunks"} {
		c := dial(t, addr)
		if err := c.SetReadBuffer(64 << 10); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path)
		if path == "/length" {
			<-slow
		}
		if got := bodyOf(t, c); !bytes.Equal(got, body) {
			t.Errorf("%s: %d bytes came of %d", path, len(got), len(body))
		}
	}
}

func TestBriefWriteThatTheClientDoesNotTakeEnds(t *testing.T) {
	ended := make(chan int, 1)
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const size = 8 << 20
		w.Header().Set("Content-Length", strconv.Itoa(size))
		n, err := w.(modgw.BriefWriter).WriteBriefly(make([]byte, size), time.Millisecond)
		if err != nil {
			t.Error(err)
		}
		ended <- n
		panic(http.ErrAbortHandler)
	})})
	c := dial(t, addr)
	if err := c.SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	n := <-ended // without the client having read anything
	if got := bodyOf(t, c); len(got) != n {
		t.Errorf("%d bytes were written, and %d came", n, len(got))
	}
}

// bodyOf reads the body of the next response.
func bodyOf(t *testing.T, c net.Conn) []byte {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body) // if it is cut off, the caller checks the part that arrived
	return body
}
