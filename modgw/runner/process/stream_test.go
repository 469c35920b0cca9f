package process

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// rawClient is a connection for requests that the test writes itself.
type rawClient struct {
	net.Conn
	r *bufio.Reader
}

func (s *site) dial() rawClient {
	s.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(watchtest.Patience))
	return rawClient{conn, bufio.NewReader(conn)}
}

// webSocket opens one.
func (s *site) webSocket() rawClient {
	s.Helper()
	c := s.dial()
	fmt.Fprint(c, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		s.Fatal(err)
	}
	if response.StatusCode != 101 || response.Header.Get("Sec-Websocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		text, _ := io.ReadAll(response.Body)
		s.Fatalf("got %d, %v, %s", response.StatusCode, response.Header, text)
	}
	return c
}

func (c rawClient) send(opcode byte, text string) {
	_, _ = c.Write(append([]byte{0x80 | opcode, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...))
}

func TestWebSocketIsTunnelled(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Timeouts.Request = 50 * time.Millisecond })
	c := s.webSocket()
	for _, text := range []string{"hello", "", strings.Repeat("x", 100)} {
		c.send(1, text)
		if opcode, got, err := readFrame(c.r); opcode != 1 || string(got) != text || err != nil {
			t.Errorf("got %d %q, %v", opcode, got, err)
		}
	}
	c.send(8, "\x03\xe8")
	if opcode, got, _ := readFrame(c.r); opcode != 8 || string(got) != "\x03\xe8" {
		t.Errorf("got %d %q", opcode, got)
	}
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Errorf("after its end: %v", err)
	}
}

func TestWebSocketOfAReplacedGenerationIsClosedWith1012(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Timeouts.WebSocketDrain = 10 * time.Millisecond })
	idle, half := s.webSocket(), s.webSocket()
	half.send(1, "half")
	begun := make([]byte, 3)
	if _, err := io.ReadFull(half.r, begun); err != nil {
		t.Fatal(err)
	}
	if err := s.deploy(); err != nil {
		t.Fatal(err)
	}
	half.send(1, "the other half")
	rest := make([]byte, 3)
	if _, err := io.ReadFull(half.r, rest); err != nil || string(rest) != "alf" {
		t.Errorf("rest of the frame: %q, %v", rest, err)
	}
	for name, c := range map[string]rawClient{"idle": idle, "in the middle of a frame": half} {
		if opcode, code, err := readFrame(c.r); opcode != 8 || string(code) != "\x03\xf4" || err != nil {
			t.Errorf("%s: got %d %q, %v", name, opcode, code, err)
		}
	}
	idle.send(8, "\x03\xf4") // as a client does
	watchtest.Eventually(t, "draining", func() bool {
		status, err := s.gateway.AppStatus("shop")
		return err == nil && len(status.Draining) == 0
	})
	if !s.log.Has(`frame 8`) {
		t.Error("the program was not told that the client closes")
	}
}

func TestEventsComeAtOnceAndEndWhenReplaced(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) {
		d.Timeouts.WebSocketDrain, d.Timeouts.Request = 10*time.Millisecond, 50*time.Millisecond
	})
	response, err := http.Get("http://" + s.addr + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	in := bufio.NewReader(response.Body)
	if line, err := in.ReadString('\n'); line != "data: first\n" || err != nil {
		t.Errorf("got %q, %v", line, err)
	}
	if err := s.deploy(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(in); string(rest) != "\n" || err != nil {
		t.Errorf("it did not end well: %q, %v", rest, err)
	}
	watchtest.Eventually(t, "draining", func() bool { return s.log.Has("generation drained") })
}

func TestRetiredWorkerEndsItsEventsAndWebSockets(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) {
		d.Recycle, d.Timeouts.WebSocketDrain, d.Timeouts.Drain = modgw.Recycle{Requests: 3}, 10*time.Millisecond, time.Hour
	})
	first := s.worker().PID
	socket := s.webSocket()
	response, err := http.Get("http://" + s.addr + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	watchtest.Eventually(t, "another process", func() bool { return s.seen("/").PID != first })
	if rest, err := io.ReadAll(response.Body); string(rest) != "data: first\n\n" || err != nil {
		t.Errorf("the event stream did not end well: %q, %v", rest, err)
	}
	if opcode, code, err := readFrame(socket.r); opcode != 8 || string(code) != "\x03\xf4" || err != nil {
		t.Errorf("got %d %q, %v", opcode, code, err)
	}
	socket.send(8, "\x03\xf4") // as a client does
	watchtest.Eventually(t, "end of the first", func() bool { return syscall.Kill(first, 0) == syscall.ESRCH })
}

func TestWebSocketOverAFrontThatCannotIsAnswered426(t *testing.T) {
	s := serve(t, "inherited")
	r, _ := http.NewRequest("GET", "http://x/ws", nil)
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Connection", "Upgrade")
	w := &recorder{header: http.Header{}}
	s.gateway.ServeHTTP(w, r)
	if w.status != 426 || !faulttest.Has(s.log.String(), "MGW-APP-020") {
		t.Errorf("got %d", w.status)
	}
}

// recorder is a front without ways to hand a connection over.
type recorder struct {
	header http.Header
	status int
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(p []byte) (int, error) { return len(p), nil }

func FuzzFrames(f *testing.F) {
	f.Add([]byte{0x81, 5, 'h', 'e', 'l', 'l', 'o'}, uint8(3))
	f.Add([]byte{0x82, 126, 0, 3, 1, 2, 3, 0x88, 0x80, 1, 2, 3, 4}, uint8(1))
	f.Add([]byte{0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, uint8(9))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		var whole, pieces frames
		if n := whole.take(data, false); n != len(data) {
			t.Fatalf("%d of %d bytes", n, len(data))
		}
		for rest := data; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			pieces.take(rest[:n], false)
			rest = rest[n:]
		}
		if whole.have != pieces.have || whole.left != pieces.left {
			t.Fatalf("%+v in one, %+v in pieces", whole, pieces)
		}
		var stopping frames
		stopping.take(data[:min(1, len(data))], false)
		if n := 1 + stopping.take(data[min(1, len(data)):], true); n < len(data) && !stopping.between() {
			t.Fatalf("stopped in the middle of a frame, after %d", n)
		}
	})
}
