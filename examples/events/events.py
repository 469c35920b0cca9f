"""An event stream without a framework: ASGI itself is small."""

import asyncio
import time
from pathlib import Path

PAGE = Path(__file__).with_name("events.html").read_bytes()


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])  # for "lifespan": the app does not support it
    path = scope["path"][len(scope["root_path"]) :]
    if path == "/stream":
        await stream(send)
    elif path == "/":
        await answer(send, 200, b"text/html; charset=utf-8", PAGE)
    else:
        await answer(send, 404, b"text/plain", b"There is nothing here.\n")


async def stream(send):
    """One event each second, until the client goes or the app is reloaded: then the host cancels
    this."""
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while True:
        event = b"data: %s\n\n" % time.strftime("%H:%M:%S").encode()
        await send({"type": "http.response.body", "body": event, "more_body": True})
        await asyncio.sleep(1)


async def answer(send, status, kind, body):
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]}
    )
    await send({"type": "http.response.body", "body": body})
