package http

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/looptest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/front/onloop"
)

// talk is a connection on which requests are written by hand.
type talk struct {
	testing.TB
	net.Conn
	in *bufio.Reader
}

func dialTalk(t testing.TB, addr string) *talk {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(watchtest.Patience))
	return &talk{t, c, bufio.NewReader(c)}
}

func (c *talk) read(method string) (*http.Response, string) {
	c.Helper()
	response, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		c.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	return response, string(body)
}

func (c *talk) want(method, text string) {
	c.Helper()
	if _, body := c.read(method); body != text {
		c.Fatalf("got %.200q, want %.200q", body, text)
	}
}

func post(number int, body string) string {
	return fmt.Sprintf("POST /x HTTP/1.1\r\nHost: a\r\nX-Number: %d\r\nContent-Length: %d\r\n\r\n%s", number, len(body), body)
}

func TestOrdinaryRequestsStayOnTheLoop(t *testing.T) {
	h := &looptest.Handler{Answer: looptest.DescribeOnLoop}
	c := dialTalk(t, serve(t, Config{Handler: h}))
	for i := range 200 {
		body := strings.Repeat("b", i*100)
		io.WriteString(c, post(i, body))
		c.want("POST", fmt.Sprintf("POST /x %d %s", i, body))
	}
	if n := h.OnLoop.Load(); n < 190 || h.Left.Load() > 10 {
		t.Errorf("%d requests were served on the loop, and %d had to leave it", n, h.Left.Load())
	}
}

func TestRequestInPiecesIsServedOnTheLoopOrOff(t *testing.T) {
	h := &looptest.Handler{Answer: looptest.DescribeOnLoop}
	c := dialTalk(t, serve(t, Config{Handler: h}))
	for round := range 4 {
		whole := post(round, "body")
		for i := range len(whole) {
			io.WriteString(c, whole[i:i+1])
			if round == 1 && i == len(whole)/2 || round == 2 && i == len(whole)-2 {
				// a goroutine takes the connection over, and returns it
				time.Sleep(2 * onloop.MaxTime)
			}
		}
		c.want("POST", fmt.Sprintf("POST /x %d body", round))
	}
	if h.OnLoop.Load() == 0 {
		t.Error("none was served on the loop")
	}
}

func TestRequestsInOnePieceAreAnsweredInTheirOrder(t *testing.T) {
	h := &looptest.Handler{Answer: looptest.DescribeOnLoop}
	c := dialTalk(t, serve(t, Config{Handler: h}))
	for range 10 {
		var all strings.Builder
		for i := range 20 {
			all.WriteString(post(i, strings.Repeat("b", i*7)))
		}
		io.WriteString(c, all.String())
		for i := range 20 {
			c.want("POST", fmt.Sprintf("POST /x %d %s", i, strings.Repeat("b", i*7)))
		}
	}
}

func TestUnusualRequestsMoveAndTheirConnectionComesBack(t *testing.T) {
	h := &looptest.Handler{Answer: looptest.DescribeOnLoop}
	c := dialTalk(t, serve(t, Config{Handler: h}))
	large := strings.Repeat("l", 200_000)
	for round := range 3 {
		io.WriteString(c, post(round, large))
		c.want("POST", fmt.Sprintf("POST /x %d %s", round, large))
		io.WriteString(c, "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
		c.want("POST", "POST /x  body")
		io.WriteString(c, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
		if response, err := http.ReadResponse(c.in, nil); err != nil || response.StatusCode != 100 {
			t.Fatal(response, err)
		}
		io.WriteString(c, "body")
		c.want("POST", "POST /x  body")
		before := h.OnLoop.Load()
		time.Sleep(10 * time.Millisecond) // while the connection goes back
		io.WriteString(c, post(round, "short"))
		c.want("POST", fmt.Sprintf("POST /x %d short", round))
		if h.OnLoop.Load() == before {
			t.Error("the connection did not come back")
		}
	}
}

func TestRequestThatTakesLongMovesToAGoroutine(t *testing.T) {
	h := &looptest.Handler{}
	c := dialTalk(t, serve(t, Config{Handler: h}))
	for i := range 3 {
		io.WriteString(c, post(i, "body"))
		c.want("POST", fmt.Sprintf("POST /x %d body", i))
		if n := h.Left.Load(); n != int64(i+1) {
			t.Fatalf("%d have left the loop", n)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestResponsesOnTheLoopAreThoseOfGoroutines(t *testing.T) {
	for name, c := range map[string]struct {
		request string
		status  int
		header  http.Header
		body    string
	}{
		"plain":          {"GET / HTTP/1.1", 200, http.Header{"Content-Length": {"5"}, "X-A": {"1", "2"}, "Content-Type": {"a/b"}}, "hello"},
		"HTTP/1.0":       {"GET / HTTP/1.0", 200, http.Header{"Content-Length": {"5"}}, "hello"},
		"HEAD":           {"HEAD / HTTP/1.1", 200, http.Header{"Content-Length": {"5"}}, ""},
		"304":            {"GET / HTTP/1.1", 304, http.Header{"Etag": {`"x"`}}, ""},
		"204":            {"GET / HTTP/1.1", 204, http.Header{}, ""},
		"hop by hop":     {"GET / HTTP/1.1", 200, http.Header{"Content-Length": {"5"}, "Keep-Alive": {"1"}, "Connection": {"X-A"}, "X-A": {"1"}}, "hello"},
		"close":          {"GET / HTTP/1.1\r\nConnection: close", 200, http.Header{"Content-Length": {"5"}}, "hello"},
		"app closes":     {"GET / HTTP/1.1", 200, http.Header{"Content-Length": {"5"}, "Connection": {"close"}}, "hello"},
		"bad header":     {"GET / HTTP/1.1", 200, http.Header{"Content-Length": {"5"}, "X-A": {"a\nb"}}, "hello"},
		"large":          {"GET / HTTP/1.1", 200, http.Header{"Content-Length": {"30000"}}, strings.Repeat("l", 30000)},
		"without length": {"GET / HTTP/1.1", 200, http.Header{}, "hello"},
		"own date":       {"GET / HTTP/1.1", 200, http.Header{"Date": {"x"}, "Content-Length": {"5"}}, "hello"},
		"bad request":    {"GET /\x00 HTTP/1.1", 200, http.Header{"Content-Length": {"5"}}, "hello"},
		"CONNECT":        {"CONNECT a:1 HTTP/1.1", 200, http.Header{"Content-Length": {"5"}}, "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &looptest.Handler{
				Answer: func(x modgw.LoopExchange) {
					maps.Copy(x.Header(), c.header.Clone())
					x.Respond(c.status, []byte(c.body))
				},
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					maps.Copy(w.Header(), c.header.Clone())
					w.WriteHeader(c.status)
					io.WriteString(w, c.body)
				}),
			}
			var got []string
			for _, handler := range []http.Handler{h, looptest.Declining{Handler: h.Handler}} {
				addr := serve(t, Config{Handler: handler, Log: slog.New(slog.DiscardHandler), IdleTimeout: 300 * time.Millisecond})
				answer := raw(t, addr, c.request+"\r\nHost: a\r\nX-Request-Id: id\r\n\r\n")
				got = append(got, withoutChance(answer))
			}
			if got[0] != got[1] {
				t.Errorf("on the loop:\n%.400q\nin a goroutine:\n%.400q", got[0], got[1])
			}
		})
	}
}

func withoutChance(answer string) string {
	var lines []string
	for line := range strings.SplitSeq(answer, "\r\n") {
		if line == "Date: x" || !strings.HasPrefix(line, "Date: ") && !strings.HasPrefix(line, "X-Request-Id: ") {
			lines = append(lines, strings.Split(line, "incident")[0])
		}
	}
	return strings.Join(lines, "\n")
}

func TestClientThatDoesNotReadHoldsUpNobody(t *testing.T) {
	large := strings.Repeat("l", 30_000)
	h := &looptest.Handler{Answer: func(x modgw.LoopExchange) {
		x.Header()["Content-Length"] = []string{fmt.Sprint(len(large))}
		x.Respond(200, []byte(large))
	}}
	h.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, large) })
	addr := serve(t, Config{Handler: h})
	slow, quick := dialTalk(t, addr), dialTalk(t, addr)
	const n = 300
	go io.WriteString(slow, strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", n))
	for range 100 {
		io.WriteString(quick, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		quick.want("GET", large)
	}
	for range n {
		slow.want("GET", large)
	}
}

func TestClientThatLeavesARequestOnTheLoopCancelsIt(t *testing.T) {
	cancelled := make(chan error, 1)
	h := &looptest.Handler{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		cancelled <- context.Cause(r.Context())
	})}
	c := dialTalk(t, serve(t, Config{Handler: h}))
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	watchtest.Eventually(t, "the request is on the loop", func() bool { return h.OnLoop.Load() == 1 })
	c.Conn.(*net.TCPConn).SetLinger(0)
	c.Close()
	<-cancelled
}

func TestEndingAnswersWhatIsOnTheLoop(t *testing.T) {
	begun, release := make(chan struct{}, 1), make(chan struct{})
	h := &looptest.Handler{Answer: looptest.DescribeOnLoop, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-release
		looptest.Describe(w, r)
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	loops := looptest.Loops(t, h)
	defer looptest.Close(loops)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- New(Config{Handler: h, Loops: loops, Log: slog.New(slog.DiscardHandler)}).Serve(ctx, ln)
	}()
	addr := ln.Addr().String()
	still, busy, mute := dialTalk(t, addr), dialTalk(t, addr), dialTalk(t, addr)
	io.WriteString(still, post(1, "x"))
	still.want("POST", "POST /x 1 x")
	io.WriteString(busy, post(2, strings.Repeat("x", 100_000))) // which a goroutine serves
	<-begun
	cancel()
	if _, err := still.in.ReadByte(); err != io.EOF {
		t.Errorf("an idle connection: %v", err)
	}
	close(release)
	busy.want("POST", "POST /x 2 "+strings.Repeat("x", 100_000))
	if _, err := busy.in.ReadByte(); err != io.EOF {
		t.Errorf("a busy connection: %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	mute.Close()
}

func TestPanicOnTheLoopEndsItsConnectionAlone(t *testing.T) {
	log := &watchtest.Log{}
	h := &looptest.Handler{Answer: looptest.DescribeOnLoop}
	addr := serve(t, Config{Handler: h, Log: slog.New(slog.NewTextHandler(log, nil))})
	other := dialTalk(t, addr)
	if got := raw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nX-Panic: 1\r\n\r\n"); got != "" {
		t.Errorf("got %q", got)
	}
	io.WriteString(other, post(1, "x"))
	other.want("POST", "POST /x 1 x")
	if !log.Has("MGW-HST-025") {
		t.Error(log.String())
	}
}

func TestOrdinaryRequestOnTheLoopAllocatesLittle(t *testing.T) {
	length, body := []string{"5"}, []byte("hello")
	h := &looptest.Handler{Answer: func(x modgw.LoopExchange) {
		x.Header()["Content-Length"] = length
		x.Respond(200, body)
	}}
	c := dialTalk(t, serve(t, Config{Handler: h}))
	request := []byte("GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nUser-Agent: test\r\n\r\n")
	answer := make([]byte, 4096)
	ask := func() {
		c.Write(request)
		for got := []byte(nil); !bytes.Contains(got, body); {
			n, err := c.Conn.Read(answer)
			if err != nil {
				t.Fatal(err)
			}
			got = answer[:n]
		}
	}
	ask()
	if n := testing.AllocsPerRun(200, ask); n > 12 {
		t.Errorf("%v allocations", n)
	}
}
