package http

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/internal/certtest"
)

// chunked returns a body in chunks.
func chunked(body string) string {
	var b strings.Builder
	for len(body) > 0 {
		n := min(len(body), 10000)
		b.WriteString(strconv.FormatInt(int64(n), 16) + "\r\n" + body[:n] + "\r\n")
		body = body[n:]
	}
	return b.String() + "0\r\n\r\n"
}

// Whatever part of a request's body a handler leaves unread, the client gets the answer. The next
// request on the connection is answered as well, unless the answer has announced the connection's
// end.
func TestUnreadBodyCostsNoOtherRequest(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/some":
			io.ReadFull(r.Body, make([]byte, 10))
		case "/flushed":
			w.(http.Flusher).Flush()
		case "/close":
			r.Body.Close()
		case "/fails":
			panic("the handler has failed")
		case "/next":
		default:
			w.WriteHeader(http.StatusNotFound)
		}
		io.WriteString(w, r.URL.Path)
	})
	var log lockedBuffer
	config := Config{Handler: handler, Log: slog.New(slog.NewTextHandler(&log, nil))}
	ca := certtest.New(t)
	plain := serve(t, config)
	config.TLS = secured(t, ca, "a.example")
	encrypted := serve(t, config)
	small, large := strings.Repeat("s", 100), strings.Repeat("l", 1<<20)
	for _, c := range []struct{ name, head, body string }{
		{"small", "Content-Length: 100\r\n\r\n", small},
		{"small in chunks", "Transfer-Encoding: chunked\r\n\r\n", chunked(small)},
		{"large", "Content-Length: 1048576\r\n\r\n", large},
		{"large in chunks", "Transfer-Encoding: chunked\r\n\r\n", chunked(large)},
		{"expected", "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n", ""},
		{"expected in chunks", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
		{"expected and sent", "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n", small},
	} {
		for _, path := range []string{"/", "/some", "/flushed", "/close", "/fails"} {
			for _, late := range []bool{false, true} {
				if path == "/some" && c.body == "" {
					continue // the client is asked to send the body
				}
				for _, secure := range []bool{false, true} {
					var client io.ReadWriter = dial(t, plain)
					if secure {
						client = dialTLS(t, encrypted, ca.Client("a.example"))
					}
					request := "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + c.head
					var sending sync.WaitGroup
					in := bufio.NewReader(client)
					if late && path != "/some" {
						io.WriteString(client, request)
					}
					if !late || path == "/some" {
						sending.Go(func() { io.WriteString(client, request+c.body+nextRequest) })
					}
					answer, err := readAnswer(in)
					if late && path != "/some" {
						sending.Go(func() { io.WriteString(client, c.body+nextRequest) })
					}
					if err != nil {
						t.Errorf("%s to %s, late %v, TLS %v: %v", c.name, path, late, secure, err)
					} else if next, err := readAnswer(in); !answer.Close && (err != nil || next.StatusCode != 200) {
						t.Errorf("%s to %s, late %v, TLS %v: the next request is lost: %v, %v", c.name, path, late, secure, next, err)
					} else if answer.Close && err == nil {
						t.Errorf("%s to %s, late %v, TLS %v: answered after the connection's end", c.name, path, late, secure)
					} else if answer.Close && c.name == "small" && !late {
						t.Errorf("%s to %s, late %v, TLS %v: the connection ends for a small body", c.name, path, late, secure)
					}
					sending.Wait()
				}
			}
		}
	}
	if text := log.take(); strings.Contains(text, "panic serving") || strings.Contains(text, "concurrent") {
		t.Errorf("%.3000s", text)
	}
}

// readAnswer reads a final response with its body.
func readAnswer(in *bufio.Reader) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusContinue {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if err == nil && len(body) == 0 {
			err = errors.New("its body is empty")
		}
		return resp, err
	}
}
