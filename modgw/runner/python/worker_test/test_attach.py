"""Serving an app from inside another program, as a test or a debugger does."""

import array
import asyncio
import io
import marshal
import os
import socket
import sys
import threading
import time
import unittest
from contextlib import redirect_stderr

from fakehost import (
    ABORT,
    END,
    LOG,
    PATIENCE,
    READY,
    REQUEST,
    RESPONSE,
    START,
    STOP,
    WORKER,
    Connection,
    environ_head,
    frame,
)
from fakehost import WorkerTestCase

sys.path.insert(0, WORKER)
from modgw_worker import attach  # noqa: E402


class Host:
    """Lets one worker at a time attach at a socket."""

    def __init__(self, folder, conns=2):
        path = os.path.join(folder, "app.sock")
        self.address = "unix:" + path
        self.conns = [Connection() for _ in range(conns)]
        self.control = Connection()
        self.control.close()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(5)
        self._listener.settimeout(PATIENCE)

    def accept(self):
        self.control.socket, _ = self._listener.accept()
        self.control.socket.settimeout(PATIENCE)

    def start(self, kind="wsgi"):
        self.accept()
        message = {
            "kind": kind,
            "entry": "nothing",
            "threads": len(self.conns),
            "concurrency": 0,
            "path": [],
            "root": "/",
            "mount": "/",
            "app": "test",
            "generation": 3,
            "worker": 1,
            "dev": False,
        }
        fds = array.array("i", [conn.theirs.fileno() for conn in self.conns])
        whole = frame(START, payload=marshal.dumps(message, 2))
        # The descriptors come with the first byte, and the frame in pieces.
        self.control.socket.sendmsg([whole[:1]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        self.control.socket.sendall(whole[1:])
        for conn in self.conns:
            conn.theirs.close()

    def get(self, path, conn=0):
        head = environ_head(
            {
                "REQUEST_METHOD": "GET",
                "SCRIPT_NAME": "",
                "PATH_INFO": path,
                "QUERY_STRING": "",
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "wsgi.url_scheme": "http",
                "modgw.request_id": "r1",
            }
        )
        self.conns[conn].send(REQUEST, 1, head, END)
        return self.conns[conn].receive()

    def close(self):
        self._listener.close()
        for connection in (self.control, *self.conns):
            connection.close()
            connection.theirs.close()


def hello(environ, start_response):
    if environ["PATH_INFO"] == "/fail":
        raise ValueError("on purpose")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("%s %s" % (environ["modgw.app"], threading.current_thread().name)).encode()]


class Greeter:
    """An ASGI app that must have been started."""

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["greeting"] = b"started"
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.stopped = True
            return await send({"type": "lifespan.shutdown.complete"})
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": scope["state"]["greeting"]})


class AttachTest(WorkerTestCase):
    def host(self, **options):
        host = Host(self.folder, **options)
        self.addCleanup(host.close)
        return host

    def serving(self, host):
        """A thread that serves hello, and the exception that it raised."""
        raised = []

        def serve():
            try:
                attach.serve(hello, host.address)
            except Exception as error:
                raised.append(error)

        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join, PATIENCE)
        return thread, raised

    def test_serve_answers_in_a_thread_until_the_host_says_stop(self):
        host = self.host()
        thread, raised = self.serving(host)
        host.start()
        ready = host.control.receive()
        self.assertEqual(ready.kind, READY)
        self.assertEqual((ready.dict()["pid"], ready.dict()["callable"]), (os.getpid(), "hello"))
        for number in (0, 1):
            answer = host.get("/", number)
            self.assertEqual((answer.kind, answer.head()[0]), (RESPONSE, 200))
            self.assertEqual(answer.body(), b"test modgw-thread-%d" % (number + 1))
        host.control.send(STOP)
        self.assertIsNone(host.control.receive())
        thread.join(PATIENCE)
        self.assertFalse(thread.is_alive() or raised)

    def test_an_asgi_app_has_its_loop_and_lifespan_for_each_host(self):
        app = Greeter()
        for _ in range(2):
            folder = os.path.join(self.folder, str(_))
            os.mkdir(folder)
            host = Host(folder, conns=1)
            self.addCleanup(host.close)
            thread = threading.Thread(target=attach.serve, args=(app, host.address))
            thread.start()
            host.start("asgi")
            self.assertEqual(host.control.receive().kind, READY)
            head = marshal.dumps({"type": "http", "path": "/", "method": "GET"}, 2)
            host.conns[0].send(REQUEST, 1, len(head).to_bytes(4, "little") + head, END)
            self.assertEqual(host.conns[0].receive().body(), b"started")
            host.control.send(STOP)
            thread.join(PATIENCE)
            self.assertTrue(app.stopped and not thread.is_alive())

    def test_serving_ends_with_its_block(self):
        host = self.host(conns=1)
        accepted = threading.Thread(target=host.start)
        accepted.start()
        with attach.serving(hello, host.address):
            accepted.join(PATIENCE)
            self.assertEqual(host.control.receive().kind, READY)
            self.assertEqual(host.get("/").head()[0], 200)
        self.assertIsNone(host.control.receive())
        self.assertIsNone(host.conns[0].receive())

    def begin(self, host, path, kind="http"):
        head = {"type": kind, "path": path, "method": "GET", "headers": [], "subprotocols": []}
        data = marshal.dumps(head, 2)
        self.streams = getattr(self, "streams", 0) + 1
        host.conns[0].send(
            REQUEST,
            self.streams,
            len(data).to_bytes(4, "little") + data,
            END if kind == "http" else 0,
        )
        return host.conns[0].receive()

    def test_serving_ends_with_an_open_websocket(self):
        host = self.host(conns=1)
        accepted = threading.Thread(target=host.start, args=("asgi",))
        accepted.start()
        seen = []

        async def app(scope, receive, send):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.accept"})
                seen.append(await receive())
                return
            raise ValueError("no lifespan")

        with attach.serving(app, host.address):
            accepted.join(PATIENCE)
            self.assertEqual(host.control.receive().kind, READY)
            self.assertEqual(self.begin(host, "/", "websocket").dict(), ["", []])
        self.assertEqual(
            seen, [{"type": "websocket.disconnect", "code": 1012, "reason": "the worker ends"}]
        )
        self.assertEqual(host.conns[0].receive().dict(), (1012, "the worker ends"))
        self.assertIsNone(host.control.receive())

    def test_serving_ends_with_requests_that_do_not(self):
        begun = threading.Event()

        async def startup(scope, receive, send):
            await receive()
            begun.set()
            await asyncio.Event().wait()

        async def not_begun(scope, receive, send):
            await receive()
            await asyncio.Event().wait()

        async def stream(scope, receive, send):
            if scope["type"] == "lifespan":
                raise ValueError("none")
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.Event().wait()

        def generator(environ, start_response):
            start_response("200 OK", [])
            while True:
                yield b"x" * 1000
                time.sleep(0.01)

        self.addCleanup(setattr, attach, "_PATIENCE", attach._PATIENCE)
        attach._PATIENCE = 0.2
        for app, kind in (
            (startup, "asgi"),
            (not_begun, "asgi"),
            (stream, "asgi"),
            (generator, "wsgi"),
        ):
            folder = os.path.join(self.folder, app.__name__)
            os.mkdir(folder)
            host = Host(folder, conns=1)
            self.addCleanup(host.close)
            accepted = threading.Thread(target=host.start, args=(kind,))
            accepted.start()
            self.streams = 0
            before = set(threading.enumerate())
            with attach.serving(app, host.address):
                accepted.join(PATIENCE)
                if app is startup:
                    begun.wait(PATIENCE)
                elif app is not not_begun:
                    self.assertEqual(host.control.receive().kind, READY)
                    answer = host.get("/") if kind == "wsgi" else self.begin(host, "/")
                    self.assertEqual(answer.kind, RESPONSE)
            self.assertEqual(set(threading.enumerate()) - before, set(), app.__name__)

    def test_exceptions_are_printed_and_told(self):
        host = self.host(conns=1)
        printed = io.StringIO()
        with redirect_stderr(printed):
            self.serving(host)
            host.start()
            self.assertEqual(host.control.receive().kind, READY)
            self.assertEqual(host.get("/fail").kind, ABORT)
            told = host.control.receive()
            self.eventually(lambda: "ValueError: on purpose" in printed.getvalue(), "the traceback")
        self.assertEqual((told.kind, told.dict()["request"]), (LOG, "r1"))
        host.control.send(STOP)

    def test_refusals_are_raised(self):
        host = self.host()
        thread, raised = self.serving(host)
        host.accept()
        host.control.send(ABORT, payload=b"another one is attached")
        thread.join(PATIENCE)
        self.assertIsInstance(raised[0], attach.Refused)
        self.assertEqual(str(raised[0]), "another one is attached")

    def test_missing_host_is_raised(self):
        with self.assertRaises(FileNotFoundError):
            attach.serve(hello, "unix:" + os.path.join(self.folder, "nobody"))
        with self.assertRaises(ValueError):
            attach.serve(hello, "127.0.0.1:80")


if __name__ == "__main__":
    unittest.main()
