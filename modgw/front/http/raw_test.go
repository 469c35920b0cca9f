package http

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// H12, F65: well-formed requests that are refused, and some that are not. After a refused request,
// no other request on its connection is answered.
func TestWellFormedRequestsAndTheirVerdicts(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "[%s %s %s]", modgw.RequestInfoOf(r).Path, r.Host, body)
	})})
	const next = "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name, request string
		want          []int
		part          string
	}{
		{"plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", []int{200, 200}, "[/ a ]"},
		{"space in Host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", []int{400}, ""},
		{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", []int{200}, ""},
		{"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", []int{505}, ""},
		{"HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", []int{505}, ""},
		{"Expect: x", "POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1\r\n\r\na", []int{417}, ""},
		{"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", []int{400}, ""},
		{"NUL in path", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", []int{400}, ""},
		{"bad escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", []int{400}, ""},
		{"path without slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", []int{400}, ""},
		{"GET *", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", []int{400}, ""},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", []int{200, 200}, ""},
		{"two slashes", "GET //evil.example/x HTTP/1.1\r\nHost: a\r\n\r\n", []int{200, 200}, "[//evil.example/x a ]"},
		{"absolute form", "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", []int{200, 200}, "[/x b ]"},
		{"absolute form without path", "GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", []int{200, 200}, "[/ b ]"},
		{"long header", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", []int{431}, ""},
		{"many headers", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 20000) + "\r\n", []int{431}, ""},
		{"long target", "GET /" + strings.Repeat("x", 100<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", []int{414}, ""},
	} {
		answer := raw(t, addr, c.request+next)
		got := statuses(answer)
		if !slices.Equal(got, c.want) || c.part != "" && !strings.Contains(answer, c.part) {
			t.Errorf("%s: %v, want %v: %.300q", c.name, got, c.want, answer)
		}
	}
}

func TestEarlyResponseComesBeforeTheBody(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	})})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(watchtest.Patience))
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\nfirst")
	b := make([]byte, 12)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "HTTP/1.1 413" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestF63BodyThatStopsComingIsAnswered408(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"fails":     func(w http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body); w.WriteHeader(500) },
		"gives up":  func(w http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body); panic(http.ErrAbortHandler) },
		"is silent": func(w http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) },
	} {
		addr := serve(t, Config{BodyGrace: 100 * time.Millisecond, Handler: handler})
		for _, begun := range []string{
			postHead + "Content-Length: 30\r\n\r\nfirst", chunks + "5\r\nfirst\r\n",
			postHead + "Content-Length: 30\r\n\r\n", chunks + "5\r\nfi",
		} {
			answer := raw(t, addr, begun)
			if got := statuses(answer); !slices.Equal(got, []int{408}) || !strings.Contains(answer, "Connection: close") {
				t.Errorf("%q to a handler that %s: %v: %q", begun, name, got, answer)
			}
		}
	}
}

func TestF63HeadThatStopsComingIsAnswered408(t *testing.T) {
	addr := serve(t, Config{HeaderTimeout: 100 * time.Millisecond, IdleTimeout: time.Hour, Handler: echo})
	for _, begun := range []string{"G", "GET / HTTP/1.1\r\nHost", getHead + "\r"} {
		for _, before := range []string{"", getHead + "\r\n", postHead + "Content-Length: 1\r\n\r\nx"} {
			want := []int{200, 408}
			if before == "" {
				want = []int{408}
			}
			if answer := raw(t, addr, before+begun); !slices.Equal(statuses(answer), want) {
				t.Errorf("%q after %q: %q", begun, before, answer)
			}
		}
	}
}

func TestResponsesKeepTheRules(t *testing.T) {
	for name, c := range map[string]struct {
		handler   http.HandlerFunc
		want, not string
	}{
		"hop by hop": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Keep-Alive", "x")
			w.Header().Set("X-A", "b")
		}, "X-A: b", "Keep-Alive"},
		"processing":     {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(102) }, "HTTP/1.1 200", "102"},
		"line end":       {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-A", "a\r\nX-B: b") }, "HTTP/1.1 500", "X-B"},
		"bad name":       {func(w http.ResponseWriter, r *http.Request) { w.Header()["X A"] = []string{"b"} }, "HTTP/1.1 500", "X A"},
		"status 700":     {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(700) }, "HTTP/1.1 500", "700"},
		"status 99":      {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(99) }, "HTTP/1.1 500", " 99"},
		"location":       {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Location", "/y") }, "HTTP/1.1 302", ""},
		"no type":        {func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") }, "<html>", "Content-Type"},
		"panic":          {func(w http.ResponseWriter, r *http.Request) { panic("oops") }, "HTTP/1.1 500", "oops"},
		"abort":          {func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, "HTTP/1.1 502", ""},
		"nothing at all": {func(w http.ResponseWriter, r *http.Request) {}, "HTTP/1.1 200", ""},
	} {
		addr := serve(t, Config{Handler: c.handler})
		answer := raw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if !strings.Contains(answer, c.want) || c.not != "" && strings.Contains(answer, c.not) {
			t.Errorf("%s: %q", name, answer)
		}
	}
}

// F3: a partial response must not look complete, by HTTP/1.1 and HTTP/2.
func TestF3ResponseThatBreaksOffIsSeen(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})})
	for _, h2 := range []bool{false, true} {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!h2)
		protocols.SetUnencryptedHTTP2(h2)
		transport := &http.Transport{Protocols: protocols}
		resp, err := (&http.Client{Transport: transport}).Get("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err == nil || resp.ProtoMajor == 2 != h2 {
			t.Errorf("HTTP/%d: the response looks complete", resp.ProtoMajor)
		}
		resp.Body.Close()
		transport.CloseIdleConnections()
	}
}

func TestConnectionCanBeTakenOver(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		line, _ := buffered.ReadString('\n')
		io.WriteString(c, "you said "+line)
	})})
	answer := raw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello\n")
	if !strings.HasSuffix(answer, "you said hello\n") {
		t.Errorf("%q", answer)
	}
}
