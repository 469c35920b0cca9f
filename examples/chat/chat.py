import contextlib
from pathlib import Path

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse


class Room:
    """The members of the room, and its latest messages."""

    def __init__(self):
        self.sockets = set()
        self.said = []

    async def say(self, text):
        self.said = [*self.said, text][-20:]
        for socket in list(self.sockets):
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await socket.send_text(text)


@contextlib.asynccontextmanager
async def lifespan(app):
    yield {"room": Room()}


app = FastAPI(lifespan=lifespan)


@app.get("/", response_class=HTMLResponse)
async def page():
    return Path(__file__).with_name("chat.html").read_text()


@app.get("/people")
async def people(request: Request):
    return len(request.state.room.sockets)


@app.websocket("/ws")
async def join(socket: WebSocket, name: str = "somebody"):
    room = socket.state.room
    await socket.accept()
    for text in room.said:
        await socket.send_text(text)
    room.sockets.add(socket)
    try:
        while True:
            await room.say(f"{name}: {await socket.receive_text()}")
    except WebSocketDisconnect:
        pass
    finally:
        room.sockets.discard(socket)
