package tests

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
)

// asgiPackages lists the packages of all frameworks, so that the apps share one environment.
const asgiPackages = `["starlette==1.10.0", "fastapi==0.165.0", "quart==0.22.0", "litestar==2.25.0", "django==5.2.19", "channels==4.3.2", "uvloop==0.23.0"]`

// asgiApps maps each framework to an app with the same features: a page with the state of the
// lifespan, a stream, and a WebSocket that echoes.
var asgiApps = map[string]string{
	"starlette": `
import contextlib
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

@contextlib.asynccontextmanager
async def lifespan(app):
    yield {"greeting": "begun"}

async def index(request):
    return PlainTextResponse("%s %s" % (request.state.greeting, request.url.path))

async def stream(request):
    async def pieces():
        for n in range(1000):
            yield b"%05d" % n
    return StreamingResponse(pieces())

async def upload(request):
    return PlainTextResponse(str(sum([len(piece) async for piece in request.stream()])))

async def echo(websocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text("echo " + text)

app = Starlette(lifespan=lifespan, routes=[Route("/", index), Route("/stream", stream),
    Route("/upload", upload, methods=["POST"]), WebSocketRoute("/ws", echo)])
`,
	"fastapi": `
import contextlib
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import PlainTextResponse, StreamingResponse

@contextlib.asynccontextmanager
async def lifespan(app):
    yield {"greeting": "begun"}

app = FastAPI(lifespan=lifespan)

@app.get("/")
def index(request: Request):  # in a thread
    return PlainTextResponse("%s %s" % (request.state.greeting, request.url.path))

@app.get("/stream")
async def stream():
    return StreamingResponse(b"%05d" % n for n in range(1000))

@app.post("/upload")
async def upload(request: Request):
    return PlainTextResponse(str(len(await request.body())))

@app.websocket("/ws")
async def echo(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            await websocket.send_text("echo " + await websocket.receive_text())
    except WebSocketDisconnect:
        pass
`,
	"quart": `
from quart import Quart, request, websocket

app = Quart(__name__)
state = {}

@app.before_serving
async def begin():
    state["greeting"] = "begun"

@app.get("/")
async def index():
    return "%s %s" % (state["greeting"], request.root_path + request.path), {"content-type": "text/plain"}

@app.get("/stream")
async def stream():
    async def pieces():
        for n in range(1000):
            yield b"%05d" % n
    return pieces()

@app.post("/upload")
async def upload():
    return str(len(await request.get_data()))

@app.websocket("/ws")
async def echo():
    while True:
        await websocket.send("echo " + await websocket.receive())
`,
	"litestar": `
from litestar import Litestar, MediaType, Request, get, post, websocket_listener
from litestar.datastructures import State
from litestar.response import Stream

async def begin(app: Litestar) -> None:
    app.state.greeting = "begun"

@get("/", media_type=MediaType.TEXT)
async def index(request: Request, state: State) -> str:
    return "%s %s" % (state.greeting, request.url.path)

@get("/stream")
async def stream() -> Stream:
    async def pieces():
        for n in range(1000):
            yield b"%05d" % n
    return Stream(pieces())

@post("/upload", media_type=MediaType.TEXT, status_code=200)
async def upload(request: Request) -> str:
    return str(len(await request.body()))

@websocket_listener("/ws")
async def echo(data: str) -> str:
    return "echo " + data

app = Litestar([index, stream, upload, echo], on_startup=[begin])
`,
	"django": `
import django
from django.conf import settings
if not settings.configured:  # ROOT_URLCONF imports this file again
    settings.configure(SECRET_KEY="test", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, DATA_UPLOAD_MAX_MEMORY_SIZE=None)
    django.setup()
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path, re_path

async def index(request):
    return HttpResponse("begun " + request.path, content_type="text/plain")

async def stream(request):
    async def pieces():
        for n in range(1000):
            yield b"%05d" % n
    return StreamingHttpResponse(pieces())

def upload(request):
    return HttpResponse(str(len(request.body)))

urlpatterns = [path("", index), path("stream", stream), path("upload", upload)]

class Echo(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data="echo " + text_data)

app = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": URLRouter([re_path(r"ws$", Echo.as_asgi())])})
`,
}

func TestFrameworksOfASGI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, source := range asgiApps {
		s.write("apps/"+name+"/app.py", source)
		s.write("apps/"+name+"/modgw.hcl", fmt.Sprintf(`app %q {
		  mount = "/%s"
		  asgi {
		    entry   = "app.py"
		    workers = 1
		  }
		  python { packages = %s }
		}`, name, name, asgiPackages))
	}
	// Litestar requires packages of its command line, client and test factories, which no app here
	// imports, and which make up half of all compiled code.
	overrides := ""
	for _, unused := range []string{"faker", "polyfactory", "rich", "rich-click", "pygments", "httpx"} {
		overrides += unused + "; sys_platform == 'none'\n"
	}
	s.write("override.txt", overrides)
	override := "UV_OVERRIDE=" + s.path("override.txt")
	if out, ok := s.runWithin([]string{"env", override}, "env", "build", "-c", s.path("modgw.hcl")); !ok {
		t.Fatal(out)
	}
	s.start(override)
	for name := range asgiApps {
		t.Run(name, func(t *testing.T) { s.usesFramework(t, "/"+name) })
	}
}

func (s *site) usesFramework(t *testing.T, mount string) {
	if status, body := s.get(mount + "/"); status != 200 || body != "begun "+mount+"/" {
		t.Errorf("%d %q", status, body)
	}
	var whole strings.Builder
	for n := range 1000 {
		fmt.Fprintf(&whole, "%05d", n)
	}
	if status, body := s.get(mount + "/stream"); status != 200 || body != whole.String() {
		t.Errorf("stream: %d, %d bytes", status, len(body))
	}
	response, err := http.Post(s.url+mount+"/upload", "application/octet-stream", strings.NewReader(strings.Repeat("x", 3<<20)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != fmt.Sprint(3<<20) {
		t.Errorf("upload: %d %q, %v", response.StatusCode, body, err)
	}
	conn := s.dial(t, mount+"/ws")
	for _, text := range []string{"one", strings.Repeat("long ", 50000)} {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := conn.Read(t.Context()); err != nil || string(got) != "echo "+text {
			t.Fatalf("echo of %d bytes: %d, %v", len(text), len(got), err)
		}
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

// dial opens a WebSocket.
func (s *site) dial(t *testing.T, path string) *websocket.Conn {
	t.Helper()
	conn, response, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+path, nil)
	if err != nil {
		t.Fatalf("%s: %+v, %v", path, response, err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	conn.SetReadLimit(-1)
	return conn
}

// asgiVersion is an app that greets with a version, and starts only if it is not "broken".
const asgiVersion = `
VERSION = "%s"
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        if VERSION == "broken":
            raise OSError("no database")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return await send({"type": "lifespan.shutdown.complete"})
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": VERSION})
        return await receive()
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": VERSION.encode()})
`

func TestWebSocketsGoOverToTheNewGeneration(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "python3", "python3")
	s := newSite(t)
	s.write("apps/api/app.py", fmt.Sprintf(asgiVersion, "one"))
	s.write("apps/api/modgw.hcl", `app "api" {
	  asgi {
	    entry   = "app.py"
	    workers = 1
	  }
	  timeouts { websocket_drain = "100ms" }
	}`)
	s.start()
	conn := s.dial(t, "/")
	if _, text, err := conn.Read(t.Context()); err != nil || string(text) != "one" {
		t.Fatalf("%q, %v", text, err)
	}

	s.write("apps/api/app.py", fmt.Sprintf(asgiVersion, "broken"))
	s.eventually("failure in the log", func() bool { return faulttest.Has(s.log.String(), "MGW-APP-021") })
	if text := s.log.String(); !strings.Contains(text, "OSError: no database") || !strings.Contains(text, "app.py:7)") {
		t.Errorf("the log does not name the place:\n%s", text)
	}
	if status, body := s.get("/"); status != 200 || body != "one" {
		t.Errorf("after a startup that failed: %d %q", status, body)
	}

	s.write("apps/api/app.py", fmt.Sprintf(asgiVersion, "two"))
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("the WebSocket ended with %v", err)
	}
	if _, text, err := s.dial(t, "/").Read(t.Context()); err != nil || string(text) != "two" {
		t.Errorf("connected again: %q, %v", text, err)
	}
	s.eventually("end of the old generation", func() bool { return strings.Contains(s.log.String(), "worker stopped") })
	if strings.Contains(s.log.String(), "worker killed") {
		t.Error("the old worker had to be killed")
	}
}
