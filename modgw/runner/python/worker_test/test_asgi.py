"""HTTP requests through an ASGI app."""

import os
import struct
import sys
import unittest

from asgihost import ASGITestCase
from fakehost import ABORT, BODY, END, PATIENCE, RESPONSE, WINDOW, WINDOW_SIZE


class Scope(ASGITestCase):
    SHOW = """
    async def http(scope, receive, send):
        shown = {key: scope[key] for key in scope if key != "modgw.request_id"}
        await answer(send, repr(shown).encode())
    """

    def test_it_has_what_the_specification_wants(self):
        worker = self.serve(self.SHOW)
        scope = eval(worker.fetch("/caf\u00e9?a=b", root_path="/caf").body)
        self.assertEqual(scope["asgi"], {"version": "3.0", "spec_version": "2.5"})
        self.assertEqual(
            (scope["type"], scope["path"], scope["root_path"]), ("http", "/caf\u00e9", "/caf")
        )
        self.assertEqual((scope["query_string"], scope["client"]), (b"a=b", ("127.0.0.1", 50000)))
        self.assertEqual(scope["headers"], [(b"host", b"localhost")])
        self.assertEqual(scope["state"], {})
        self.assertEqual(scope["modgw.app"], "test")
        self.assertIn("http.response.pathsend", scope["extensions"])

    def test_what_a_request_changes_no_other_one_sees(self):
        worker = self.serve("""
            async def http(scope, receive, send):
                found = tuple(scope[name].get("x") for name in ("state", "extensions", "asgi"))
                scope["state"]["x"] = scope["extensions"]["x"] = scope["asgi"]["x"] = 1
                await answer(send, repr(found).encode())
            """)
        self.assertEqual([worker.fetch().body for _ in range(2)], [b"(None, None, None)"] * 2)


class Responses(ASGITestCase):
    def test_a_short_answer_is_one_frame(self):
        worker = self.serve("")
        got = worker.next(worker.open())
        self.assertEqual((got.kind, got.flags, got.body()), (RESPONSE, END, b"up"))

    def test_many_requests_in_one_batch_are_answered(self):
        worker = self.serve(
            "async def http(scope, receive, send): await answer(send, scope['path'].encode())"
        )
        streams = [worker.open("/%d" % n) for n in range(200)]
        self.assertEqual([worker.whole(s).body for s in streams], [b"/%d" % n for n in range(200)])

    def test_a_slow_request_holds_up_no_other(self):
        worker = self.serve(
            """
            gate = []
            async def http(scope, receive, send):
                if scope["path"] == "/slow":
                    gate.append(asyncio.get_running_loop().create_future())
                    await gate[0]
                elif scope["path"] == "/open":
                    gate[0].set_result(None)
                await answer(send, scope["path"].encode())
            """
        )
        slow = worker.open("/slow")
        self.assertEqual(worker.fetch("/fast").body, b"/fast")
        self.assertEqual(worker.fetch("/open").body, b"/open")
        self.assertEqual(worker.whole(slow).body, b"/slow")

    def test_pieces_are_sent_as_they_come(self):
        worker = self.serve(
            """
            async def http(scope, receive, send):
                await start(send, 201, [(b"x-a", b"1"), (b"x-a", b"2")])
                for piece in (b"one", b"", b"two"):
                    await body(send, piece, True)
                    await asyncio.sleep(0)
                await body(send)
            """
        )
        response = worker.fetch()
        self.assertEqual((response.status, response.body), (201, b"onetwo"))
        self.assertEqual(response.headers, [(b"x-a", b"1"), (b"x-a", b"2")])

    def test_a_host_that_takes_nothing_stops_the_app(self):
        worker = self.serve(
            """
            sent = 0
            async def http(scope, receive, send):
                global sent
                if scope["path"] == "/sent":
                    return await answer(send, str(sent).encode())
                await start(send)
                for _ in range(200):
                    await body(send, b"x" * 10000, True)
                    sent += 10000
                await body(send)
            """
        )
        stream = worker.open("/")
        self.eventually(
            lambda: int(worker.fetch("/sent").body) > WINDOW_SIZE - 20000, "a full window"
        )
        self.assertLessEqual(int(worker.fetch("/sent").body), WINDOW_SIZE)
        self.assertEqual(len(worker.whole(stream).body), 2000000)

    def test_mistakes_of_the_app_are_named(self):
        worker = self.serve(
            """
            START = {"type": "http.response.start", "status": 200, "trailers": True}
            ODD = {
                "none": [None],
                "no-type": [{}],
                "type": [{"type": 5}],
                "status": [{"type": "http.response.start"}],
                "status-str": [{"type": "http.response.start", "status": "200"}],
                "status-100": [{"type": "http.response.start", "status": 100}],
                "headers": [{"type": "http.response.start", "status": 200, "headers": 5}],
                "pair": [{"type": "http.response.start", "status": 200, "headers": [b"ab: c"]}],
                "path": [START, {"type": "http.response.pathsend"}],
                "file": [START, {"type": "http.response.zerocopysend", "file": "name"}],
                "links": [{"type": "http.response.early_hint", "links": ["</a>"]}],
                "trailers": [START, {"type": "http.response.trailers", "headers": [(b"a", 5)]}],
            }
            async def http(scope, receive, send):
                case = scope["path"][1:]
                if case == "nothing": return
                if case == "half": return await start(send)
                if case == "body-first": return await body(send, b"x")
                if case == "str": await start(send); return await body(send, "x")
                if case == "header": return await start(send, headers=[("a", b"b")])
                if case == "kind": return await send({"type": "websocket.send", "text": ""})
                if case == "twice": await start(send); return await start(send)
                if case in ODD:
                    for message in ODD[case][:-1]: await send(message)
                    return await send(ODD[case][-1])
                if case == "exit": raise SystemExit(1)
                raise ValueError("spoiled")
            """
        )
        for case, want in {
            "nothing": "without sending a response",
            "half": "without completing its response",
            "body-first": "before http.response.start",
            "str": 'cannot send http.response.body: its "body" must be bytes, not str',
            "none": 'cannot send None: a message is a dict that has a "type"',
            "no-type": 'cannot send {}: a message is a dict that has a "type"',
            "type": "cannot send 5: it is no message of an HTTP response",
            "status": 'cannot send http.response.start: it has no "status"',
            "status-str": 'cannot send http.response.start: its "status" must be int, not str',
            "status-100": "its status is 100, which must be from 200 to 599",
            "headers": (
                'cannot send http.response.start: its "headers" must be an iterable, not int'
            ),
            "pair": "cannot use b'ab: c' as a header: it must be a pair of bytes",
            "path": 'cannot send http.response.pathsend: it has no "path"',
            "file": 'cannot send http.response.zerocopysend: its "file" is no file',
            "links": "cannot use '</a>' in a link: it must be bytes, not str",
            "trailers": "cannot use 5 in a header: it must be bytes, not int",
            "header": "must be bytes",
            "kind": "websocket.send",
            "twice": "twice",
            "raises": "ValueError: spoiled",
            "exit": "SystemExit",
        }.items():
            response = worker.fetch("/" + case)
            self.assertIn(want, response.aborted or "answered", case)
            log = worker.log()
            self.assertIn(want, log["message"], case)
            self.assertTrue(log["file"].endswith("app.py") and log["line"], log)
        self.assertEqual(worker.fetch("/nothing").status, None)

    def test_an_exception_after_the_response_is_logged_alone(self):
        worker = self.serve(
            """
            async def http(scope, receive, send):
                await answer(send, b"fine")
                raise ValueError("too late")
            """
        )
        self.assertEqual(worker.fetch().body, b"fine")
        self.assertIn(
            "cannot finish after the response to GET /: ValueError: too late",
            worker.log()["message"],
        )

    def test_a_file_is_handed_to_the_host(self):
        path = self.write("file.txt", "0123456789")
        worker = self.serve("""
            async def http(scope, receive, send):
                await start(send)
                if scope["path"] == "/path":
                    return await send({"type": "http.response.pathsend", "path": %r})
                with open(%r, "rb") as file:
                    if scope["path"] == "/part":
                        await body(send, b"<", True)
                        part = {"file": file, "offset": 2, "count": 3, "more_body": True}
                        await send({"type": "http.response.zerocopysend", **part})
                        return await body(send, b">")
                    await send({"type": "http.response.zerocopysend", "file": file, "offset": 4})
            """ % (path, path))
        for url, want in (("/path", b"0123456789"), ("/rest", b"456789")):
            (offset, size), fd = worker.fetch(url).file
            self.assertEqual(os.pread(fd, size, offset), want)
            os.close(fd)
        self.assertEqual(worker.fetch("/part").body, b"<234>")

    def test_trailers_and_early_hints(self):
        worker = self.serve("""
            async def http(scope, receive, send):
                await start(send, headers=[(b"trailer", b"x-sum")], trailers=True)
                links = [b"</style.css>; rel=preload"]
                await send({"type": "http.response.early_hint", "links": links})
                await body(send, b"x", False)
                first = {"headers": [(b"x-sum", b"1")], "more_trailers": True}
                await send({"type": "http.response.trailers", **first})
                await send({"type": "http.response.trailers", "headers": [(b"x-more", b"2")]})
            """)
        response = worker.fetch()
        self.assertEqual(
            response.events, [[b"</style.css>; rel=preload"], [(b"x-sum", b"1"), (b"x-more", b"2")]]
        )
        self.assertEqual((response.headers, response.body), ([], b"x"))


class Requests(ASGITestCase):
    COUNT = """
    async def http(scope, receive, send):
        size = count = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            count += 1
            size += len(message["body"])
            if not message["more_body"]:
                return await answer(send, b"%d" % size)
    """

    def test_a_body_that_came_with_the_request(self):
        worker = self.serve(self.COUNT)
        self.assertEqual(worker.fetch(body=b"12345").body, b"5")
        self.assertEqual(worker.fetch().body, b"0")

    def test_a_long_body_comes_within_the_window(self):
        worker = self.serve(self.COUNT)
        stream, window, total = worker.open(end=False), WINDOW_SIZE, 0
        for _ in range(40):
            while window < 60000:
                got = worker.next(stream)
                self.assertEqual(got.kind, WINDOW)
                window += struct.unpack("<I", got.payload)[0]
            worker.conn.send(BODY, stream, b"x" * 60000)
            window, total = window - 60000, total + 60000
        worker.conn.send(BODY, stream, b"", END)
        self.assertEqual(worker.next(stream, RESPONSE).body(), b"%d" % total)

    def test_an_app_that_receives_nothing_gets_no_more_than_the_window(self):
        worker = self.serve("")
        stream = worker.open(end=False, body=b"x" * 1000)
        self.assertEqual(worker.whole(stream).body, b"up")

    def test_it_is_told_when_the_client_has_gone(self):
        worker = self.serve(
            """
            seen = []
            async def http(scope, receive, send):
                if scope["path"] == "/seen":
                    return await answer(send, repr(seen).encode())
                await receive()
                await start(send)
                await body(send, b"x", True)
                seen.append((await receive())["type"])
                try:
                    await body(send, b"more", True)
                except OSError as error:
                    seen.append(type(error).__name__)
                    raise
            """
        )
        stream = worker.open("/")
        worker.next(stream, RESPONSE)
        worker.cancel(stream)
        self.assertEqual(worker.next(stream, ABORT).payload, b"the client has gone")
        self.assertEqual(worker.fetch("/seen").body, b"['http.disconnect', 'ClientDisconnected']")
        self.assertEqual(worker.logs, [])

    def test_what_follows_from_the_end_of_the_client_is_no_error(self):
        worker = self.serve(
            """
            class Wrapped(Exception):
                pass
            async def http(scope, receive, send):
                case = scope["path"]
                if case == "/up":
                    return await answer(send, b"up")
                await start(send)
                await body(send, b"x", True)
                while (await receive())["type"] != "http.disconnect":
                    pass
                if case == "/returns":
                    return
                try:
                    await body(send, b"more", True)
                except OSError as error:
                    if case == "/from":
                        raise Wrapped from error
                    if case == "/group":
                        raise ExceptionGroup("unhandled", [error])
                    raise Wrapped
            """
        )
        for case in ("/returns", "/from", "/context", "/group")[
            : 4 if sys.version_info >= (3, 11) else 3
        ]:
            stream = worker.open(case)
            worker.next(stream, RESPONSE)
            worker.cancel(stream)
            self.assertEqual(worker.next(stream, ABORT).payload, b"the client has gone", case)
        self.assertEqual(worker.fetch("/up").body, b"up")
        self.assertEqual(worker.logs, [])
        self.assertTrue(worker.control.quiet())

    def test_a_mistake_after_the_end_of_the_client_is_one(self):
        worker = self.serve(
            """
            async def http(scope, receive, send):
                await start(send)
                await body(send, b"x", True)
                while (await receive())["type"] != "http.disconnect":
                    pass
                raise ValueError("spoiled")
            """
        )
        stream = worker.open()
        worker.next(stream, RESPONSE)
        worker.cancel(stream)
        worker.next(stream, ABORT)
        self.assertIn("ValueError: spoiled", worker.log()["message"])

    def test_after_the_response_receiving_tells_of_the_end(self):
        worker = self.serve(
            """
            seen = []
            async def http(scope, receive, send):
                if scope["path"] == "/":
                    await receive()
                    await answer(send, b"x")
                    seen.append((await receive())["type"])
                else:
                    await answer(send, repr(seen).encode())
            """
        )
        worker.fetch("/")
        self.assertEqual(worker.fetch("/seen").body, b"['http.disconnect']")

    def test_what_is_over_is_cancelled(self):
        worker = self.serve(
            """
            seen = []
            async def http(scope, receive, send):
                if scope["path"] == "/seen":
                    return await answer(send, repr(seen).encode())
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    seen.append("cancelled")
                    raise
            """
        )
        stream = worker.open("/")
        self.assertEqual(worker.fetch("/seen").body, b"[]")
        worker.cancel(stream, over=True)
        worker.next(stream, ABORT)
        self.assertEqual(worker.fetch("/seen").body, b"['cancelled']")


class Process(ASGITestCase):
    def test_stop_finishes_what_is_in_flight(self):
        worker = self.serve(
            """
            import atexit
            async def later():
                await asyncio.sleep(0.1)
                print("background task ended")
            async def http(scope, receive, send):
                await asyncio.sleep(0.2)
                await answer(send, b"done")
                await later()
            """
        )
        stream = worker.open()
        self.assertTrue(worker.conn.quiet(0.05))
        worker.control.send(12)
        self.assertEqual(worker.whole(stream).body, b"done")
        self.assertEqual(worker.process.wait(PATIENCE), 0)
        self.assertIn("background task ended", worker.output())

    def test_it_runs_in_the_loop_that_the_app_has_seen_at_its_import(self):
        worker = self.serve(
            """
            import warnings
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                AT_IMPORT = asyncio.get_event_loop_policy().get_event_loop()
            lock = asyncio.Lock()
            async def http(scope, receive, send):
                async with lock:
                    await asyncio.sleep(0.01)
                    await answer(send, str(asyncio.get_running_loop() is AT_IMPORT).encode())
            """
        )
        streams = [worker.open(), worker.open()]
        self.assertEqual([worker.whole(s).body for s in streams], [b"True", b"True"])

    def test_a_blocked_loop_is_told_of_with_its_stack_once(self):
        worker = self.serve(
            """
            import time
            async def http(scope, receive, send):
                if scope["path"] == "/block":
                    hold_everything_up()
                await answer(send, b"x")
            def hold_everything_up():
                time.sleep(1.5)
            """
        )
        worker.control.send(13)
        self.assertEqual(worker.fetch("/").body, b"x")
        stream = worker.open("/block")
        self.assertTrue(worker.conn.quiet(0.1))
        worker.control.send(13)
        worker.control.send(13)
        log = worker.log()
        self.assertIn("the event loop is blocked", log["message"])
        self.assertIn("hold_everything_up", log["traceback"])
        worker.whole(stream)
        self.assertTrue(worker.control.quiet())

    def test_a_loop_that_ends_hangs_up(self):
        worker = self.serve(
            """
            async def leave():
                raise SystemExit("enough")
            async def http(scope, receive, send):
                asyncio.ensure_future(leave())
                await asyncio.sleep(1000)
            """
        )
        worker.open()
        self.assertIsNone(worker.conn.receive())
        self.assertIn("cannot go on serving requests: SystemExit: enough", worker.log()["message"])

    def test_stacks_show_what_tasks_wait_for(self):
        worker = self.serve(
            """
            async def http(scope, receive, send):
                await wait_for_nobody()
            async def wait_for_nobody():
                await asyncio.sleep(1000)
            """
        )
        worker.open()
        self.assertTrue(worker.conn.quiet(0.1))
        worker.control.send(13, payload=b"because")
        self.assertIn("in wait_for_nobody", worker.log()["traceback"])


class Conventions(ASGITestCase):
    def test_apps_of_asgi_2(self):
        for source in (
            "def app(scope):\n    async def run(receive, send):\n"
            "        await answer(send, scope['path'].encode())\n    return run",
            "class app:\n    def __init__(self, scope):\n        self.scope = scope\n"
            "    async def __call__(self, receive, send):\n"
            "        await answer(send, self.scope['path'].encode())",
            "class app:\n    def __init__(self, scope, **options):\n        self.scope = scope\n"
            "    async def __call__(self, receive, send):\n"
            "        await answer(send, self.scope['path'].encode())",
            "def app(*scope):\n    async def run(receive, send):\n"
            "        await answer(send, scope[0]['path'].encode())\n"
            "    return run\napp._asgi_double_callable = True",
        ):
            worker = self.serve(source)
            self.assertEqual(worker.fetch("/two").body, b"/two")

    def test_apps_that_only_look_odd(self):
        for source in (
            "class app:\n    def __init__(self, scope, receive, send):\n"
            "        self.call = http(scope, receive, send)\n"
            "    def __await__(self):\n        return self.call.__await__()",
            "class Base:\n    def __await__(self):\n        return http(*self.given).__await__()\n"
            "class app(Base):\n    def __init__(self, *given):\n        self.given = given",
            "class App:\n    def __call__(self, scope, receive, send):\n"
            "        return http(scope, receive, send)\napp = App()",
            "def app(scope, receive=None, send=None):\n    return http(scope, receive, send)",
            "class App:\n    _asgi_single_callable = True\n    def __call__(self, scope):\n"
            "        pass\n"
            "    async def __call__(self, *given):\n        await http(*given)\napp = App()",
            "import functools\nplain = app\n@functools.wraps(plain)\ndef app(*args):\n"
            "    return plain(*args)",
            "plain = app\nclass App:\n    async def __call__(self, scope, receive, send):\n"
            "        await plain(scope, receive, send)\napp = App()",
            "import functools\nasync def base(x, scope, receive, send):\n"
            "    await http(scope, receive, send)\napp = functools.partial(base, 1)",
        ):
            self.assertEqual(self.serve(source).fetch().body, b"up")

    def test_a_wsgi_app_is_named_as_what_it_is(self):
        for source in (
            "def app(environ, start_response):\n    pass\n",
            "class App:\n    def __call__(self, environ, start_response):\n        pass\n"
            "app = App()\n",
        ):
            fields = self.worker(self.write("app.py", source)).failed()
            self.assertEqual(fields["reason"], "not callable")
            self.assertIn("it is a WSGI app", fields["message"])


if __name__ == "__main__":
    unittest.main()
