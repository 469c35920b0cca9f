"""The ASGI counterpart of fakehost: one connection on which many streams are open at once."""

import marshal
import struct

from fakehost import (
    ABORT,
    BODY,
    CANCEL,
    END,
    EVENT,
    FILE,
    REQUEST,
    RESPONSE,
    WINDOW,
    Response,
    Worker,
    WorkerTestCase,
)

# The beginning of a test's app: the app itself consists of the functions http and websocket.
APP = """
import asyncio

async def http(scope, receive, send):
    await answer(send, b"up")

async def websocket(scope, receive, send):
    pass

async def start(send, status=200, headers=(), **more):
    await send({"type": "http.response.start", "status": status, "headers": list(headers), **more})

async def body(send, data=b"", more=False):
    await send({"type": "http.response.body", "body": data, "more_body": more})

async def answer(send, data):
    await start(send)
    await body(send, data)

async def app(scope, receive, send):
    await globals()[scope["type"]](scope, receive, send)
"""


class ASGIWorker(Worker):
    """A worker that runs an ASGI app."""

    def __init__(self, entry, **options):
        super().__init__(entry, kind="asgi", **options)
        self.conn = self.conns[0]
        self.waiting = []  # frames that were read for other streams

    def open(self, path="/", body=b"", end=True, **scope):
        """Begins a request and returns its stream."""
        self.requests += 1
        path, _, query = path.partition("?")
        head = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "http_version": "1.1",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "client": ("127.0.0.1", 50000),
            "server": ("localhost", 80),
            "headers": [(b"host", b"localhost")],
            "modgw.request_id": "request-%d" % self.requests,
            **scope,
        }
        data = marshal.dumps(head, 2)
        self.conn.send(
            REQUEST, self.requests, struct.pack("<I", len(data)) + data + body, END if end else 0
        )
        return self.requests

    def connect(self, path="/", **scope):
        """Asks for a WebSocket and returns its stream."""
        return self.open(path, end=False, type="websocket", scheme="ws", subprotocols=[], **scope)

    def next(self, stream, *kinds):
        """The next frame of a stream, and with kinds of one of these; others of it are skipped."""
        while True:
            got = self._take(stream)
            if not kinds or got.kind in kinds:
                return got

    def event(self, stream):
        return marshal.loads(self.next(stream, EVENT, ABORT).payload)

    def say(self, stream, value, flags=0):
        """Sends an event."""
        self.conn.send(EVENT, stream, marshal.dumps(value, 2), flags)

    def cancel(self, stream, over=False):
        self.conn.send(CANCEL, stream, b"the client has gone", END if over else 0)

    def grant(self, stream, size):
        self.conn.send(WINDOW, stream, struct.pack("<I", size))

    def whole(self, stream, grant=True):
        """The response of a stream, to its end."""
        response = Response()
        response.events = []
        while True:
            got = self._take(stream)
            if got.kind == ABORT:
                response.aborted = got.payload.decode()
                return response
            if got.kind == RESPONSE:
                response.status, response.reason, headers = got.head()
                response.headers = [
                    (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers
                ]
            if got.kind in (RESPONSE, BODY):
                response.pieces.append(got.body())
                response.body += got.body()
                if grant and got.body() and not got.flags & END:
                    self.grant(stream, len(got.body()))
            if got.kind == EVENT:
                response.events.append(marshal.loads(got.payload))
                if not got.flags & END:
                    self.grant(stream, len(got.payload))
            if got.kind == FILE:
                response.file = struct.unpack("<QQ", got.payload), got.descriptors[0]
            if got.flags & END:
                return response

    def fetch(self, path="/", **scope):
        return self.whole(self.open(path, **scope))

    def _take(self, stream):
        for index, frame in enumerate(self.waiting):
            if frame.stream == stream:
                return self.waiting.pop(index)
        while True:
            frame = self.conn.receive()
            if frame is None:
                raise AssertionError(
                    "the connection ended; logs %r\n%s" % (self.logs, self.output())
                )
            if frame.stream == stream:
                return frame
            self.waiting.append(frame)


class ASGITestCase(WorkerTestCase):
    def worker(self, entry, **options):
        options.setdefault("root", self.folder)
        options.setdefault("own_interpreter", self.own_interpreter or "env" in options)
        worker = ASGIWorker(entry, **options)
        self.addCleanup(worker.close)
        return worker

    def serve(self, source, **options):
        """A worker with APP and the changes in source."""
        import textwrap

        worker = self.worker(self.write("app.py", APP + textwrap.dedent(source)), **options)
        worker.ready()
        return worker
