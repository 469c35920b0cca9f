package python

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/wire"
)

// asASGI changes the app of a test to an ASGI app.
func asASGI(d *modgw.Descriptor) {
	d.Kind, d.WSGI = modgw.KindASGI, nil
	d.ASGI = &modgw.ASGI{Entry: "hello:application", Workers: 1, Concurrency: 100, WebSockets: 100}
}

func TestASGIHello(t *testing.T) {
	t.Parallel()
	a := serve(t, `
async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"Hello, World!"})
`, asASGI)
	got := a.get("/")
	if got.status != 200 || got.body != "Hello, World!" || got.err != nil {
		t.Fatalf("got %d %q, %v", got.status, got.body, got.err)
	}
	if got.header.Get("Content-Length") != "13" || got.header.Get("Content-Type") != "text/plain" {
		t.Errorf("headers %v", got.header)
	}
}

// asgiCases runs each piece of code as the body of an ASGI app, chosen by the path. start and body
// are shorthands there.
func asgiCases(bodies map[string]string) string {
	var source strings.Builder
	source.WriteString(asgiGates)
	source.WriteString("async def application(scope, receive, send):\n    name = scope['path'][1:]\n")
	source.WriteString("    if scope['type'] == 'lifespan':\n        raise RuntimeError('no lifespan here')\n")
	source.WriteString(`    async def start(status=200, headers=(), **more):
        await send({"type": "http.response.start", "status": status, "headers": list(headers), **more})
    async def body(data=b"", more=False):
        await send({"type": "http.response.body", "body": data, "more_body": more})
    async def say(value):
        await send({"type": "websocket.send", "text" if isinstance(value, str) else "bytes": value})
`)
	// a global statement must come before the name
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		fmt.Fprintf(&source, "    if name == %q:\n", name)
		for line := range strings.Lines(strings.TrimSpace(bodies[name])) {
			source.WriteString("        " + line)
		}
		source.WriteString("\n        return\n")
	}
	source.WriteString("    await start(); await body(b'up')\n")
	return source.String()
}

const asgiGates = `
import asyncio, os, time
ROOT = os.getcwd()
def touch(name, text=""):
    with open(os.path.join(ROOT, name + ".new"), "w") as f:
        f.write(text)
    os.rename(os.path.join(ROOT, name + ".new"), os.path.join(ROOT, name))
async def until(name):
    while not os.path.exists(os.path.join(ROOT, name)):
        await asyncio.sleep(0.005)
`

func TestWebSocketCarriesMessagesBothWays(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"echo": `
assert (await receive())["type"] == "websocket.connect"
await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][1], "headers": [(b"x-greeting", b"hi")]})
while True:
    message = await receive()
    if message["type"] == "websocket.disconnect":
        touch("ended", "%s %s" % (message["code"], message["reason"]))
        return
    await say(message.get("text", message.get("bytes")))
`}), asASGI)
	conn, response, err := websocket.Dial(t.Context(), a.server.URL+"/echo", &websocket.DialOptions{
		Subprotocols: []string{"soap", "wamp"}, CompressionMode: websocket.CompressionNoContextTakeover,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(-1)
	if response.Header.Get("X-Greeting") != "hi" || conn.Subprotocol() != "wamp" {
		t.Errorf("subprotocol %q, headers %v", conn.Subprotocol(), response.Header)
	}
	if !strings.HasPrefix(response.Header.Get("Sec-Websocket-Extensions"), "permessage-deflate") {
		t.Error("no compression")
	}
	for _, size := range []int{0, 1, 1000, 64 << 10, 64<<10 + 1, wire.SlotSize + 1, wire.MuxWindow + 1} {
		for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
			sent := bytes.Repeat([]byte("ä"), (size+1)/2)
			if err := conn.Write(t.Context(), kind, sent); err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			gotKind, got, err := conn.Read(t.Context())
			if err != nil || gotKind != kind || !bytes.Equal(got, sent) {
				t.Fatalf("%d bytes: got %d, %v", size, len(got), err)
			}
		}
	}
	if err := conn.Close(4001, "enough"); err != nil {
		t.Error(err)
	}
	a.eventually("end", func() bool { return a.read("ended") == "4001 enough" })
}

// read returns the content of a file in the app's root, or "" if it does not exist.
func (a *app) read(name string) string {
	data, _ := os.ReadFile(a.path(name))
	return string(data)
}

func TestASGIScopeUnderAMount(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{"shop/caf\u00e9": `
await start(); await body(repr((scope["path"], scope["root_path"], scope["raw_path"], scope["query_string"], scope["http_version"],
    scope["scheme"], scope["client"][0], scope["server"][0], dict(scope["headers"]).get(b"x-a"), scope["modgw.environ"])).encode())
`}), asASGI)
	a.mount, a.variables = "/shop", map[string]string{"SSL_PROTOCOL": "TLSv1.3", "COLOUR": "red"}
	r, err := http.NewRequest("GET", a.server.URL+"/shop/caf%C3%A9?a=%20b", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-A", "\xe4")
	got := a.send(r)
	want := `('/shop/café', '/shop', b'/shop/caf%C3%A9', b'a=%20b', '1.1', 'http', '127.0.0.1', '127.0.0.1', b'\xe4', ` +
		`{'SSL_PROTOCOL': 'TLSv1.3', 'COLOUR': 'red'})`
	if got.body != want && got.body != strings.Replace(want, "{'SSL_PROTOCOL': 'TLSv1.3', 'COLOUR': 'red'}", "{'COLOUR': 'red', 'SSL_PROTOCOL': 'TLSv1.3'}", 1) {
		t.Errorf("got %s", got.body)
	}
}

func TestASGIExtensionsReachTheClient(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"hint": `
await start(headers=[(b"link", b"</late.css>")])
await send({"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload", b"</x.js>"]})
await body(b"x")`,
		"trailers": `
await start(trailers=True, headers=[(b"trailer", b"x-sum")])
await body(b"x", True)
await body(b"y")
await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"42"), (b"content-length", b"7")]})`,
		"file":    `await start(headers=[(b"content-type", b"text/x")]); await send({"type": "http.response.pathsend", "path": os.path.join(ROOT, "hello.py")})`,
		"missing": `await start(); await send({"type": "http.response.pathsend", "path": os.path.join(ROOT, "missing.txt")})`,
		"habits":  `await start(headers=[(b"connection", b"keep-alive"), (b"transfer-encoding", b"chunked")]); await body(b"x")`,
	}), asASGI)
	var hints []string
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, header["Link"]))
			return nil
		},
	}), "GET", a.server.URL+"/hint", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.send(r); got.body != "x" || got.header.Get("Link") != "</late.css>" || len(hints) != 1 ||
		hints[0] != "103 [</style.css>; rel=preload </x.js>]" {
		t.Errorf("got %q with %v after %q", got.body, got.header, hints)
	}

	for _, te := range []string{"", "trailers"} {
		r, err := http.NewRequest("GET", a.server.URL+"/trailers", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Te", te)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(response.Body)
		response.Body.Close()
		want := map[string]int{"": 0, "trailers": 1}[te]
		if err != nil || string(data) != "xy" || len(response.Trailer) != want || te != "" && response.Trailer.Get("X-Sum") != "42" {
			t.Errorf("TE %q: %q with trailers %v, %v", te, data, response.Trailer, err)
		}
	}

	source := a.read("hello.py")
	if got := a.get("/file"); got.body != source || got.header.Get("Content-Type") != "text/x" {
		t.Errorf("got %d bytes of %d", len(got.body), len(source))
	}
	if got := a.get("/missing"); got.status != 500 {
		t.Errorf("missing file: %d", got.status)
	}
	if got := a.get("/habits"); got.status != 200 || got.body != "x" {
		t.Errorf("hop-by-hop headers: %d %q", got.status, got.body)
	}
}

func TestASGIUploadIsTakenAsFastAsTheAppReads(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{"upload": `
touch("begun")
await until("go")
size = 0
while True:
    message = await receive()
    size += len(message.get("body", b""))
    if not message.get("more_body"):
        break
await start(); await body(str(size).encode())
`}), asASGI)
	const size = 32 << 20
	var sent atomic.Int64
	source := io.TeeReader(io.LimitReader(zeros{}, size), counter{&sent})
	result := make(chan answer, 1)
	go func() { result <- a.do("POST", "/upload", source) }()
	a.eventually("request", func() bool { return exists(a.path("begun")) })
	waitUntilStill(t, &sent)
	if n := sent.Load(); n > 16<<20 {
		t.Errorf("%d bytes were taken for an app that reads nothing", n)
	}
	a.open("go")
	if got := <-result; got.body != itoa(size) {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
}

func TestASGIResponseWaitsForASlowClient(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"download": `
global sent
sent = 0
await start()
for _ in range(500):
    await body(b"x" * 65536, True)
    sent += 65536
await body()`,
		"sent": `await start(); await body(str(sent).encode())`,
	})+"\nsent = 0\n", asASGI, func(d *modgw.Descriptor) { d.Spool.Response = 4 << 20 })
	response, err := http.Get(a.server.URL + "/download")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	last := ""
	a.eventually("standstill", func() bool {
		got := a.get("/sent").body
		still := got == last && got != "0"
		last = got
		time.Sleep(20 * time.Millisecond)
		return still
	})
	if n := atoi(t, last); n > 16<<20 {
		t.Errorf("%d bytes were sent for a client that reads nothing", n)
	}
	n, err := io.Copy(io.Discard, response.Body)
	if err != nil || n != 500*65536 {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestASGIAppIsToldWhenTheClientHasGone(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"poll": `
touch("begun")
await receive()
touch("told", (await receive())["type"])`,
		"events": `
await start(headers=[(b"content-type", b"text/event-stream")])
await body(b"data: 1\n\n", True)
touch("begun")
try:
    await asyncio.sleep(1000)
except asyncio.CancelledError:
    touch("told", "cancelled")
    raise`,
	}), asASGI)
	for path, want := range map[string]string{"/poll": "http.disconnect", "/events": "cancelled"} {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, "GET", a.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan answer, 1)
		go func() { done <- a.send(r) }()
		a.eventually("request", func() bool { return exists(a.path("begun")) })
		cancel()
		<-done
		a.eventually("news", func() bool { return a.read("told") == want })
		for _, name := range []string{"begun", "told"} {
			if err := os.Remove(a.path(name)); err != nil {
				t.Fatal(err)
			}
		}
		a.eventually("free seat", func() bool { return a.runner.Status().Busy == 0 })
	}
}

func TestASGIRequestThatTakesTooLongIsCancelled(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{"slow": `
try:
    await asyncio.sleep(1000)
except asyncio.CancelledError:
    touch("cancelled")
    raise
`}), asASGI, func(d *modgw.Descriptor) { d.Timeouts.Request = 100 * time.Millisecond })
	pid := a.pid(1)
	if got := a.get("/slow"); got.status != 504 || !faulttest.Has(a.log.String(), "MGW-APP-009") {
		t.Errorf("got %d", got.status)
	}
	a.eventually("cancellation", func() bool { return exists(a.path("cancelled")) })
	if got := a.get("/"); got.body != "up" || a.pid(1) != pid {
		t.Error("the worker was replaced, though it did as it was told")
	}
}

func TestASGIConcurrencyIsLimited(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"wait": `touch("begun" + scope["query_string"].decode()); await until("go"); await start(); await body(b"done")`,
	}), asASGI, func(d *modgw.Descriptor) { d.ASGI.Concurrency, d.Queue.Max = 2, 1 })
	results := make(chan answer, 3)
	for _, name := range []string{"1", "2"} {
		go func() { results <- a.get("/wait?" + name) }()
		a.eventually("request", func() bool { return exists(a.path("begun" + name)) })
	}
	go func() { results <- a.get("/wait?3") }()
	a.eventually("queue", func() bool { return a.runner.Status().Queued == 1 })
	if got := a.get("/"); got.status != 503 || !faulttest.Has(a.log.String(), "MGW-APP-010") {
		t.Errorf("beyond the queue: %d", got.status)
	}
	if s := a.runner.Status(); s.Busy != 2 || s.Capacity != 2 {
		t.Errorf("status %+v", s)
	}
	a.open("go")
	for range 3 {
		if got := <-results; got.body != "done" {
			t.Errorf("got %d %q", got.status, got.body)
		}
	}
}

func TestASGIBlockedLoopIsLoggedOnce(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{"block": `time.sleep(2.5); await start(); await body(b"at last")`}), asASGI)
	if got := a.get("/block"); got.body != "at last" {
		t.Errorf("got %d %q", got.status, got.body)
	}
	a.eventually("record", func() bool { return a.log.Count("the event loop is blocked") == 1 })
	if !strings.Contains(a.log.String(), "time.sleep(2.5)") {
		t.Error("the record has no stack")
	}
}

func TestASGIBlockedLoopIsLoggedForAMessage(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{"block": `
await receive(); await send({"type": "websocket.accept"})
await receive(); time.sleep(2.5)`}), asASGI)
	conn, _, err := websocket.Dial(t.Context(), a.server.URL+"/block", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("go")); err != nil {
		t.Fatal(err)
	}
	a.eventually("record", func() bool { return a.log.Count("the event loop is blocked") == 1 })
	if !strings.Contains(a.log.String(), "time.sleep(2.5)") {
		t.Error("the record has no stack")
	}
}

func TestASGIStartupThatFailsNamesItsPlace(t *testing.T) {
	t.Parallel()
	a := prepare(t, `
async def application(scope, receive, send):
    await receive()
    raise OSError("no database")
`, asASGI)
	fault := a.failsToStart()
	if text := fault.Error(); !faulttest.Has(fault.Error(), "MGW-APP-021") || !strings.Contains(text, "OSError: no database") || !strings.Contains(text, "hello.py:4)") {
		t.Errorf("%s %v", fault.Code, fault)
	}
}

func TestASGIWorkerThatDiesIsReplaced(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"die":  `os._exit(3) if not os.path.exists(os.path.join(ROOT, "died")) and not touch("died") else None; await start(); await body(b"again")`,
		"dies": `os._exit(3)`,
		"open": `await send({"type": "websocket.accept"}); await asyncio.sleep(1000)`,
	}), asASGI)
	conn, _, err := websocket.Dial(t.Context(), a.server.URL+"/open", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if got := a.get("/die"); got.body != "again" {
		t.Errorf("a safe request was not repeated: %d %q", got.status, got.body)
	}
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusInternalError {
		t.Errorf("the WebSocket ended with %v", err)
	}
	if got := a.do("POST", "/dies", nil); got.status != 502 {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if got := a.get("/"); got.body != "up" {
		t.Errorf("afterwards: %d %q", got.status, got.body)
	}
}

func TestWebSocketIsRefusedAsTheAppSays(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"close": `await receive(); await send({"type": "websocket.close", "code": 1008, "reason": "not you"})`,
		"denial": `
await receive()
await send({"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-a", b"b")]})
await send({"type": "websocket.http.response.body", "body": b"first ", "more_body": True})
await send({"type": "websocket.http.response.body", "body": b"log in"})`,
		"raise":  `raise ValueError("spoiled")`,
		"return": `return`,
	}), asASGI)
	for path, want := range map[string]struct {
		status int
		body   string
	}{"/close": {403, ""}, "/denial": {401, "first log in"}, "/raise": {500, ""}, "/return": {403, ""}, "/": {500, ""}} {
		_, response, err := websocket.Dial(t.Context(), a.server.URL+path, nil)
		if err == nil || response == nil {
			t.Fatalf("%s: %v", path, err)
		}
		data, _ := io.ReadAll(response.Body)
		if response.StatusCode != want.status || want.body != "" && string(data) != want.body {
			t.Errorf("%s: %d %q", path, response.StatusCode, data)
		}
	}
	faulttest.Want(t, a.log.String(), "MGW-APP-023")
	a.info = func(info *modgw.RequestInfo) { info.Front = "fcgi" }
	_, response, err := websocket.Dial(t.Context(), a.server.URL+"/close", nil)
	if err == nil || response == nil || response.StatusCode != 426 || response.Header.Get("Upgrade") != "websocket" {
		t.Errorf("over another front: %+v, %v", response, err)
	}
	faulttest.Want(t, a.log.String(), "MGW-APP-020")
}

func TestWebSocketEndsAreTold(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{"talk": `
await receive()
await send({"type": "websocket.accept"})
while True:
    message = await receive()
    if message["type"] == "websocket.disconnect":
        return touch("code", str(message["code"]))
    command = message.get("text", "").split()
    if command and command[0] == "close":
        await send({"type": "websocket.close", "code": int(command[1]), "reason": "r" * 200})
    elif command and command[0] == "raise":
        raise ValueError("spoiled")
`}), asASGI, func(d *modgw.Descriptor) { d.Limits.Body = 1000 })
	dial := func() *websocket.Conn {
		conn, _, err := websocket.Dial(t.Context(), a.server.URL+"/talk", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.CloseNow() })
		return conn
	}
	for say, want := range map[string]websocket.StatusCode{
		"close 1000": 1000, "close 4321": 4321, "close 99": 1011, "close 1005": 1011, "raise": 1011,
		strings.Repeat("x", 1001): websocket.StatusMessageTooBig, "\xff\xfe": websocket.StatusInvalidFramePayloadData,
	} {
		conn := dial()
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(say)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != want {
			t.Errorf("%.20q: %v", say, err)
		}
	}
	for _, end := range []func(*websocket.Conn) error{
		func(c *websocket.Conn) error { return c.Close(4444, "bye") },
		(*websocket.Conn).CloseNow,
	} {
		_ = os.Remove(a.path("code"))
		if err := end(dial()); err != nil {
			t.Error(err)
		}
		a.eventually("code", func() bool { c := a.read("code"); return c == "4444" || c == "1006" })
	}
	a.eventually("free slots", func() bool { return a.runner.Status().Busy == 0 })
}

func TestWebSocketOfASlowAppHoldsItsClientBack(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{"sleep": `
await receive()
await send({"type": "websocket.accept"})
await until("go")
count = 0
while (message := await receive())["type"] != "websocket.disconnect":
    count += 1
touch("count", str(count))
`}), asASGI)
	conn, _, err := websocket.Dial(t.Context(), a.server.URL+"/sleep", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	var sent atomic.Int64
	done := make(chan struct{})
	const messages = 250
	go func() {
		defer close(done)
		for range messages {
			if conn.Write(t.Context(), websocket.MessageBinary, make([]byte, 50000)) != nil {
				return
			}
			sent.Add(1)
		}
	}()
	waitUntilStill(t, &sent)
	if n := sent.Load(); n > 200 {
		t.Errorf("%d messages were taken for an app that receives none", n)
	}
	a.open("go")
	<-done
	if err := conn.Close(1000, ""); err != nil {
		t.Error(err)
	}
	a.eventually("count", func() bool { return a.read("count") == itoa(messages) })
}

func TestStoppedASGIWorkerEndsItsStreams(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"open":   `await send({"type": "websocket.accept"}); await receive(); touch("code", str((await receive())["code"]))`,
		"events": `await start(headers=[(b"content-type", b"text/event-stream")]); await body(b"data: 1\n\n", True); await asyncio.sleep(1000)`,
	}), asASGI)
	conn, _, err := websocket.Dial(t.Context(), a.server.URL+"/open", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	events, err := http.Get(a.server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	ended := make(chan error, 1)
	go func() {
		_, _, err := conn.Read(t.Context())
		ended <- err
	}()
	a.runner.Stop(t.Context())
	a.stopped = true
	if err := <-ended; websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("the WebSocket ended with %v", err)
	}
	if _, err := io.ReadAll(events.Body); err != nil {
		t.Errorf("the event stream ended with %v", err)
	}
	if a.read("code") != "1012" {
		t.Errorf("the app was told %q", a.read("code"))
	}
	if a.log.Count("worker killed") > 0 {
		t.Error("the worker had to be killed")
	}
}

// zeros has as many zeros as one wants.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// counter counts the bytes written to it.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

// waitUntilStill waits until a number has grown, and grows no more.
func waitUntilStill(t *testing.T, n *atomic.Int64) {
	t.Helper()
	last, same := int64(0), 0
	eventually(t, "standstill", func() bool {
		now := n.Load()
		if now == last && now > 0 {
			same++
		} else {
			last, same = now, 0
		}
		return same > 40
	})
}

func TestASGIExceptionIsShownInDevelopment(t *testing.T) {
	t.Parallel()
	a := prepare(t, asgiCases(map[string]string{
		"raise": `raise ValueError("spoiled")`,
		"page": `
await start(500)
await body(b"Internal Server Error")
raise ValueError("behind a page")`,
		"meant": `await start(500); await body(b"as the app means it")`,
	}), asASGI)
	a.runner.app.Dev = true
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	for path, want := range map[string]string{"/raise": "ValueError: spoiled", "/page": "ValueError: behind a page", "/meant": "as the app means it"} {
		r, err := http.NewRequest("GET", a.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Request-Id", path)
		if got := a.send(r); got.status != 500 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %q", path, got.status, got.body)
		}
	}
}

func TestASGIWorkerHasItsLimits(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{"limits": `
import resource
limits = resource.getrlimit(resource.RLIMIT_NOFILE)[0], resource.getrlimit(resource.RLIMIT_DATA)[0]
await start(); await body(repr(limits).encode())`}), asASGI, func(d *modgw.Descriptor) {
		d.Limits.Files, d.Limits.Memory = 77, 4<<30
	})
	if got := a.get("/limits"); got.body != "(77, 4294967296)" {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestForkedASGIWorkerServes(t *testing.T) {
	t.Parallel()
	a := withTemplate(t, "import asyncio, json, decimal\n"+asgiCases(nil), asASGI)
	if got := a.get("/"); got.body != "up" {
		t.Fatalf("got %d %q", got.status, got.body)
	}
	for _, w := range a.tracked() {
		if w.parent == nil {
			t.Error("the worker was not forked")
		}
	}
}

func TestRetiredASGIWorkerEndsItsWebSockets(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"open": `await receive(); await send({"type": "websocket.accept"}); await receive()`,
	}), asASGI, func(d *modgw.Descriptor) {
		d.Recycle, d.Timeouts.WebSocketDrain = modgw.Recycle{Requests: 3}, 10*time.Millisecond
	})
	first := a.pid(1)
	conn, _, err := websocket.Dial(t.Context(), a.server.URL+"/open", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	for range 3 {
		if got := a.get("/"); got.body != "up" {
			t.Fatalf("got %d %q", got.status, got.body)
		}
	}
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("the WebSocket ended with %v", err)
	}
	a.eventually("end of the worker", func() bool { return !alive(first) })
	if a.log.Count("worker killed") > 0 {
		t.Error("the worker had to be killed")
	}
}
