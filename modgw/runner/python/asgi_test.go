package python

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/modgw"
)

// asgi makes the app of a test one that speaks ASGI.
func asgi(d *modgw.Descriptor) {
	d.Kind, d.WSGI = modgw.KindASGI, nil
	d.ASGI = &modgw.ASGI{Entry: "hello:application", Workers: 1, Concurrency: 100}
}

func TestASGIHello(t *testing.T) {
	a := serve(t, `
async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"Hello, World!"})
`, asgi)
	got := a.get("/")
	if got.status != 200 || got.body != "Hello, World!" || got.err != nil {
		t.Fatalf("got %d %q, %v", got.status, got.body, got.err)
	}
	if got.header.Get("Content-Length") != "13" || got.header.Get("Content-Type") != "text/plain" {
		t.Errorf("headers %v", got.header)
	}
}

// asgiCases runs each piece of code as the body of an ASGI app, chosen by the path. start and body are shorthands there.
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
	for name, code := range bodies {
		fmt.Fprintf(&source, "    if name == %q:\n", name)
		for line := range strings.Lines(strings.TrimSpace(code)) {
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
	a := serve(t, asgiCases(map[string]string{
		"echo": `
assert (await receive())["type"] == "websocket.connect"
await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][1], "headers": [(b"x-greeting", b"hi")]})
while True:
    message = await receive()
    if message["type"] == "websocket.disconnect":
        touch("ended", "%s %s" % (message["code"], message["reason"]))
        return
    await say(message["bytes"] if message["text"] is None else message["text"])
`}), asgi)
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
	for _, size := range []int{0, 1, 1000, 64 << 10, 64<<10 + 1, 300 << 10, 5 << 20} {
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

// read is the content of a file in the app's root; "" without it.
func (a *app) read(name string) string {
	data, _ := os.ReadFile(a.path(name))
	return string(data)
}
