package http

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// sizes returns lengths of bodies that just fill the buffer, allowing for a head of unknown length,
// and some larger ones.
func sizes() (all []int) {
	for size := gatherSize - 300; size <= gatherSize+10; size++ {
		all = append(all, size)
	}
	return append(all, 2*gatherSize, 10<<10, 64<<10, writePiece, writePiece+1, 3<<20)
}

func TestResponsesOfAnySizeComeWhole(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdefg"), 200_000)
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, err := strconv.Atoi(r.URL.Query().Get("size"))
		if err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", strconv.Itoa(size))
		}
		w.Write(body[:size])
	})})
	c := dial(t, addr)
	in := bufio.NewReader(c)
	for _, path := range []string{"/length", "/chunks"} {
		for _, size := range sizes() {
			fmt.Fprintf(c, "GET %s?size=%d HTTP/1.1\r\nHost: a\r\n\r\n", path, size)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("%s of %d bytes: %v", path, size, err)
			}
			if got, err := io.ReadAll(resp.Body); !bytes.Equal(got, body[:size]) || err != nil {
				t.Fatalf("%s of %d bytes: %d bytes came, %v", path, size, len(got), err)
			}
		}
	}
}

func TestWhatWasFlushedIsSentHoweverLongItIs(t *testing.T) {
	for _, how := range []string{"flush", "abort", "hint", "take over"} {
		release := make(chan struct{})
		addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			switch how {
			case "hint":
				w.Header().Set("Link", strings.Repeat("x", gatherSize-len("HTTP/1.1 103 Early Hints\r\nLink: \r\n\r\n")))
				w.WriteHeader(http.StatusEarlyHints)
			default:
				w.Header().Set("Content-Length", "1000000")
				head := "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\n\r\n"
				io.WriteString(w, strings.Repeat("x", gatherSize-len(head)))
				control.Flush() // the buffer is full now, and empty again
			}
			switch how {
			case "abort":
				panic(http.ErrAbortHandler)
			case "take over":
				if c, _, err := control.Hijack(); err == nil {
					defer c.Close()
				}
			}
			<-release
		})})
		c := dial(t, addr)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := io.ReadFull(c, make([]byte, gatherSize)); err != nil {
			t.Errorf("%s: %v", how, err)
		}
		close(release)
	}
}

func TestResponseThatIsCutOffIsSeenToHaveBegun(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		w.Write(make([]byte, gatherSize)) // fills the buffer and is gathered
		panic(http.ErrAbortHandler)
	})})
	if answer := raw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 200 OK") || len(answer) <= gatherSize {
		t.Errorf("%d bytes came", len(answer))
	}
}

// A goroutine of a handler that has returned cannot write into the next response.
func TestResponseOfAHandlerThatHasReturnedIsOver(t *testing.T) {
	var stale http.ResponseWriter
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stale == nil {
			stale = w
			io.WriteString(w, "first")
			return
		}
		if _, err := io.WriteString(stale, "stale"); err == nil {
			t.Error("it was written")
		}
		if err := http.NewResponseController(stale).Flush(); err == nil {
			t.Error("it was flushed")
		}
		if _, _, err := http.NewResponseController(stale).Hijack(); err == nil {
			t.Error("the connection was taken over")
		}
		stale.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "second")
	})})
	c := dial(t, addr)
	in := bufio.NewReader(c)
	for _, want := range []string{"first", "second"} {
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if string(body) != want || err != nil || resp.StatusCode != 200 {
			t.Errorf("%d %q, %v, want %q", resp.StatusCode, body, err, want)
		}
	}
}
