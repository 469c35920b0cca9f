package http

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// rawHTTP2 is a client that sends any frames.
type rawHTTP2 struct {
	*http2.Framer
	conn    net.Conn
	fields  bytes.Buffer
	encoder *hpack.Encoder
}

func dialHTTP2(t testing.TB, addr string, settings ...http2.Setting) *rawHTTP2 {
	t.Helper()
	conn := dial(t, addr)
	conn.SetDeadline(time.Now().Add(watchtest.Patience))
	c := &rawHTTP2{Framer: http2.NewFramer(conn, conn), conn: conn}
	c.encoder = hpack.NewEncoder(&c.fields)
	io.WriteString(conn, http2.ClientPreface)
	if err := c.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	return c
}

// head returns a request's compressed head.
func (c *rawHTTP2) head(more ...hpack.HeaderField) []byte {
	c.fields.Reset()
	for _, f := range append([]hpack.HeaderField{
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "a"}, {Name: ":path", Value: "/"},
	}, more...) {
		c.encoder.WriteField(f)
	}
	return bytes.Clone(c.fields.Bytes())
}

// request begins a request without a body.
func (c *rawHTTP2) request(id uint32, more ...hpack.HeaderField) error {
	return c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.head(more...), EndStream: true, EndHeaders: true})
}

// await reads frames until one is as wanted. If the connection ends first, it returns the reason.
func (c *rawHTTP2) await(wanted func(http2.Frame) bool) error {
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			return err
		}
		if wanted(frame) {
			return nil
		}
		if away, ok := frame.(*http2.GoAwayFrame); ok {
			return fmt.Errorf("GOAWAY %v", away.ErrCode)
		}
	}
}

func never(http2.Frame) bool { return false }

// status waits for the response of a stream.
func (c *rawHTTP2) status(t *testing.T, id uint32) (status string) {
	t.Helper()
	decoder := hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == ":status" {
			status = f.Value
		}
	})
	err := c.await(func(f http2.Frame) bool {
		h, ok := f.(*http2.HeadersFrame)
		if ok {
			decoder.Write(h.HeaderBlockFragment())
		}
		return ok && h.StreamID == id
	})
	if err != nil {
		t.Error(err)
	}
	return status
}

// H5 CVE-2023-44487: a client that resets its requests at once does not get more than its share of
// handlers.
func TestH5RapidResetIsCutOff(t *testing.T) {
	floodOfResets(t, func(c *rawHTTP2, id uint32) error { return c.WriteRSTStream(id, http2.ErrCodeCancel) })
}

// H5 CVE-2025-8671: nor does one that has the server reset them, by a window that is larger than
// there can be.
func TestH5MadeYouResetIsCutOff(t *testing.T) {
	floodOfResets(t, func(c *rawHTTP2, id uint32) error { return c.WriteWindowUpdate(id, 1<<31-1) })
}

// floodOfResets begins requests without end and ends each at once by reset.
func floodOfResets(t *testing.T, reset func(c *rawHTTP2, id uint32) error) {
	t.Helper()
	var running, most atomic.Int32
	release := make(chan struct{})
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/well" {
			return
		}
		n := running.Add(1)
		defer running.Add(-1)
		for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
		}
		<-release // an app that does not notice that its client has gone
	})})
	c := dialHTTP2(t, addr)
	go func() {
		for id := uint32(1); id < 20001; id += 2 {
			if c.request(id) != nil || reset(c, id) != nil {
				return
			}
		}
	}()
	if err := c.await(never); err == nil || !strings.Contains(err.Error(), "ENHANCE_YOUR_CALM") {
		t.Errorf("the flood ends with %v", err)
	}
	if answer := raw(t, addr, "GET /well HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
		t.Errorf("another client: %q", answer)
	}
	if n := most.Load(); n > maxStreams {
		t.Errorf("%d handlers at once", n)
	}
	close(release)
}

// H5 CVE-2023-45288, CVE-2024-27316: an endless head is not read for ever.
func TestH5ContinuationFloodIsCutOff(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })})
	c := dialHTTP2(t, addr)
	c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.head()})
	ended := make(chan error, 1)
	go func() { ended <- c.await(never) }()
	sent := 0
	for i := 0; sent < 64<<20; i++ {
		c.fields.Reset()
		c.encoder.WriteField(hpack.HeaderField{Name: "x", Value: fmt.Sprint(i, strings.Repeat("y", 10000)), Sensitive: true})
		if c.WriteContinuation(1, false, c.fields.Bytes()) != nil {
			break
		}
		sent += c.fields.Len()
	}
	if sent > 32<<20 {
		t.Errorf("%d bytes of one head were taken", sent)
	}
	if err := <-ended; err == nil {
		t.Error("the connection goes on")
	}
}

// H5 CVE-2026-49975: little on the wire that becomes much in memory is 431.
func TestRefusedRequestIsTold(t *testing.T) {
	told := make(chan string, 1)
	addr := serve(t, Config{
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }),
		Refused: func(r *http.Request, status int, f *modgw.Fault) {
			told <- fmt.Sprintf("%s %s %d %s", modgw.RequestInfoOf(r).RemoteAddr, r.Method, status, f.Code)
		},
	})
	c := dialHTTP2(t, addr)
	if err := c.request(1, hpack.HeaderField{Name: "host", Value: "another"}); err != nil {
		t.Fatal(err)
	}
	if status := c.status(t, 1); status != "400" {
		t.Errorf("answered %s", status)
	}
	if got, want := <-told, "127.0.0.1 GET 400 MGW-REQ-011"; got != want {
		t.Errorf("told %q, not %q", got, want)
	}
}

func TestH5BombOfHeadersIsRefused(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })})
	c := dialHTTP2(t, addr)
	bomb := hpack.HeaderField{Name: "x", Value: strings.Repeat("y", 3000)}
	var fields []hpack.HeaderField
	for range 5000 {
		fields = append(fields, bomb)
	}
	head := c.head(fields...)
	if len(head) > 16000 {
		t.Fatalf("the bomb has %d bytes", len(head))
	}
	c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head, EndStream: true, EndHeaders: true})
	if status := c.status(t, 1); status != "431" {
		t.Errorf("answered %s", status)
	}
}

// F70: frames that want an answer each, from a client that reads none.
func TestF70FloodOfPingsIsCutOff(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, Config{Handler: http.NotFoundHandler()}, cramped{ln})
	c := dialHTTP2(t, ln.Addr().String())
	c.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	pings := repeated(1000, func(c *rawHTTP2) { c.WritePing(false, [8]byte{}) })
	for sent := 0; ; sent += 1000 {
		if _, err := c.conn.Write(pings); err != nil {
			return
		}
		if sent > 3_000_000 {
			t.Fatal("the flood is taken")
		}
	}
}

// F70: if the client does not read, only the last of many settings is acknowledged, so nothing
// grows and no client waits.
func TestF70FloodOfSettingsHarmsNobody(t *testing.T) {
	addr := serve(t, Config{Handler: http.NotFoundHandler()})
	c := dialHTTP2(t, addr)
	settings := repeated(1000, func(c *rawHTTP2) { c.WriteSettings() })
	for range 50 {
		if _, err := c.conn.Write(settings); err != nil {
			return // the server's right
		}
	}
	if answer := raw(t, addr, getAndClose); !strings.HasPrefix(answer, "HTTP/1.1 404 ") {
		t.Errorf("another client: %q", answer)
	}
}

// cramped makes connections with small send buffers in the kernel.
type cramped struct{ net.Listener }

func (l cramped) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(4 << 10)
	}
	return c, err
}

// repeated returns the octets of many frames.
func repeated(times int, write func(*rawHTTP2)) []byte {
	var octets bytes.Buffer
	c := &rawHTTP2{Framer: http2.NewFramer(&octets, nil)}
	for range times {
		write(c)
	}
	return octets.Bytes()
}

func TestF70StreamsBeyondTheLimitAreRefused(t *testing.T) {
	release := make(chan struct{})
	addr := serve(t, Config{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })})
	c := dialHTTP2(t, addr)
	for i := range uint32(maxStreams + 1) {
		c.request(2*i + 1)
	}
	err := c.await(func(f http2.Frame) bool {
		reset, ok := f.(*http2.RSTStreamFrame)
		return ok && reset.StreamID == 2*maxStreams+1 && (reset.ErrCode == http2.ErrCodeRefusedStream || reset.ErrCode == http2.ErrCodeProtocol)
	})
	if err != nil {
		t.Error(err)
	}
	close(release)
}

// F62, F70: a client that opens no window holds its handler up no longer than the write timeout,
// and no other request.
func TestF70WindowThatStaysShutIsGivenUp(t *testing.T) {
	result := make(chan error, 1)
	addr := serve(t, Config{WriteTimeout: 100 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Small") == "" {
			_, err := w.Write(make([]byte, 1<<20))
			result <- err
		}
	})})
	c := dialHTTP2(t, addr, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	c.request(1)
	if err := <-result; err == nil {
		t.Error("a response that is not read is written")
	}
	c.request(3, hpack.HeaderField{Name: "small", Value: "1"})
	if status := c.status(t, 3); status != "200" {
		t.Errorf("the next request: %s", status)
	}
}

// Data that is sent only after the handler has returned is given up, too.
func TestF70WindowThatStaysShutDoesNotHoldUpTheEnd(t *testing.T) {
	addr := serve(t, Config{WriteTimeout: 100 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "a few bytes")
	})})
	c := dialHTTP2(t, addr, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	c.request(1)
	if err := c.await(func(f http2.Frame) bool { _, ok := f.(*http2.RSTStreamFrame); return ok }); err != nil {
		t.Error(err)
	}
}

// An event stream outlives the write timeout as long as its client reads it.
func TestStreamsOverHTTP2OutliveTheWriteTimeout(t *testing.T) {
	for name, c := range clientsOf(t, Config{WriteTimeout: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		for range 4 {
			io.WriteString(w, "event\n")
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(60 * time.Millisecond):
			}
		}
	}) {
		resp, err := c.Get(c.URL)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if strings.Count(string(body), "event") != 4 || err != nil {
			t.Errorf("%s: %q, %v", name, body, err)
		}
	}
}

// H6: a client that begins HTTP/2 and then sends nothing, or half a head, is disconnected after the
// idle timeout.
func TestH6SilenceWithinHTTP2IsGivenUp(t *testing.T) {
	addr := serve(t, Config{IdleTimeout: 100 * time.Millisecond, HeaderTimeout: 100 * time.Millisecond, Handler: http.NotFoundHandler()})
	for name, begin := range map[string]func(*rawHTTP2){
		"nothing":      func(*rawHTTP2) {},
		"half a head":  func(c *rawHTTP2) { c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.head()}) },
		"half a frame": func(c *rawHTTP2) { c.conn.Write([]byte{0, 0, 100, 1}) },
	} {
		c := dialHTTP2(t, addr)
		begin(c)
		if err := c.await(never); err == nil || strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConnectionsBeyondTheLimitWait(t *testing.T) {
	addr := serve(t, Config{MaxConnections: 2, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "here") })})
	var first []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		first = append(first, c)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		io.ReadFull(c, make([]byte, 12))
	}
	third := make(chan string)
	go func() { third <- raw(t, addr, getAndClose) }()
	select {
	case answer := <-third:
		t.Fatalf("a third connection was served: %q", answer)
	case <-time.After(50 * time.Millisecond):
	}
	first[0].Close()
	if answer := <-third; !strings.HasSuffix(answer, "here") {
		t.Errorf("%q", answer)
	}
}

func TestOnlyAllowedPeersConnect(t *testing.T) {
	for network, want := range map[string]string{"127.0.0.0/8": "HTTP/1.1 404 ", "10.0.0.0/8": ""} {
		addr := serve(t, Config{Allow: []netip.Prefix{netip.MustParsePrefix(network)}, Handler: http.NotFoundHandler()})
		if answer := raw(t, addr, getAndClose); !strings.HasPrefix(answer, want) || want == "" && answer != "" {
			t.Errorf("from %s: %q", network, answer)
		}
	}
}

// Clients in the backlog are served when the host ends.
func TestEndingServesTheBacklog(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan string, 3)
	for range cap(waiting) {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(watchtest.Patience))
		io.WriteString(c, getAndClose)
		go func() {
			answer, _ := io.ReadAll(c)
			waiting <- string(answer)
		}()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := New(Config{Handler: http.NotFoundHandler()}).Serve(ctx, ln); err != nil {
		t.Error(err)
	}
	for range cap(waiting) {
		if answer := <-waiting; !strings.HasPrefix(answer, "HTTP/1.1 404 ") {
			t.Errorf("%q", answer)
		}
	}
}
