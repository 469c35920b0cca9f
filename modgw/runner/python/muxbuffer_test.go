package python

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/wire"
)

// largeASGIApp answers /whole?N and /pieces?N with N bytes of largeApp's data.
var largeASGIApp = asgiCases(map[string]string{
	"whole": `
await start()
await body(data(int(scope["query_string"])))`,
	"pieces": `
await start()
whole, begin, length = data(int(scope["query_string"])), 0, 1
while begin < len(whole):
    await body(whole[begin:begin + length], True)
    begin += length
    length = length * 5 % 1500007
await body()`,
	"take": `
import hashlib
found, size, more = hashlib.sha256(), 0, True
while more:
    message = await receive()
    found.update(message["body"])
    size += len(message["body"])
    more = message["more_body"]
await start()
await body(b"%d %s" % (size, found.hexdigest().encode()))`,
	"early": `
await receive()
await start()
await body(b"early")
while (await receive())["type"] != "http.disconnect":
    pass`,
	"free": `
await start()
import gc, modgw_worker.sharedbuffer
[buffer] = [o for o in gc.get_objects() if type(o) is modgw_worker.sharedbuffer.MuxBuffer]
await body(b"%d" % len(buffer._free))`,
	"bad": `
await start(200, [(b"x y", b"")])
for _ in range(100):
    await body(b"x" * 1000, True)
    await body(b"x" * 100000, True)
await body()`,
}) + `
PATTERN = bytes(i * i % 251 for i in range(65521))
def data(size):
    return (PATTERN * (size // len(PATTERN) + 1))[:size]
`

func (a *app) exactASGIResponses(largest int) {
	a.Helper()
	const slot = wire.SlotSize // of responses, too
	for _, size := range []int{64 << 10, 64<<10 + 1, slot - 1, slot, slot + 1, 2*slot + 1, largest} {
		for _, path := range []string{"/whole", "/pieces"} {
			if got := a.get(path + "?" + itoa(size)); got.body != largeData(size) || got.err != nil {
				a.Errorf("%s of %d bytes: %d, %d bytes, %v", path, size, got.status, len(got.body), got.err)
			}
		}
	}
}

func TestLargeASGIResponsesAreExact(t *testing.T) {
	t.Parallel()
	t.Run("started", func(t *testing.T) {
		a := serve(t, largeASGIApp, asASGI)
		a.shares()
		a.exactASGIResponses(wire.MuxBufferSize + 4321)
	})
	t.Run("forked", func(t *testing.T) {
		a := withTemplate(t, largeASGIApp, asASGI)
		a.shares()
		a.exactASGIResponses(3<<20 + 4321)
	})
	t.Run("attached", func(t *testing.T) {
		a := serveAttached(t, largeASGIApp, asASGI)
		a.attach("hello:application")
		a.awaitState("attached")
		a.shares()
		a.exactASGIResponses(3<<20 + 4321)
	})
}

// More clients than there are slots leave responses of all kinds behind; then an equal number of
// clients get their own responses.
func TestLargeASGIResponsesOfManyClientsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	a := serve(t, largeASGIApp, asASGI)
	a.shares()
	pid := a.pid(1)
	free := a.get("/free").body
	var silent []io.Closer
	for i := range 24 {
		switch i % 3 {
		case 0: // its client does not read
			silent = append(silent, a.raw("GET /whole?5000000 HTTP/1.1\r\nHost: x\r\n\r\n"))
		case 1:
			conn := a.raw("GET /pieces?5000000 HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := io.CopyN(io.Discard, conn, 100_000); err != nil {
				t.Fatal(err)
			}
			conn.Close()
		case 2:
			if got := a.get("/bad"); got.status != 500 {
				t.Errorf("bad: %d, %v", got.status, got.err)
			}
		}
	}
	var clients sync.WaitGroup
	for c := range 24 {
		clients.Go(func() {
			size := 33_333*c + 60_000
			for _, path := range []string{"/whole", "/pieces"} {
				if got := a.get(path + "?" + itoa(size)); got.body != largeData(size) || got.err != nil {
					t.Errorf("client %d: %d, %d bytes, %v", c, got.status, len(got.body), got.err)
				}
			}
		})
	}
	clients.Wait()
	for _, conn := range silent {
		conn.Close()
	}
	a.eventually("return of all that was lent", func() bool { return a.get("/free").body == free })
	if a.pid(1) != pid {
		t.Error("clients that left have cost the worker")
	}
}

func TestLargeASGIUploadsAreExact(t *testing.T) {
	t.Parallel()
	const slot = wire.SlotSize
	for name, kept := range map[string]int64{"kept": 64 << 20, "as they come": 0} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, largeASGIApp, asASGI, func(d *modgw.Descriptor) { d.Spool.Upload = kept })
			a.shares()
			for _, size := range []int{1, 64 << 10, 64<<10 + 1, slot - 1, slot, slot + 1, 2*slot + 1, 5<<20 + 4321} {
				data := largeData(size)
				if got := a.do("POST", "/take", strings.NewReader(data)); got.body != digest(data) {
					a.Errorf("%d bytes: %d %q, %v", size, got.status, got.body, got.err)
				}
			}
		})
	}
}

// More clients than there are slots for upload at the same time, and some of them get their answer
// early, or leave in the middle.
func TestLargeASGIUploadsOfManyClientsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	a := serve(t, largeASGIApp, asASGI, func(d *modgw.Descriptor) { d.Spool.Upload = 0 })
	a.shares()
	pid := a.pid(1)
	var clients sync.WaitGroup
	for c := range 24 {
		clients.Go(func() {
			data := largeData(300_000 + 20_000*c)
			switch c % 4 {
			case 0: // it may see its answer, or only the end of its connection
				a.do("POST", "/early", strings.NewReader(data))
			case 1:
				conn := a.raw(fmt.Sprintf("POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(data)))
				io.WriteString(conn, data[:200_000])
				conn.Close()
			}
			for range 2 {
				if got := a.do("POST", "/take", strings.NewReader(data)); got.body != digest(data) {
					t.Errorf("client %d: %d %q, %v", c, got.status, got.body, got.err)
				}
			}
		})
	}
	clients.Wait()
	if a.pid(1) != pid {
		t.Error("clients that left have cost the worker")
	}
}

func TestKilledASGIWorkerLeavesNoSharedMemoryBehind(t *testing.T) {
	a := serve(t, largeASGIApp, asASGI)
	a.shares()
	for range 2 {
		pid := a.pid(1)
		var conns []io.Closer
		for range 8 {
			conn := a.raw("GET /whole?5000000 HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := io.CopyN(io.Discard, conn, 100_000); err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		a.eventually("replacement", func() bool { p := a.pid(1); return p != 0 && p != pid })
		for _, conn := range conns {
			conn.Close()
		}
		if got := a.get("/whole?3000000"); got.body != largeData(3_000_000) {
			t.Errorf("afterwards: %d, %d bytes, %v", got.status, len(got.body), got.err)
		}
	}
	a.runner.Stop(t.Context())
	a.stopped = true
	http.DefaultClient.CloseIdleConnections()
	a.eventually("end of all mappings", func() bool {
		maps, err := os.ReadFile("/proc/self/maps")
		return err == nil && !strings.Contains(string(maps), "modgw bodies")
	})
}
