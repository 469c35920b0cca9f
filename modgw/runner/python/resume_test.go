package python

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/modgw"
)

// resumer is an app whose WebSockets echo, and whose event streams continue counting from
// Last-Event-ID.
var resumer = asgiCases(map[string]string{
	"talk": `
await receive()
extension = scope["extensions"].get("modgw.resumed")
await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[0]})
if scope["query_string"] == b"greet":
    await say("open " + str(extension))
while True:
    message = await receive()
    if message["type"] == "websocket.disconnect":
        return touch("code" + scope["query_string"].decode(), str(message["code"]))
    await asyncio.sleep(0.001) # what was received must be answered, too
    await say(message.get("text", message.get("bytes")))
`,
	"again": `
query = scope["query_string"].decode()
resumed = "modgw.resumed" in scope["extensions"]
await receive()
if resumed and query == "refuses":
    return await send({"type": "websocket.close", "code": 4007, "reason": "not again"})
if resumed and query == "raises":
    raise OSError("not again")
if resumed and query == "denies":
    await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
    return await send({"type": "websocket.http.response.body", "body": b"no"})
if resumed and query == "exits":
    os._exit(3)
await send({"type": "websocket.accept", "subprotocol": "b" if resumed and query == "chooses" else "a"})
if query == "pushes":
    n = 0
    while True:
        n += 1
        await say(("resumed %d" if resumed else "first %d") % n)
        await asyncio.sleep(0.001)
message = await receive()
if query == "works":
    touch("has", message["text"])
    await until("finish")
    await say("finished " + message["text"])
    message = await receive()
    if message["type"] == "websocket.disconnect":
        return await say("the last word")
    return await say("again: " + message["text"])
`,
	"plain": `
await start(headers=[(b"content-type", b"text/event-stream" if "modgw.resumed" not in scope["extensions"] else b"text/plain")])
await body(b"data: one\n\ndata: not complete", True)
await asyncio.sleep(3600)
`,
	"events": `
await start(headers=[(b"content-type", b"text/event-stream")])
n = int(dict(scope["headers"]).get(b"last-event-id", b"0"))
while True:
    n += 1
    await body(b"id: %d\ndata: a" % n, True)
    await asyncio.sleep(0.01) # a reload may come now
    await body(b"bc\n\n", True)
`})

// resumes serves the app by a gateway. deploy creates a new generation and waits until the old one
// has ended.
func (a *app) resumes(change ...func(*modgw.Descriptor)) (deploy func(change ...func(*modgw.Descriptor))) {
	d := a.runner.app.Descriptor
	d.ASGI.Resume = true
	d.Timeouts.WebSocketDrain = time.Minute
	for _, c := range change {
		c(&d)
	}
	gateway := modgw.New(modgw.Config{
		Log: a.runner.app.Log,
		Build: func(context.Context, modgw.Descriptor) (*modgw.Environment, error) {
			return a.runner.app.Environment, nil
		},
		Runners: map[modgw.Kind]modgw.NewRunner{modgw.KindASGI: func(c modgw.RunnerConfig) (modgw.Runner, error) {
			return New(c, a.runner.files)
		}},
	})
	deploy = func(change ...func(*modgw.Descriptor)) {
		a.Helper()
		next := d
		asgi := *d.ASGI
		next.ASGI = &asgi
		for _, c := range change {
			c(&next)
		}
		if err := gateway.Deploy(context.Background(), next, "test"); err != nil {
			a.Fatal(err)
		}
		a.eventually("the end of the old generation", func() bool {
			status, err := gateway.AppStatus(d.Name)
			return err == nil && len(status.Draining) == 0
		})
		if status, _ := gateway.AppStatus(d.Name); status.Drained != nil && status.Drained.Cut > 0 {
			a.Errorf("%d were cut off", status.Drained.Cut)
		}
	}
	deploy()
	a.server = httptest.NewServer(gateway)
	a.Cleanup(func() {
		a.server.CloseClientConnections()
		a.server.Close()
		gateway.Close(context.Background())
	})
	return deploy
}

func TestWebSocketMovesToTheNewGeneration(t *testing.T) {
	t.Parallel()
	a := prepare(t, resumer, asASGI)
	deploy := a.resumes()
	conn, _, err := websocket.Dial(t.Context(), a.server.URL+"/talk?greet", &websocket.DialOptions{Subprotocols: []string{"chat"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	want := func(text string) {
		t.Helper()
		if _, got, err := conn.Read(t.Context()); string(got) != text || err != nil {
			t.Fatalf("got %q, %v in place of %q", got, err, text)
		}
	}
	want("open None")
	for n := range 2 {
		text := fmt.Sprintf("message %d", n)
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		want(text)
		deploy()
		want("open {'subprotocol': 'chat'}")
		a.eventually("the app is told", func() bool { return a.read("codegreet") == "1012" })
	}
}

// openAgain opens a WebSocket to the app's "again".
func (a *app) openAgain(query string) *websocket.Conn {
	a.Helper()
	conn, _, err := websocket.Dial(a.Context(), a.server.URL+"/again?"+query, &websocket.DialOptions{Subprotocols: []string{"a", "b"}})
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { conn.CloseNow() })
	return conn
}

func TestWebSocketThatCannotMoveIsClosed(t *testing.T) {
	t.Parallel()
	a := prepare(t, resumer, asASGI)
	deploy := a.resumes()
	ends := map[string]struct {
		code   websocket.StatusCode
		reason string
	}{
		"refuses": {4007, "not again"},
		"denies":  {websocket.StatusPolicyViolation, "the app does not accept it"},
		"chooses": {websocket.StatusServiceRestart, "another subprotocol"},
		"raises":  {websocket.StatusInternalError, ""},
	}
	conns := map[string]*websocket.Conn{}
	for query := range ends {
		conns[query] = a.openAgain(query)
	}
	stream, err := http.Get(a.server.URL + "/plain")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	deploy()
	for query, want := range ends {
		_, _, err := conns[query].Read(t.Context())
		end, ok := errors.AsType[websocket.CloseError](err)
		if !ok || end.Code != want.code || end.Reason != want.reason {
			t.Errorf("%s: %v", query, err)
		}
	}
	// The response has an end, so that the client connects again.
	if all, err := io.ReadAll(stream.Body); string(all) != "data: one\n\n" || err != nil {
		t.Errorf("the event stream: %q, %v", all, err)
	}
	exits := a.openAgain("exits")
	deploy()
	if _, _, err := exits.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusInternalError {
		t.Errorf("exits: %v", err)
	}
}

// An app completes the messages that it has begun before the next app gets any; messages that it
// has not asked for go to the next app.
func TestWebSocketMovesWhenItsAppAsksForMore(t *testing.T) {
	t.Parallel()
	a := prepare(t, resumer, asASGI)
	deploy := a.resumes()
	conn := a.openAgain("works")
	write := func(text string) {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	a.eventually("the app has it", func() bool { return a.read("has") == "one" })
	var deploying sync.WaitGroup
	defer deploying.Wait()
	deploying.Go(func() { deploy() })
	a.eventually("the next generation", func() bool { return strings.Contains(a.log.String(), "generation=2 cause") })
	write("two")
	write("three")
	a.touch("finish")
	for _, want := range []string{"finished one", "the last word", "finished two", "again: three"} {
		if _, got, err := conn.Read(t.Context()); string(got) != want || err != nil {
			t.Fatalf("got %q, %v in place of %q", got, err, want)
		}
	}
}

func TestWebSocketWhoseAppAsksForNothingMovesAtTheEndOfTheDrain(t *testing.T) {
	t.Parallel()
	a := prepare(t, resumer, asASGI)
	deploy := a.resumes(func(d *modgw.Descriptor) { d.Timeouts.WebSocketDrain = 300 * time.Millisecond })
	conn := a.openAgain("pushes")
	var deploying sync.WaitGroup
	defer deploying.Wait()
	deploying.Go(func() { deploy() })
	for n, phase := 1, "first"; phase == "first" || n < 5; n++ {
		_, got, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if string(got) == "resumed 1" {
			n, phase = 1, "resumed"
		}
		if string(got) != fmt.Sprintf("%s %d", phase, n) {
			t.Fatalf("got %q in place of %s %d", got, phase, n)
		}
	}
}

func TestWebSocketStaysWithAnAppThatDoesNotResume(t *testing.T) {
	t.Parallel()
	a := prepare(t, resumer, asASGI)
	deploy := a.resumes(func(d *modgw.Descriptor) { d.Timeouts.WebSocketDrain = 10 * time.Millisecond })
	conn := a.openAgain("stays")
	var deploying sync.WaitGroup
	defer deploying.Wait()
	deploying.Go(func() { deploy(func(d *modgw.Descriptor) { d.ASGI.Resume = false }) })
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("closed with %v", err)
	}
}

// A worker that is replaced by itself hands its WebSockets over as well.
func TestWebSocketMovesFromAWorkerThatIsReplaced(t *testing.T) {
	t.Parallel()
	a := prepare(t, resumer, asASGI)
	a.resumes(func(d *modgw.Descriptor) { d.Recycle.Requests = 1 })
	conn, _, err := websocket.Dial(t.Context(), a.server.URL+"/talk?greet", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	for n, want := range []string{"open None", "open {'subprotocol': ''}"} {
		if _, got, err := conn.Read(t.Context()); string(got) != want || err != nil {
			t.Fatalf("got %q, %v in place of %q", got, err, want)
		}
		if got := a.get("/"); n == 0 && got.body != "up" { // the worker may do nothing else
			t.Errorf("%+v", got)
		}
	}
}

// WebSockets and event streams stay over two reloads, and get everything once and in order.
func TestWebSocketsAndEventStreamsStayOverReloads(t *testing.T) {
	t.Parallel()
	a := prepare(t, resumer, asASGI)
	deploy := a.resumes(func(d *modgw.Descriptor) { d.ASGI.Workers = 2 })
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var steps stepCounter
	const talking, listening = 8, 4
	for range talking {
		clients.Go(func() { a.talkOn(ctx, &steps) })
	}
	for range listening {
		clients.Go(func() { a.listenOn(ctx, &steps) })
	}
	for range 2 {
		deploy()
		steps.await(t, 10*(talking+listening))
	}
	stop()
	clients.Wait()
}

// stepCounter counts the messages that clients get.
type stepCounter struct {
	mu sync.Mutex
	n  int
}

func (c *stepCounter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

// await waits for more messages.
func (c *stepCounter) await(t *testing.T, more int) {
	t.Helper()
	count := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.n
	}
	end := count() + more
	eventually(t, "the clients go on", func() bool { return count() >= end || t.Failed() })
}

// talkOn sends numbers, some of them in long messages and ahead of the answers, and checks the
// answers, until ctx is done.
func (a *app) talkOn(ctx context.Context, steps *stepCounter) {
	conn, _, err := websocket.Dial(context.Background(), a.server.URL+"/talk", nil)
	if err != nil {
		a.Error(err)
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(-1)
	ahead := make(chan int, 20)
	go func() {
		defer close(ahead)
		for n := 0; ctx.Err() == nil; n++ {
			ahead <- n
			if conn.Write(context.Background(), websocket.MessageText, []byte(numbered(n))) != nil {
				return
			}
			if n%4 == 0 {
				time.Sleep(200 * time.Millisecond) // the load, not the wait for anything
			}
		}
	}()
	for n := range ahead {
		_, got, err := conn.Read(context.Background())
		if err != nil || string(got) != numbered(n) {
			a.Errorf("answer %d: %.20q of %d bytes, %v", n, got, len(got), err)
			conn.CloseNow()
			for range ahead {
			}
			return
		}
		steps.add()
	}
}

// numbered returns a message that begins with a number.
func numbered(n int) string {
	if n%50 == 49 {
		return strconv.Itoa(n) + strings.Repeat(" long", 50_000)
	}
	return strconv.Itoa(n)
}

// listenOn checks the events of a stream until ctx is done.
func (a *app) listenOn(ctx context.Context, steps *stepCounter) {
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, a.server.URL+"/events", nil)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		a.Error(err)
		return
	}
	defer response.Body.Close()
	stream := bufio.NewReader(response.Body)
	for n := 0; ; n++ {
		line, err := stream.ReadString('\n')
		if err != nil { // the incomplete line before it is ignored
			if ctx.Err() == nil {
				a.Errorf("an event stream has ended: %v", err)
			}
			return
		}
		want := [...]string{fmt.Sprintf("id: %d\n", n/3+1), "data: abc\n", "\n"}[n%3]
		if line != want {
			a.Errorf("line %d: %q in place of %q", n, line, want)
			return
		}
		steps.add()
	}
}
