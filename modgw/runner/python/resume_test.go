package python

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/modgw"
)

// resuming is an app whose WebSockets tell by what number of worker, and in which state, each
// message was received.
var resuming = asgiCases(map[string]string{"talk": `
first = await receive()
extension = scope["extensions"].get("modgw.resumed")
await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[0]})
await say("open " + str(extension))
while True:
    message = await receive()
    if message["type"] == "websocket.disconnect":
        return touch("code" + scope["query_string"].decode(), str(message["code"]))
    await say(message.get("text", message.get("bytes")))
`})

// deployed serves the app by a gateway, of which deploy makes a new generation.
func (a *app) deployed(change func(*modgw.Descriptor)) (deploy func(change ...func(*modgw.Descriptor))) {
	d := a.runner.app.Descriptor
	change(&d)
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
		if err := gateway.Deploy(a.Context(), next, "test"); err != nil {
			a.Fatal(err)
		}
	}
	deploy()
	a.server = httptest.NewServer(gateway)
	a.Cleanup(func() {
		a.server.Close()
		gateway.Close(context.Background())
	})
	return deploy
}

func TestWebSocketMovesToTheNewGeneration(t *testing.T) {
	t.Parallel()
	a := prepare(t, resuming, asASGI)
	deploy := a.deployed(func(d *modgw.Descriptor) {
		d.ASGI.Resume = true
		d.Timeouts.WebSocketDrain = time.Minute
	})
	conn, _, err := websocket.Dial(t.Context(), a.server.URL+"/talk?x", &websocket.DialOptions{Subprotocols: []string{"chat"}})
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
	for n := range 3 {
		text := fmt.Sprintf("message %d", n)
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		want(text)
		deploy()
		want("open {'subprotocol': 'chat'}")
		a.eventually("the app is told", func() bool { return a.read("codex") == "1012" })
	}
}
