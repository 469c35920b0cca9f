"""Bare ASGI, to measure the server itself."""
import asyncio
import time

MIB = 1024 * 1024
PLAIN = (b"content-type", b"text/plain")


def fixed(body):
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [PLAIN, (b"content-length", b"%d" % len(body))],
    }
    rest = {"type": "http.response.body", "body": body}

    async def respond(scope, receive, send):
        await send(start)
        await send(rest)

    return respond


async def long_body(scope, receive, send):
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [PLAIN, (b"content-length", b"%d" % (100 * MIB))],
        }
    )
    piece = b"x" * MIB
    for n in range(100):
        await send({"type": "http.response.body", "body": piece, "more_body": n < 99})


async def upload(scope, receive, send):
    size = 0
    while True:
        event = await receive()
        size += len(event.get("body", b""))
        if not event.get("more_body"):
            break
    await fixed(b"%013d" % size)(scope, receive, send)


audience = set()
clock = None


async def tick():
    while True:
        await asyncio.sleep(0.05)
        event = b"data: %d\n\n" % time.time_ns()
        for queue in audience:
            queue.put_nowait(event)


async def events(scope, receive, send):
    """Sends an event to all clients every 50 ms."""
    global clock
    if clock is None:
        clock = asyncio.ensure_future(tick())
    queue = asyncio.Queue()
    audience.add(queue)
    try:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream")],
            }
        )
        while True:
            await send({"type": "http.response.body", "body": await queue.get(), "more_body": True})
    finally:
        audience.discard(queue)


async def echo(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] != "websocket.receive":
            return
        await send({"type": "websocket.send", "text": event["text"]})


async def lifespan(scope, receive, send):
    while True:
        event = await receive()
        await send({"type": event["type"] + ".complete"})
        if event["type"] == "lifespan.shutdown":
            return


PAGES = {
    "/": fixed(b"Hello, world!"),
    "/10k": fixed(b"x" * 10240),
    "/64k": fixed(b"x" * 65536),
    "/1m": fixed(b"x" * MIB),
    "/100m": long_body,
    "/upload": upload,
    "/events": events,
}
KINDS = {"lifespan": lifespan, "websocket": echo}


async def application(scope, receive, send):
    await (KINDS.get(scope["type"]) or PAGES[scope["path"]])(scope, receive, send)
