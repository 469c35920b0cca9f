"""A site whose page shows its version.

Its import takes 0.3 s of processor time; an answer takes 2 ms of processor time and 3 ms of
waiting.
"""

import asyncio
import time

import page

try:
    from dependency import VERSION
except ImportError:
    VERSION = page.VERSION


def compute(seconds):
    """Uses processor time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


compute(0.3)
BODY = b"version=%04d" % VERSION
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]


def pause(path):
    return 3 if path == "/long" else 0.003


def application(environ, start_response):
    compute(0.002)
    time.sleep(pause(environ["PATH_INFO"]))
    start_response("200 OK", HEADERS)
    return [BODY]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            await send({"type": event["type"] + ".complete"})
            if event["type"] == "lifespan.shutdown":
                return
    compute(0.002)
    await asyncio.sleep(pause(scope["path"]))
    headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
