"""Sends an event every second, using only the standard library."""

import asyncio
import time

TITLE = "the first version"


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"].endswith("/stream"):
        await stream(send)
        return
    page = f"""<!doctype html><title>Clock</title><h1>{TITLE}</h1><pre></pre><script>
const pre = document.querySelector("pre")
new EventSource("stream").onmessage = event => pre.textContent = event.data
</script>"""
    await respond(send, "text/html; charset=utf-8")
    await send({"type": "http.response.body", "body": page.encode()})


async def stream(send):
    await respond(send, "text/event-stream")
    while True:
        text = f"data: {TITLE}, {time.strftime('%H:%M:%S')}\n\n"
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        await asyncio.sleep(1)


async def respond(send, content_type):
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", content_type.encode())],
        }
    )
