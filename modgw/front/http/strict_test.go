package http

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/http1test"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/http1"
)

// echo answers with path, host, body and trailers, and with the error of reading the body.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "[%s %s %q %v %v]", modgw.RequestInfoOf(r).Path, r.Host, body, err, r.Trailer)
})

const nextRequest = "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

// H1, H2, F64: a request that two readers could understand differently is answered 400, and nothing
// after it is answered; a good request is answered, and so is the next one.
func TestF64CorpusOverSockets(t *testing.T) {
	addr := serve(t, Config{Handler: echo})
	for _, c := range http1test.Corpus {
		for _, before := range []string{"", getHead + "\r\n", postHead + "Content-Length: 1\r\n\r\nx"} {
			answer := raw(t, addr, before+c.Bytes+nextRequest)
			checkCorpus(t, c, before, answer)
		}
	}
}

func TestF64CorpusOctetByOctet(t *testing.T) {
	addr := serve(t, Config{Handler: echo})
	for _, c := range http1test.Corpus {
		// the latter is answered and closed before its last octets come
		if len(c.Bytes) > 10000 || c.Want == http1.BadPreface {
			continue
		}
		client, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		client.SetDeadline(time.Now().Add(watchtest.Patience))
		for _, octet := range []byte(getHead + "\r\n" + c.Bytes + nextRequest) {
			if _, err := client.Write([]byte{octet}); err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
		}
		answer, err := io.ReadAll(client)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		client.Close()
		checkCorpus(t, c, getHead+"\r\n", string(answer))
	}
}

func checkCorpus(t *testing.T, c http1test.Request, before, answer string) {
	t.Helper()
	want := []int{200, 200}
	if c.Want != "" {
		want = []int{c.Want.Status()}
	}
	if c.Want == http1.BadPreface && before != "" {
		want = []int{http1.OtherVersion.Status()}
	}
	if before != "" {
		want = slices.Insert(want, 0, 200)
	}
	if got := statuses(answer); !slices.Equal(got, want) {
		t.Errorf("%s after %q: %v, want %v: %.400q", c.Name, before, got, want, answer)
	}
	if c.Want != "" && (strings.Contains(answer, "/n") || strings.Count(answer, "Connection: close") != 1) {
		t.Errorf("%s after %q: the connection goes on: %.400q", c.Name, before, answer)
	}
}

// H2: requests before the refused one are answered, and none after it.
func TestRequestsBeforeARefusedOneAreAnswered(t *testing.T) {
	addr := serve(t, Config{Handler: echo})
	answer := raw(t, addr, strings.Repeat(postHead+"Content-Length: 2\r\n\r\nab", 3)+chunks+"2\r\nab\r\n0\r\nX: y\r\n\r\n"+
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"+strings.Repeat(nextRequest, 100))
	if got := statuses(answer); !slices.Equal(got, []int{200, 200, 200, 200, 400}) || strings.Contains(answer, "/next") {
		t.Errorf("%v: %q", got, answer)
	}
}

// An octet of garbage may arrive while the previous request is answered, or afterwards. It is
// answered 400, and nothing else is sent.
func TestShortGarbageIsAnswered(t *testing.T) {
	for _, garbage := range []string{"\n", "\x00", "\r\r", "G\n", "GE\x00", "G \x01"} {
		asked, answered := make(chan struct{}, 1), make(chan struct{})
		addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			<-answered
			fmt.Fprint(w, r.Context().Err())
		})})
		client, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		client.SetDeadline(time.Now().Add(watchtest.Patience))
		io.WriteString(client, postHead+"Content-Length: 0\r\n\r\n")
		<-asked
		io.WriteString(client, garbage)
		close(answered)
		answer, err := io.ReadAll(client)
		if got := statuses(string(answer)); err != nil || !slices.Equal(got, []int{200, 400}) || !strings.Contains(string(answer), "<nil>") {
			t.Errorf("%q: %v, %v: %q", garbage, got, err, answer)
		}
		client.Close()
	}
}

func TestRefusalIsReadByAClientThatGoesOnSending(t *testing.T) {
	addr := serve(t, Config{Handler: echo})
	client, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.SetDeadline(time.Now().Add(watchtest.Patience))
	io.WriteString(client, postHead+"Content-Length: 600000\r\nContent-Length: 600000\r\n\r\n")
	client.Write(make([]byte, 600000))
	if answer, err := io.ReadAll(client); err != nil || !slices.Equal(statuses(string(answer)), []int{400}) {
		t.Errorf("%v: %q", err, answer)
	}
}

func TestAppCannotAnswerHalfABody(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"ignores":  func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); io.WriteString(w, "fine") },
		"fails":    func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); w.WriteHeader(500) },
		"gives up": func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); panic(http.ErrAbortHandler) },
		"is silent": func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Length", "4")
		},
	} {
		addr := serve(t, Config{Handler: handler})
		answer := raw(t, addr, chunks+"4\r\nhalf\r\n4x\r\nhalf\r\n0\r\n\r\n"+nextRequest)
		if got := statuses(answer); !slices.Equal(got, []int{400}) || strings.Contains(answer, "fine") {
			t.Errorf("the app %s: %v: %q", name, got, answer)
		}
	}
}

func TestBodyThatNobodyReadsIsStillGuarded(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })})
	answer := raw(t, addr, chunks+"4x\r\nhalf\r\n0\r\n\r\n"+nextRequest)
	if got := statuses(answer); len(got) == 0 || got[0] != 200 || slices.Contains(got[1:], 200) {
		t.Errorf("%v: %q", got, answer)
	}
}

func TestChunkedUploadWithTrailersArrives(t *testing.T) {
	addr := serve(t, Config{Handler: echo})
	piece := strings.Repeat("x", 5000)
	answer := raw(t, addr, postHead+"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"+
		strings.Repeat(strconv.FormatInt(int64(len(piece)), 16)+"\r\n"+piece+"\r\n", 20)+"0\r\nX-Sum: 7\r\n\r\n"+nextRequest)
	if got := statuses(answer); !slices.Equal(got, []int{200, 200}) || strings.Count(answer, "x") < 20*len(piece) || !strings.Contains(answer, "map[X-Sum:[7]]") {
		t.Errorf("%v: %.200q", got, answer)
	}
}

func TestKeepAliveServesManyRequests(t *testing.T) {
	addr := serve(t, Config{Handler: echo})
	client, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.SetDeadline(time.Now().Add(watchtest.Patience))
	in := bufio.NewReader(client)
	for i, request := range slices.Repeat([]string{getHead + "\r\n", postHead + "Content-Length: 3\r\n\r\na\nb", chunks + "3\r\na\nb\r\n0\r\n\r\n"}, 10) {
		io.WriteString(client, request)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 200 || i%3 > 0 != strings.Contains(string(body), `"a\nb" <nil>`) {
			t.Errorf("request %d: %d %q", i, resp.StatusCode, body)
		}
	}
}

func TestExpectedBodyIsWaitedFor(t *testing.T) {
	addr := serve(t, Config{Handler: echo})
	client, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.SetDeadline(time.Now().Add(watchtest.Patience))
	io.WriteString(client, postHead+"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
	in := bufio.NewReader(client)
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("%q, %v", line, err)
	}
	in.ReadString('\n')
	io.WriteString(client, "a\nbc"+nextRequest)
	answer, _ := io.ReadAll(in)
	if got := statuses(string(answer)); !slices.Equal(got, []int{200, 200}) || !strings.Contains(string(answer), `"a\nbc"`) {
		t.Errorf("%v: %q", got, answer)
	}
}

// takeOver answers as a WebSocket server does, and then echoes all data until the client ends.
var takeOver = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/ws" {
		io.WriteString(w, r.URL.Path)
		return
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	io.WriteString(client, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	io.Copy(client, buffered)
})

const upgrade = " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

func TestUpgradedConnectionsAreNotLookedInto(t *testing.T) {
	addr := serve(t, Config{Handler: takeOver})
	frames := "\x81\x85\x00\x00\x00\x00\n\r\x00 :" + strings.Repeat("\x82\xfe\n\r\n", 3000) + "end"
	for name, early := range map[string]int{"nothing early": 0, "one octet early": 1, "some early": 10, "all early": len(frames)} {
		client, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		client.SetDeadline(time.Now().Add(watchtest.Patience))
		io.WriteString(client, getHead+"\r\nGET /ws"+upgrade+frames[:early])
		in := bufio.NewReader(client)
		for _, want := range []int{200, 101} {
			resp, err := http.ReadResponse(in, nil)
			if err != nil || resp.StatusCode != want {
				t.Fatalf("%s: %v, %v", name, resp, err)
			}
			if want == 200 {
				io.Copy(io.Discard, resp.Body)
			}
		}
		var writing sync.WaitGroup
		writing.Go(func() {
			io.WriteString(client, frames[early:])
			client.(*net.TCPConn).CloseWrite()
		})
		back, err := io.ReadAll(in)
		if err != nil || string(back) != frames {
			t.Errorf("%s: %d of %d octets came back, %v: %.100q", name, len(back), len(frames), err, back)
		}
		writing.Wait()
		client.Close()
	}
}

func TestHTTP2PassesTheGuard(t *testing.T) {
	addr := serve(t, Config{Handler: echo})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	for range 3 {
		resp, err := (&http.Client{Transport: transport}).Post("http://"+addr, "text/plain", strings.NewReader("a\nb\x00"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.ProtoMajor != 2 || !strings.Contains(string(body), `"a\nb\x00" <nil>`) {
			t.Errorf("%s: %q", resp.Proto, body)
		}
	}
}

// A client that requests another protocol and does not get it still speaks HTTP.
func TestUpgradeThatIsDeclinedIsNoWayPast(t *testing.T) {
	addr := serve(t, Config{Handler: takeOver})
	good := raw(t, addr, "GET /http"+upgrade+nextRequest)
	if got := statuses(good); !slices.Equal(got, []int{200, 200}) {
		t.Errorf("%v: %q", got, good)
	}
	bad := raw(t, addr, "GET /http"+upgrade+"GET /bad HTTP/1.1\nHost: a\r\n\r\n"+nextRequest)
	if got := statuses(bad); !slices.Equal(got, []int{200, 400}) || strings.Contains(bad, "/bad") || strings.Contains(bad, "/next") {
		t.Errorf("%v: %q", got, bad)
	}
}

func TestRefusalsAreLoggedOnce(t *testing.T) {
	var log lockedBuffer
	addr := serve(t, Config{Handler: echo, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for _, request := range []string{
		getHead + "Host: a\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", getHead + "Expect: x\r\n\r\n", getHead + "X: " + strings.Repeat("x", 64<<10),
	} {
		log.take()
		raw(t, addr, request)
		// The log is written before the connection is closed.
		if text := log.take(); strings.Count(text, "request refused") != 1 || !strings.Contains(text, "code=MGW-REQ-012") || !strings.Contains(text, "client=127.0.0.1:") {
			t.Errorf("%q: %s", request, text)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}
