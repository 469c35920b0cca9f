from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse

GREETING = "welcome to the first version"

app = FastAPI()
room = set()


@app.get("/", response_class=HTMLResponse)
async def page():
    return f"""<!doctype html><title>Chat</title><h1>Chat</h1><p>{GREETING}</p>
<form><input autofocus autocomplete="off"><button>Say</button></form><pre></pre>
<script>
let socket
function connect() {{
    socket = new WebSocket(location.href.replace(/^http/, "ws") + "ws")
    socket.onmessage = event => document.querySelector("pre").append(event.data + "\\n")
    socket.onclose = () => setTimeout(connect, 200)  // 1012: a new version has taken over
}}
connect()
document.forms[0].onsubmit = event => {{
    event.preventDefault()
    socket.send(event.target[0].value)
    event.target.reset()
}}
</script>"""


@app.websocket("/ws")
async def chat(socket: WebSocket):
    await socket.accept()
    room.add(socket)
    try:
        await socket.send_text(GREETING)
        while True:
            text = await socket.receive_text()
            for other in list(room):
                await other.send_text(text)
    except WebSocketDisconnect:
        pass
    finally:
        room.discard(socket)
