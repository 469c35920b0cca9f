package fcgi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/looptest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/front"
	"github.com/modgw/modgw/modgw/front/onloop"
)

func serveWilling(t testing.TB, h *looptest.Handler, change ...func(*Config)) string {
	if h.Answer == nil {
		h.Answer = looptest.DescribeOnLoop
	}
	config := Config{Config: front.Config{Handler: h}}
	for _, f := range change {
		f(&config)
	}
	return serve(t, config)
}

func TestOrdinaryRequestsStayOnTheLoop(t *testing.T) {
	h := &looptest.Handler{}
	c := dial(t, serveWilling(t, h))
	for i := range 200 {
		body := strings.Repeat("b", i*100)
		c.send(request(uint16(i%3+1), true, map[string]string{"REQUEST_METHOD": "POST", "HTTP_X_NUMBER": fmt.Sprint(i)}, body))
		if a := c.read(uint16(i%3 + 1)); a.status() != "Status: 200" || a.body() != fmt.Sprintf("POST /x %d %s", i, body) {
			t.Fatalf("request %d: %+v", i, a)
		}
	}
	if n := h.OnLoop.Load(); n != 200 {
		t.Errorf("%d requests were served on the loop", n)
	}
}

func TestRequestInPiecesIsServed(t *testing.T) {
	h := &looptest.Handler{}
	c := dial(t, serveWilling(t, h))
	for round := range 3 {
		whole := request(1, true, map[string]string{"REQUEST_METHOD": "POST"}, "body")
		for i := range whole {
			c.send(whole[i : i+1])
			if round == 1 && i == len(whole)/2 {
				time.Sleep(2 * onloop.MaxTime) // a goroutine takes it over, and returns it
			}
		}
		if a := c.read(1); a.body() != "POST /x  body" {
			t.Fatalf("%+v", a)
		}
	}
	if h.OnLoop.Load() < 1 {
		t.Error("none was served on the loop")
	}
}

func TestResponsesOnTheLoopAreThoseOfGoroutines(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, c := range map[string]struct {
		method string
		status int
		header http.Header
		body   string
	}{
		"plain":           {"GET", 200, http.Header{"Content-Length": {"5"}, "X-A": {"1", "2"}}, "hello"},
		"HEAD":            {"HEAD", 200, http.Header{"Content-Length": {"5"}}, ""},
		"304":             {"GET", 304, http.Header{"Etag": {`"x"`}}, ""},
		"204":             {"GET", 204, http.Header{}, ""},
		"hop by hop":      {"GET", 200, http.Header{"Content-Length": {"5"}, "Connection": {"X-A"}, "X-A": {"1"}}, "hello"},
		"status 599":      {"GET", 599, http.Header{"Content-Length": {"2"}}, "no"},
		"bad header":      {"GET", 200, http.Header{"Content-Length": {"5"}, "X-A": {"a\nb"}}, "hello"},
		"long header":     {"GET", 200, http.Header{"Content-Length": {"5"}, "X-A": {long + long}}, "hello"},
		"large":           {"GET", 200, http.Header{"Content-Length": {"30000"}}, strings.Repeat("l", 30000)},
		"more than fits":  {"GET", 200, http.Header{"Content-Length": {"65530"}, "X-A": {long}}, strings.Repeat("l", 65530)},
		"without length":  {"GET", 200, http.Header{}, "hello"},
		"impossible":      {"GET", 99, http.Header{}, ""},
		"redirect":        {"GET", 302, http.Header{"Location": {"/y"}, "Content-Length": {"0"}}, ""},
		"length in words": {"GET", 200, http.Header{"Content-Length": {"five"}}, "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &looptest.Handler{
				Answer: func(x modgw.LoopExchange) {
					for name, values := range c.header.Clone() {
						x.Header()[name] = values
					}
					x.Respond(c.status, []byte(c.body))
				},
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					for name, values := range c.header.Clone() {
						w.Header()[name] = values
					}
					w.WriteHeader(max(100, c.status))
					io.WriteString(w, c.body)
				}),
			}
			var got []answer
			for _, handler := range []http.Handler{h, looptest.Declining{Handler: h.Handler}} {
				conn := dial(t, serve(t, Config{Config: front.Config{Handler: handler, Log: slog.New(slog.DiscardHandler)}}))
				for range 2 { // the second one may be on a connection that has moved
					conn.send(request(1, true, map[string]string{"REQUEST_METHOD": c.method, "UNIQUE_ID": "id"}, ""))
					got = append(got, conn.read(1))
				}
			}
			want := got[2]
			for i, a := range got {
				same := sortedLines(a.head()) == sortedLines(want.head()) && a.body() == want.body() && (a.end == nil) == (want.end == nil)
				if c.status == 99 {
					same = a.status() == "Status: 500" || a.status() == want.status()
				}
				if !same {
					t.Errorf("answer %d is %.300q, want %.300q", i, a.stdout, want.stdout)
				}
			}
		})
	}
}

func sortedLines(head string) string {
	lines := strings.Split(head, "\r\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestRequestThatTakesLongMovesToAGoroutineAndItsConnectionBack(t *testing.T) {
	h := &looptest.Handler{Answer: func(modgw.LoopExchange) {}} // it waits for the limit
	c := dial(t, serveWilling(t, h))
	for i := range 3 {
		c.send(request(1, true, map[string]string{"REQUEST_METHOD": "POST"}, "body"))
		if a := c.read(1); a.body() != "POST /x  body" {
			t.Fatalf("%+v", a)
		}
		if n := h.Left.Load(); n != int64(i+1) {
			t.Fatalf("%d have left the loop", n)
		}
	}
	if n := h.OnLoop.Load(); n != 3 {
		t.Errorf("%d were begun on the loop: the connection did not come back", n)
	}
}

func TestRequestsThatComeTogetherAreAllAnswered(t *testing.T) {
	h := &looptest.Handler{}
	c := dial(t, serveWilling(t, h))
	for range 20 {
		var all []byte
		for id := range uint16(10) {
			all = append(all, request(id+1, true, map[string]string{"HTTP_X_NUMBER": fmt.Sprint(id + 1)}, "")...)
		}
		c.send(all)
		got := map[uint16]string{}
		for ended := 0; ended < 10; {
			header, content, ok := c.next()
			if !ok {
				t.Fatal("the connection ended")
			}
			if header.Type == fcgi.TypeEnd {
				ended++
			}
			if header.Type == fcgi.TypeStdout {
				got[header.ID] += string(content)
			}
		}
		for id, text := range got {
			if !strings.HasSuffix(text, fmt.Sprintf("GET /x %d ", id)) {
				t.Fatalf("request %d got %q", id, text)
			}
		}
	}
}

// TestClientThatDoesNotReadHoldsUpNobody fills the connection of one client while another is
// served.
func TestClientThatDoesNotReadHoldsUpNobody(t *testing.T) {
	large := strings.Repeat("l", 30_000)
	h := &looptest.Handler{Answer: func(x modgw.LoopExchange) {
		x.Header()["Content-Length"] = []string{fmt.Sprint(len(large))}
		x.Respond(200, []byte(large))
	}}
	h.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, large) })
	socket := serveWilling(t, h)
	slow, quick := dial(t, socket), dial(t, socket)
	const n = 60
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range n {
			slow.conn.Write(request(1, true, nil, ""))
			time.Sleep(time.Millisecond) // or else they are multiplexed, which one id cannot be
		}
	}()
	for range 100 {
		quick.send(request(1, true, nil, ""))
		if a := quick.read(1); a.body() != large {
			t.Fatalf("%d bytes", len(a.body()))
		}
	}
	slow.conn.SetReadDeadline(time.Now().Add(watchtest.Patience))
	if a := slow.read(1); a.body() != large {
		t.Errorf("the slow client got %d bytes", len(a.body()))
	}
	slow.conn.Close()
	<-sent
}

func TestClientThatLeavesARequestOnTheLoopCancelsIt(t *testing.T) {
	cancelled := make(chan error, 1)
	h := &looptest.Handler{Answer: func(modgw.LoopExchange) {}}
	h.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		cancelled <- context.Cause(r.Context())
	})
	c := dial(t, serveWilling(t, h))
	c.send(request(1, true, nil, ""))
	watchtest.Eventually(t, "the request is on the loop", func() bool { return h.OnLoop.Load() == 1 })
	c.conn.Close()
	if err := <-cancelled; err == nil {
		t.Error("without a cause")
	}
}

func TestAbortOfARequestOnTheLoopIsHeard(t *testing.T) {
	cancelled := make(chan struct{})
	h := &looptest.Handler{Answer: func(modgw.LoopExchange) {}}
	h.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done(); close(cancelled) })
	c := dial(t, serveWilling(t, h))
	c.send(request(1, true, nil, ""), record(fcgi.TypeAbort, 1, ""))
	<-cancelled
	if a := c.read(1); a.end == nil {
		t.Errorf("%+v", a)
	}
}

func TestEndingAnswersWhatIsOnTheLoop(t *testing.T) {
	release := make(chan struct{})
	begun := make(chan struct{}, 10)
	h := &looptest.Handler{}
	h.Answer = func(x modgw.LoopExchange) {
		begun <- struct{}{}
		go func() {
			<-release
			x.Loop().Post(func() {
				if r, _ := x.Request(); r != nil {
					looptest.DescribeOnLoop(x)
				}
			})
		}()
	}
	path := filepath.Join(fronttest.Dir(t), "fcgi.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	loops := looptest.Loops(t, h)
	defer looptest.Close(loops)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	config := Config{Config: front.Config{Handler: h, Log: slog.New(slog.DiscardHandler)}, Loops: loops}
	go func() { ended <- New(config).Serve(ctx, ln) }()
	idle, busy, mute := dial(t, path), dial(t, path), dial(t, path)
	idle.send(request(1, true, nil, ""))
	busy.send(request(1, true, nil, ""))
	<-begun
	<-begun
	release <- struct{}{}
	release <- struct{}{}
	idle.read(1)
	busy.read(1)
	busy.send(request(2, true, nil, ""))
	<-begun
	cancel()
	if !idle.ended() {
		t.Error("an idle connection goes on")
	}
	close(release)
	if a := busy.read(2); a.end == nil {
		t.Errorf("the request in flight got %+v", a)
	}
	if !busy.ended() {
		t.Error("its connection goes on")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	mute.ended()
}

func TestPanicOnTheLoopEndsItsConnectionAlone(t *testing.T) {
	log := &watchtest.Log{}
	path := serveWilling(t, &looptest.Handler{}, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(log, nil))
	})
	other, c := dial(t, path), dial(t, path)
	c.send(request(1, true, map[string]string{"HTTP_X_PANIC": "1"}, ""))
	if !c.ended() {
		t.Error("the connection goes on")
	}
	for _, c := range []*client{other, dial(t, path)} {
		c.send(request(1, true, nil, ""))
		if a := c.read(1); a.end == nil {
			t.Errorf("%+v", a)
		}
	}
	if !strings.Contains(log.String(), "MGW-HST-025") {
		t.Error(log.String())
	}
}

func TestOrdinaryRequestAllocatesLittle(t *testing.T) {
	h := &looptest.Handler{}
	body := []byte("hello")
	length := []string{"5"}
	h.Answer = func(x modgw.LoopExchange) {
		x.Header()["Content-Length"] = length
		x.Respond(200, body)
	}
	c := dial(t, serveWilling(t, h))
	whole := request(1, true, map[string]string{"HTTP_ACCEPT": "*/*", "HTTP_USER_AGENT": "test", "DOCUMENT_ROOT": "/srv"}, "")
	answer := make([]byte, 4096)
	ask := func() {
		c.conn.Write(whole)
		for got := []byte(nil); !bytes.Contains(got, []byte("hello")); {
			n, err := c.conn.Read(answer)
			if err != nil {
				t.Fatal(err)
			}
			got = answer[:n]
		}
	}
	ask()
	// The variables, the address with its port, and the allocations of this test's handler.
	if n := testing.AllocsPerRun(200, ask); n > 8 {
		t.Errorf("%v allocations", n)
	}
}
