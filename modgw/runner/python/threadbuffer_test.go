package python

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/modgw/modgw/modgw/wire"

	"github.com/modgw/modgw/modgw/runner/python/response"
)

// largeApp answers /send?N with N bytes, and /take?HOW with the number of bytes received and their
// hash. The data is the same everywhere, and does not repeat at the size of any buffer.
const largeApp = gates + `
import hashlib
PATTERN = bytes(i * i % 251 for i in range(65521))
def data(size):
    return (PATTERN * (size // len(PATTERN) + 1))[:size]
def pieces(size):
    whole, start, length = data(size), 0, 1
    while start < size:
        yield whole[start:start + length]
        start += length
        length = length * 5 % 1500007
def unlike(size):
    return bytes(255 - b for b in data(size))
def take(body, how):
    if how == "all":
        yield body.read()
    elif how == "lines":
        for line in body:
            yield line
    elif how == "into":
        buffer = bytearray(300007)
        while True:
            size = body.readinto(buffer)
            if not size:
                return
            yield bytes(buffer[:size])
    elif how == "mixed":
        yield body.read(70001)
        yield body.readline(5)
        yield body.read1()
        yield body.readline()
        yield body.read(2000003)
        yield body.read()
    elif how != "nothing":
        while True:
            piece = body.read(int(how))
            if not piece:
                return
            yield piece
def application(environ, start_response):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/take":
        sum, size = hashlib.sha256(), 0
        for piece in take(environ["wsgi.input"], query):
            sum.update(piece)
            size += len(piece)
        return ok(start_response, "%d %s" % (size, sum.hexdigest()))
    if path == "/hold":
        touch("begun")
        wait("go")
        body = environ["wsgi.input"].read()
        return ok(start_response, str(len(body)))
    size = int(query or 0)
    if path == "/short":
        start_response("200 OK", [("Content-Length", str(size + 1))])
        return [data(size)]
    if path == "/long":
        start_response("200 OK", [("Content-Length", str(size - 1))])
        return [data(size)]
    write = start_response("200 OK", [("Content-Length", str(size))])
    if path == "/pieces":
        return pieces(size)
    if path == "/write":
        for piece in pieces(size):
            write(piece)
        return []
    if path == "/fork":
        def body():
            yield data(size)[:size // 3]
            child = os.fork()
            if child == 0:
                yield unlike(size // 3)
                yield unlike(size)
            os.waitpid(child, 0)
            yield data(size)[size // 3:]
        return body()
    return [data(size)]
`

// largeData returns the data that largeApp sends.
func largeData(size int) string { return longestData()[:size] }

// longestData is made once: with the race detector, making it takes longer than the tests
// themselves.
var longestData = sync.OnceValue(func() string {
	pattern := make([]byte, 65521)
	for i := range pattern {
		pattern[i] = byte(i * i % 251)
	}
	return strings.Repeat(string(pattern), 9<<20/len(pattern))
})

// digest returns largeApp's answer to a body.
func digest(data string) string {
	sum := sha256.Sum256([]byte(data))
	return itoa(len(data)) + " " + hex.EncodeToString(sum[:])
}

// shares checks that large bodies of the app pass through memory.
func (a *app) shares() {
	a.Helper()
	for _, w := range a.tracked() {
		if w.Connections.Shared() == 0 {
			a.Skip("no memory can be shared here")
		}
	}
}

func TestLargeBodiesAreExact(t *testing.T) {
	t.Parallel()
	a := serve(t, largeApp, withWorkers(1, 2))
	a.shares()
	const window = wire.BufferWindow
	exactBodies(a, response.SmallEnd, response.SmallEnd+1, 100_000, window/2-1, window/2+1, window-1, window, window+1, 3*window+12345)
}

func exactBodies(a *app, sizes ...int) {
	a.Helper()
	for _, size := range sizes {
		for _, path := range []string{"/send", "/pieces", "/write"} {
			if got := a.get(path + "?" + itoa(size)); got.body != largeData(size) || got.err != nil {
				a.Errorf("%s of %d bytes: %d, %d bytes, %v", path, size, got.status, len(got.body), got.err)
			}
		}
		data := largeData(size)
		want := digest(data)
		for _, how := range []string{"all", "65536", "1000003", "lines", "into", "mixed"} {
			if got := a.do("POST", "/take?"+how, strings.NewReader(data)); got.body != want {
				a.Errorf("%d bytes, read by %s: %d %q, %v", size, how, got.status, got.body, got.err)
			}
		}
	}
}

// How a worker came into being makes no difference to any size but in whether it shares memory.
func TestLargeBodiesOfAForkedAndAnAttachedWorkerAreExact(t *testing.T) {
	t.Parallel()
	sizes := []int{response.SmallEnd + 1, 2*wire.BufferWindow + 12345}
	t.Run("forked", func(t *testing.T) {
		a := withTemplate(t, largeApp, withWorkers(1, 2), uploads(64<<20))
		a.shares()
		exactBodies(a, sizes...)
	})
	t.Run("attached", func(t *testing.T) {
		a := serveAttached(t, largeApp, withWorkers(1, 2), uploads(64<<20))
		a.attach("hello:application")
		a.awaitState("attached")
		a.shares()
		exactBodies(a, sizes...)
	})
}

func TestLargeBodiesOfManyClientsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	a := serve(t, largeApp, withWorkers(2, 2))
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			for i := range 3 {
				size := 150_000*c + 66_667*i + 40_000
				data := largeData(c + size)[c:] // each client sends different data
				if got := a.do("POST", "/take?100003", strings.NewReader(data)); got.body != digest(data) {
					t.Errorf("upload of client %d: %d %q, %v", c, got.status, got.body, got.err)
				}
				if got := a.get("/send?" + itoa(size)); got.body != largeData(size) {
					t.Errorf("response to client %d: %d, %d bytes, %v", c, got.status, len(got.body), got.err)
				}
			}
		})
	}
	clients.Wait()
}

func TestLargeResponsesThatAreNotAsLongAsTheySay(t *testing.T) {
	t.Parallel()
	a := serve(t, largeApp, withWorkers(1, 1))
	const size = 3_000_000
	for range 3 {
		if got := a.do("HEAD", "/send?"+itoa(size), nil); got.status != 200 || got.body != "" || got.header.Get("Content-Length") != itoa(size) {
			t.Errorf("HEAD: %d %q %v", got.status, got.body, got.header)
		}
		if got := a.get("/short?" + itoa(size)); got.err == nil && got.status == 200 {
			t.Errorf("too short, and looks complete: %d bytes", len(got.body))
		}
		if got := a.get("/long?" + itoa(size)); got.err == nil && got.status == 200 {
			t.Errorf("too long, and looks complete: %d bytes", len(got.body))
		}
		if got := a.get("/send?" + itoa(size)); got.body != largeData(size) {
			t.Errorf("afterwards: %d, %d bytes, %v", got.status, len(got.body), got.err)
		}
	}
}

// A request must return its memory: each request here leaves a large body, and together they exceed
// the memory.
func TestGivenUpBodiesLeaveRoom(t *testing.T) {
	t.Parallel()
	a := serve(t, largeApp, withWorkers(1, 1))
	pid := a.pid(1)
	for range 8 {
		conn := a.raw("GET /send?5000000 HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := io.CopyN(io.Discard, conn, 500_000); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		conn = a.raw("POST /take?nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + largeData(900_000))
		if _, err := io.ReadFull(conn, make([]byte, 12)); err != nil {
			t.Errorf("early response: %v", err)
		}
		conn.Close()
		conn = a.raw("POST /take?all HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + largeData(900_000))
		conn.Close()
	}
	data := largeData(5_000_000)
	if got := a.do("POST", "/take?100000", strings.NewReader(data)); got.body != digest(data) {
		t.Errorf("upload afterwards: %d %q, %v", got.status, got.body, got.err)
	}
	if got := a.get("/send?5000000"); got.body != data {
		t.Errorf("response afterwards: %d, %d bytes, %v", got.status, len(got.body), got.err)
	}
	if a.pid(1) != pid {
		t.Error("clients that left have cost the worker")
	}
	a.eventually("free connection", func() bool { return a.runner.Status().Busy == 0 })
}

func TestBodyThatIsHeldInMemoryIsStillTheRequestsOwn(t *testing.T) {
	t.Parallel()
	a := serve(t, largeApp, withWorkers(1, 1))
	conn := a.raw("POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + largeData(900_000))
	a.eventually("app", func() bool { return exists(a.path("begun")) })
	conn.Close()
	a.eventually("its end for the host", func() bool { return a.log.Count("request abandoned") == 1 })
	next := make(chan answer)
	data := largeData(3_000_000)
	go func() { next <- a.do("POST", "/take?all", strings.NewReader(data)) }()
	a.eventually("the next request", func() bool { return a.runner.Status().Queued == 1 })
	a.open("go")
	if got := <-next; got.body != digest(data) {
		t.Errorf("the next request: %d %q, %v", got.status, got.body, got.err)
	}
}

func TestChildOfAnAppWritesIntoNoResponse(t *testing.T) {
	t.Parallel()
	a := serve(t, largeApp, withWorkers(1, 1))
	a.shares()
	for range 3 {
		const size = 3_000_000
		if got := a.get("/fork?" + itoa(size)); got.body != largeData(size) || got.err != nil {
			t.Errorf("got %d, %d bytes, %v", got.status, len(got.body), got.err)
		}
	}
}

func TestKilledWorkerLeavesNoSharedMemoryBehind(t *testing.T) {
	a := serve(t, largeApp, withWorkers(1, 2))
	a.shares()
	for _, request := range []string{
		"GET /send?8000000 HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + largeData(900_000),
	} {
		pid := a.pid(1)
		conn := a.raw(request)
		if strings.HasPrefix(request, "GET") {
			if _, err := io.CopyN(io.Discard, conn, 100_000); err != nil {
				t.Fatal(err)
			}
		} else {
			a.eventually("app", func() bool { return exists(a.path("begun")) })
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		a.eventually("replacement", func() bool { p := a.pid(1); return p != 0 && p != pid })
		conn.Close()
		if got := a.get("/send?3000000"); got.body != largeData(3_000_000) {
			t.Errorf("afterwards: %d, %d bytes, %v", got.status, len(got.body), got.err)
		}
	}
	a.eventually("end of the requests", func() bool { return a.runner.Status().Busy == 0 })
	a.runner.Stop(t.Context())
	a.stopped = true
	http.DefaultClient.CloseIdleConnections()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(maps), "modgw bodies") {
		t.Errorf("still mapped:\n%s", maps)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if target, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.Contains(target, "modgw bodies") {
			t.Errorf("still open: %s", target)
		}
	}
}
