package python

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
)

// slowClient is a client whose every byte the test decides on.
type slowClient struct {
	*testing.T
	net.Conn
	in *bufio.Reader
}

// connect opens a connection, which accepts some hundred kilobytes from the server before the test
// reads it.
func (a *app) connect() *slowClient {
	a.Helper()
	conn, err := net.Dial("tcp", a.server.Listener.Addr().String())
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { conn.Close() })
	return &slowClient{T: a.T, Conn: conn, in: bufio.NewReader(conn)}
}

// say sends text.
func (c *slowClient) say(text string) {
	if _, err := io.WriteString(c.Conn, text); err != nil {
		c.Error(err)
	}
}

// answer reads a response to its end.
func (c *slowClient) answer() answer {
	c.Helper()
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	return readAnswer(response)
}

// describe returns the answer of the app echo to a body with a Content-Length.
func describe(body string) string {
	digest := sha256.Sum256([]byte(body))
	return fmt.Sprintf("%d %s %d", len(body), hex.EncodeToString(digest[:]), len(body))
}

// uploads sets the part of each request body that is kept; 0: bodies are passed on as they arrive.
func uploads(limit int64) func(*modgw.Descriptor) {
	return func(d *modgw.Descriptor) { d.Spool.Upload = limit }
}

// nothingKept waits until the spool is empty.
func (a *app) nothingKept() {
	a.Helper()
	a.eventually("empty spool", func() bool {
		memory, disk := a.spool.Used()
		return memory == 0 && disk == 0 && a.runner.app.Spool.Used() == 0
	})
}

func TestSlowUploadsHoldNoThread(t *testing.T) {
	t.Parallel()
	for name, framing := range map[string]func(body string) (head, data string){
		"length": func(body string) (head, data string) {
			return fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)), body
		},
		"chunked": func(body string) (head, data string) {
			return "Transfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, echo, uploads(8<<20))
			body := strings.Repeat("0123456789abcdef", 100_000)
			head, data := framing(body)
			var clients []*slowClient
			for range 6 {
				c := a.connect()
				c.say("POST /up HTTP/1.1\r\nHost: x\r\n" + head + data[:200_000])
				clients = append(clients, c)
			}
			if got := a.get("/early"); got.body != "early" {
				t.Errorf("while others upload: %d %q, %v", got.status, got.body, got.err)
			}
			for _, c := range clients {
				go c.say(data[200_000:])
			}
			for _, c := range clients {
				if got := c.answer(); got.body != describe(body) {
					t.Errorf("got %d %q, %v", got.status, got.body, got.err)
				}
			}
			a.nothingKept()
		})
	}
}

func TestSlowUploadTakesNoneOfTheRequestsTime(t *testing.T) {
	t.Parallel()
	const limit = 4 * time.Second
	for name, upload := range map[string]int64{"kept": 8 << 20, "passed on as it comes": 0, "kept in part": 256 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := serve(t, echo, requestTimeout(limit), uploads(upload))
			body := strings.Repeat("0123456789abcdef", 40_000)
			c := a.connect()
			c.say(fmt.Sprintf("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:500_000]))
			time.Sleep(limit + time.Second)
			c.say(body[500_000:])
			if got := c.answer(); got.body != describe(body) {
				t.Errorf("got %d %q, %v", got.status, got.body, got.err)
			}
		})
	}
}

func TestTimeThatTheAppTakesBesideAnUploadIsItsOwn(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
READ = {
    "nothing": lambda body: None,
    "some": lambda body: body.read(1000),
    "all": lambda body: body.read(500000),
    "lines": lambda body: [body.readline(70000) for _ in range(5)],
}
def application(environ, start_response):
    what = environ["PATH_INFO"][1:]
    READ[what](environ["wsgi.input"])
    wait("never-" + what)
`, requestTimeout(500*time.Millisecond))
	for _, what := range []string{"nothing", "some", "all", "lines"} {
		t.Run(what, func(t *testing.T) {
			c := a.connect()
			c.say("POST /" + what + " HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n" + strings.Repeat("x", 500_000))
			got := c.answer()
			a.open("never-" + what)
			if got.status != http.StatusGatewayTimeout {
				t.Errorf("got %d %q, %v", got.status, got.body, got.err)
			}
		})
	}
}

func TestSlowUploadTakesNoneOfAnASGIRequestsTime(t *testing.T) {
	t.Parallel()
	const limit = 4 * time.Second
	a := serve(t, asgiCases(map[string]string{
		"up": `
size = 0
while True:
    message = await receive()
    size += len(message["body"])
    if not message["more_body"]:
        break
await start(); await body(str(size).encode())`,
		"hang": `
size = 0
while size < 500000:
    size += len((await receive())["body"])
await asyncio.sleep(3600)`,
	}), asASGI, requestTimeout(limit))
	send := func(path string) *slowClient {
		c := a.connect()
		c.say("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n" + strings.Repeat("x", 500_000))
		return c
	}
	c := send("/up")
	time.Sleep(limit + time.Second)
	c.say(strings.Repeat("x", 100_000))
	if got := c.answer(); got.body != "600000" {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	if got := send("/hang").answer(); got.status != http.StatusGatewayTimeout {
		t.Errorf("the app hangs: got %d %q, %v", got.status, got.body, got.err)
	}
}

const big = gates + `
import threading
lock = threading.Lock()
sent = 0
PIECE = bytes(range(256)) * 256
def application(environ, start_response):
    global sent
    path = environ["PATH_INFO"]
    if path == "/sent":
        return ok(start_response, str(sent))
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/list":
        with lock:
            sent += 1
        return [PIECE] * 128
    def pieces():
        global sent
        for _ in range(128):
            yield PIECE
        with lock:
            sent += 1
    return pieces()
`

// bigSize is more than the sockets on the way to a client hold.
const bigSize = 128 * 65536

func TestClientsThatDoNotReadHoldNoThread(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/list", "/generator"} {
		t.Run(path[1:], func(t *testing.T) {
			a := serve(t, big)
			var clients []*slowClient
			for range 3 { // one more than there are threads
				c := a.connect()
				c.say("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				clients = append(clients, c)
			}
			a.eventually("end of the app's work", func() bool { return a.get("/sent").body == "3" })
			a.eventually("idle app", func() bool { return a.runner.Status().Busy == 0 })
			for _, c := range clients {
				got := c.answer()
				if len(got.body) != bigSize || got.err != nil {
					t.Errorf("got %d, %d bytes, %v", got.status, len(got.body), got.err)
				}
			}
			a.nothingKept()
		})
	}
}

func TestResponseBeyondTheLimitWaitsForItsClient(t *testing.T) {
	t.Parallel()
	const limit = 10 * time.Second // far more than the app and other requests need
	a := serve(t, big, func(d *modgw.Descriptor) { d.Spool.Response = 1 << 20 }, requestTimeout(limit))
	c := a.connect()
	c.say("GET /generator HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	a.eventually("kept response", func() bool { return a.runner.app.Spool.Used() > 512<<10 })
	time.Sleep(limit + time.Second) // beyond the request's time, which the client uses
	if got := a.get("/sent"); got.body != "0" {
		t.Error("the app was done:", got)
	}
	if used := a.runner.app.Spool.Used(); used > 2<<20 {
		t.Error(used, "bytes are kept")
	}
	if got := c.answer(); len(got.body) != bigSize || got.err != nil {
		t.Errorf("got %d, %d bytes, %v", got.status, len(got.body), got.err)
	}
	a.nothingKept()
}

func TestClientThatHangsUpHasWhatWasKeptDropped(t *testing.T) {
	t.Parallel()
	a := serve(t, big, uploads(8<<20))
	c := a.connect()
	c.say("GET /generator HTTP/1.1\r\nHost: x\r\n\r\n")
	a.eventually("end of the app's work", func() bool { return a.get("/sent").body == "1" })
	c.Close()
	a.nothingKept()
	c = a.connect()
	c.say("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 300_000))
	a.eventually("kept body", func() bool { return a.runner.app.Spool.Used() > 0 })
	c.Close()
	a.nothingKept()
}

func TestFullSpoolRefusesUploadsAndNothingElse(t *testing.T) {
	t.Parallel()
	a := serve(t, echo, uploads(8<<20), func(d *modgw.Descriptor) { d.Spool.Total = 1 << 20 })
	body := strings.Repeat("x", 1_000_000)
	first := a.connect()
	first.say("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + body[:990_000])
	a.eventually("kept body", func() bool { return a.runner.app.Spool.Used() > 900_000 })
	got := a.do("POST", "/up", strings.NewReader(body))
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("got %d, %v", got.status, got.err)
	}
	if a.log.Count("code=MGW-APP-024") != 1 || !faulttest.Has(a.log.String(), "MGW-APP-024") {
		t.Error("the log does not say why")
	}
	if got := a.do("POST", "/up", strings.NewReader("short")); got.body != describe("short") {
		t.Errorf("a short upload: got %d %q, %v", got.status, got.body, got.err)
	}
	if got := a.get("/early"); got.body != "early" {
		t.Errorf("a request without a body: got %d %q, %v", got.status, got.body, got.err)
	}
	first.say(body[990_000:])
	if got := first.answer(); got.body != describe(body) {
		t.Errorf("the first upload: got %d %q, %v", got.status, got.body, got.err)
	}
	a.nothingKept()
}

func TestF44FullDiskOfTheSpoolRefusesUploadsAndCorruptsNothing(t *testing.T) {
	t.Parallel()
	a := prepare(t, echo+big[len(gates):strings.Index(big, "def application")]+`
old = application
def application(environ, start_response):
    if environ["PATH_INFO"] != "/big":
        return old(environ, start_response)
    start_response("200 OK", [])
    return (PIECE for _ in range(128))
`, uploads(8<<20))
	dir := a.path("disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skip("cannot mount a small file system:", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	a.spool = spool.New(spool.Config{Dir: dir, Memory: 1 << 20, Disk: 1 << 30})
	a.runner.app.Spool = a.spool.Account(1 << 30)
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	body := strings.Repeat("x", 2_000_000)
	if got := a.do("POST", "/up", strings.NewReader(body)); got.status != http.StatusInsufficientStorage {
		t.Errorf("got %d, %v", got.status, got.err)
	}
	if a.log.Count("code=MGW-APP-025") != 1 || !faulttest.Has(a.log.String(), "MGW-APP-025") {
		t.Error("the log does not say why")
	}
	body = strings.Repeat("y", 300_000)
	if got := a.do("POST", "/up", strings.NewReader(body)); got.body != describe(body) {
		t.Errorf("an upload that the disk has room for: got %d %q, %v", got.status, got.body, got.err)
	}
	c := a.connect()
	c.say("GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	a.eventually("full disk", func() bool { return a.log.Count("response not kept for a slow client") == 1 })
	octets := make([]byte, 256)
	for b := range octets {
		octets[b] = byte(b)
	}
	if got := c.answer(); got.err != nil || got.body != strings.Repeat(string(octets), bigSize/len(octets)) {
		t.Errorf("got %d, %d bytes, %v", got.status, len(got.body), got.err)
	}
	a.nothingKept()
}

func TestF67UploadToAnAppThatDoesNotReadTakesBoundedMemory(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"kept": 1 << 20, "passed on as it comes": 0} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, gates+`
def application(environ, start_response):
    wait("go")
    return ok(start_response, "done")
`, uploads(limit))
			c := a.connect()
			stuck := make(chan struct{})
			go func() {
				defer close(stuck)
				c.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000000\r\n\r\n")
				for piece := strings.Repeat("x", 1<<20); ; {
					if _, err := io.WriteString(c.Conn, piece); err != nil {
						return // the answer came
					}
				}
			}()
			a.eventually("request at the app", func() bool { return a.runner.Status().Busy == 1 })
			if used := a.runner.app.Spool.Used(); used > 2<<20 {
				t.Error(used, "bytes are kept")
			}
			a.open("go")
			if got := c.answer(); got.body != "done" {
				t.Errorf("got %d %q, %v", got.status, got.body, got.err)
			}
			c.Close()
			<-stuck
			a.nothingKept()
		})
	}
}

func TestFirstPieceOfAGeneratorArrivesWhileTheAppWaits(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/event-stream" if environ["PATH_INFO"] == "/events" else "text/plain")])
    yield b"first"
    wait("go" + environ["PATH_INFO"][1:])
    yield b"second"
`)
	for _, path := range []string{"/plain", "/events"} {
		c := a.connect()
		c.say("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		response, err := http.ReadResponse(c.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 5)
		if _, err := io.ReadFull(response.Body, first); err != nil || string(first) != "first" {
			t.Errorf("got %q, %v", first, err)
		}
		a.open("go" + path[1:])
		if rest, err := io.ReadAll(response.Body); err != nil || string(rest) != "second" {
			t.Errorf("got %q, %v", rest, err)
		}
	}
}

func TestASGIClientsThatDoNotReadHoldNoPlace(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"big": `
global done
done += 0
await start()
for _ in range(128):
    await body(bytes(range(256)) * 256, True)
await body()
done += 1`,
		"done": `await start(); await body(str(done).encode())`,
	})+"\ndone = 0\n", asASGI, func(d *modgw.Descriptor) { d.ASGI.Concurrency = 3 })
	var clients []*slowClient
	for range 3 {
		c := a.connect()
		c.say("GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		clients = append(clients, c)
	}
	a.eventually("end of the app's work", func() bool { return a.get("/done").body == "3" })
	for _, c := range clients {
		if got := c.answer(); len(got.body) != bigSize || got.err != nil {
			t.Errorf("got %d, %d bytes, %v", got.status, len(got.body), got.err)
		}
	}
	a.nothingKept()
}
