"""WebSockets of an ASGI app, as the events that the host makes of them."""

import struct
import unittest

from asgihost import ASGITestCase
from fakehost import ABORT, BODY, END, EVENT, WINDOW, WINDOW_SIZE

ECHO = """
async def websocket(scope, receive, send):
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", "subprotocol": "chat", "headers": [(b"x-a", b"b")]})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            print(message["code"], message["reason"])
            return
        assert len(message) == 2, message
        await send({**message, "type": "websocket.send"})
"""


class WebSockets(ASGITestCase):
    def test_messages_go_both_ways(self):
        worker = self.serve(ECHO)
        stream = worker.connect()
        self.assertEqual(worker.event(stream), ["chat", [(b"x-a", b"b")]])
        for message in ("text", b"bytes", "", b"", "\u20ac"):
            worker.say(stream, message)
            self.assertEqual(worker.event(stream), message)

    def test_long_messages_go_in_pieces(self):
        worker = self.serve(ECHO)
        stream = worker.connect()
        worker.event(stream)
        for message in ("\u20ac" * 50000, b"x" * 200000):
            data = message.encode() if isinstance(message, str) else message
            for start in range(0, len(data), 60000):
                worker.conn.send(BODY, stream, data[start : start + 60000])
            worker.say(stream, isinstance(message, str))
            got = b""
            while True:
                frame = worker.next(stream, BODY, EVENT)
                if frame.kind == EVENT:
                    break
                got += frame.payload
                worker.grant(stream, len(frame.payload))
            self.assertEqual((got, frame.dict()), (data, isinstance(message, str)))

    def test_the_client_closes(self):
        worker = self.serve(ECHO)
        stream = worker.connect()
        worker.event(stream)
        worker.say(stream, (4000, "bye"), END)
        self.assertEqual(worker.next(stream).flags, END)
        self.eventually(lambda: "4000 bye" in worker.output(), "the disconnect")

    def test_another_worker_gets_what_the_app_has_not_received(self):
        worker = self.serve(
            """
            import asyncio
            async def websocket(scope, receive, send):
                await receive()
                await send({"type": "websocket.accept"})
                first = await receive()
                await send({"type": "websocket.send", "text": "begun"})
                await asyncio.sleep(0.1)
                await send({"type": "websocket.send", "text": "done with " + first["text"]})
                last = await receive()
                await send({"type": "websocket.send", "text": "%(code)d %(reason)s" % last})
                print(await receive() == last)
            """
        )
        stream = worker.connect()
        worker.event(stream)
        worker.say(stream, "one")
        self.assertEqual(worker.event(stream), "begun")
        worker.say(stream, "two")
        worker.conn.send(BODY, stream, b"a long one")
        worker.say(stream, (1012, "elsewhere", False))
        self.assertEqual(worker.event(stream), "done with one")
        self.assertEqual(worker.event(stream), 1)
        self.assertEqual(worker.event(stream), "1012 elsewhere")
        self.assertEqual(worker.next(stream).flags, END)
        self.eventually(lambda: "True" in worker.output(), "the app is told again")

    def test_an_app_that_asks_for_nothing_is_interrupted(self):
        worker = self.serve(
            """
            import asyncio
            async def websocket(scope, receive, send):
                await receive()
                await send({"type": "websocket.accept"})
                try:
                    while True:
                        await send({"type": "websocket.send", "text": "tick"})
                        await asyncio.sleep(0.001)
                except OSError:
                    print((await receive())["code"])
                    raise
            """
        )
        stream = worker.connect()
        worker.event(stream)
        self.assertEqual(worker.event(stream), "tick")
        worker.say(stream, (1012, "elsewhere", False))
        worker.say(stream, (1012, "elsewhere", True))
        while True:
            event = worker.event(stream)
            if event != "tick":
                break
        self.assertEqual(event, 0)
        self.assertEqual(worker.next(stream).kind, ABORT)
        self.eventually(lambda: "1012" in worker.output(), "the disconnect")

    def test_the_host_can_tell_when_the_app_has_received_a_long_message(self):
        worker = self.serve(
            """
            async def websocket(scope, receive, send):
                await receive()
                await send({"type": "websocket.accept"})
                await receive()
                await send({"type": "websocket.send", "text": "first"})
                await receive()
                await receive()
            """
        )
        stream = worker.connect()
        worker.event(stream)
        piece = b"x" * (WINDOW_SIZE // 2)  # so long that each one is reported at once
        worker.conn.send(BODY, stream, piece)
        granted = 0
        for _ in range(2):
            worker.conn.send(BODY, stream, piece)
            granted += int.from_bytes(worker.next(stream, WINDOW).payload, "little")
        self.assertEqual(granted, 2 * len(piece))
        worker.say(stream, False)
        granted += int.from_bytes(worker.next(stream, WINDOW).payload, "little")
        self.assertEqual(granted, 3 * len(piece))
        self.assertEqual(worker.event(stream), "first")

    def test_the_app_closes(self):
        worker = self.serve(
            """
            async def websocket(scope, receive, send):
                await send({"type": "websocket.accept"})
                await send({"type": "websocket.close", "code": 4001, "reason": "enough"})
                await receive()
                message = await receive()
                print(message["type"], message["code"])
            """
        )
        stream = worker.connect()
        worker.event(stream)
        frame = worker.next(stream)
        self.assertEqual((frame.dict(), frame.flags), ((4001, "enough"), END))
        self.eventually(lambda: "websocket.disconnect 4001" in worker.output(), "the disconnect")

    def test_the_app_returns_or_raises(self):
        worker = self.serve(
            """
            async def websocket(scope, receive, send):
                await send({"type": "websocket.accept"})
                if scope["path"] == "/raise":
                    raise ValueError("spoiled")
            """
        )
        stream = worker.connect("/return")
        worker.event(stream)
        self.assertEqual(worker.event(stream), (1000, ""))
        stream = worker.connect("/raise")
        worker.event(stream)
        self.assertEqual(worker.next(stream).kind, ABORT)
        self.assertIn(
            "cannot answer WebSocket /raise: ValueError: spoiled", worker.log()["message"]
        )

    def test_the_app_refuses(self):
        worker = self.serve("""
            async def websocket(scope, receive, send):
                await receive()
                if scope["path"] == "/plain":
                    return await send({"type": "websocket.close", "code": 1008, "reason": "no"})
                kind = "websocket.http.response."
                await send({"type": kind + "start", "status": 401, "headers": [(b"x-a", b"b")]})
                await send({"type": kind + "body", "body": b"x" * 400000, "more_body": True})
                await send({"type": "websocket.http.response.body"})
            """)
        frame = worker.next(worker.connect("/plain"))
        self.assertEqual((frame.dict(), frame.flags), ((1008, "no"), END))
        response = worker.whole(worker.connect("/response"))
        self.assertEqual(
            (response.status, response.headers, len(response.body)), (401, [(b"x-a", b"b")], 400000)
        )

    def test_after_a_denial_receiving_tells_of_the_end(self):
        worker = self.serve(
            """
            async def websocket(scope, receive, send):
                await receive()
                await send({"type": "websocket.http.response.start", "status": 401})
                await send({"type": "websocket.http.response.body", "body": b"no"})
                print(await receive())
                await send({"type": "websocket.close"})
            """
        )
        self.assertEqual(worker.whole(worker.connect()).body, b"no")
        self.eventually(
            lambda: "'websocket.disconnect', 'code': 1006" in worker.output(), "the disconnect"
        )
        self.assertTrue(worker.control.quiet())

    def test_a_client_that_goes_during_a_denial_is_no_error(self):
        worker = self.serve("""
            async def websocket(scope, receive, send):
                await receive()
                await send({"type": "websocket.http.response.start", "status": 401})
                part = {"body": b"no", "more_body": True}
                await send({"type": "websocket.http.response.body", **part})
                print(await receive())
                try:
                    await send({"type": "websocket.http.response.body", "body": b"more"})
                except OSError as error:
                    raise RuntimeError from error
            """)
        stream = worker.connect()
        worker.next(stream)
        worker.cancel(stream)
        self.assertEqual(worker.next(stream, ABORT).kind, ABORT)
        self.assertIn("'websocket.disconnect', 'code': 1006", worker.output())
        self.assertTrue(worker.control.quiet())

    def test_what_follows_from_the_end_of_the_client_is_no_error(self):
        worker = self.serve(
            """
            async def websocket(scope, receive, send):
                await send({"type": "websocket.accept"})
                await receive()
                await receive()
                try:
                    await send({"type": "websocket.send", "text": "x"})
                except OSError:
                    raise RuntimeError("chained")
            """
        )
        stream = worker.connect()
        worker.event(stream)
        worker.say(stream, (1001, ""), END)
        worker.next(stream, ABORT)
        self.assertTrue(worker.control.quiet())

    def test_an_app_that_receives_nothing_keeps_the_window_shut(self):
        worker = self.serve(
            """
            gate = []
            async def websocket(scope, receive, send):
                await receive()
                await send({"type": "websocket.accept"})
                gate.append(asyncio.get_running_loop().create_future())
                await gate[0]
                while True:
                    await receive()
            async def http(scope, receive, send):
                gate[0].set_result(None)
                await answer(send, b"")
            """
        )
        stream = worker.connect()
        worker.event(stream)
        for _ in range(4):
            worker.say(stream, b"x" * 60000)
        self.assertTrue(worker.conn.quiet())
        worker.fetch()
        self.assertGreaterEqual(
            struct.unpack("<I", worker.next(stream, WINDOW).payload)[0], WINDOW_SIZE // 2
        )

    def test_a_host_that_takes_nothing_stops_the_app(self):
        worker = self.serve(
            """
            sent = 0
            async def websocket(scope, receive, send):
                global sent
                await send({"type": "websocket.accept"})
                while True:
                    await send({"type": "websocket.send", "bytes": b"x" * 10000})
                    sent += 10000
            async def http(scope, receive, send):
                await answer(send, str(sent).encode())
            """
        )
        stream = worker.connect()
        self.eventually(lambda: int(worker.fetch().body) > WINDOW_SIZE - 20000, "a full window")
        self.assertLessEqual(int(worker.fetch().body), WINDOW_SIZE)
        worker.say(stream, (1006, ""), END)
        worker.next(stream, ABORT)
        self.assertEqual(worker.logs, [])

    def test_mistakes_are_named(self):
        worker = self.serve(
            """
            ACCEPT, SEND = {"type": "websocket.accept"}, {"type": "websocket.send", "text": "x"}
            DENY = {"type": "websocket.http.response.start", "status": 401}
            CASES = {
                "early": [SEND],
                "twice": [ACCEPT, ACCEPT],
                "neither": [ACCEPT, {"type": "websocket.send"}],
                "number": [ACCEPT, {"type": "websocket.send", "bytes": 5}],
                "bytes": [ACCEPT, {"type": "websocket.send", "text": b"x"}],
                "code": [ACCEPT, {"type": "websocket.close", "code": "1000"}],
                "reason": [ACCEPT, {"type": "websocket.close", "reason": b"x"}],
                "protocol": [{"type": "websocket.accept", "subprotocol": b"x"}],
                "http": [{"type": "http.response.start", "status": 200}],
                "late": [ACCEPT, DENY],
                "denied": [DENY, ACCEPT],
                "status": [{"type": "websocket.http.response.start"}],
                "none": [None],
            }
            async def websocket(scope, receive, send):
                for message in CASES[scope["path"][1:]]:
                    await send(message)
            """
        )
        for case, want in {
            "early": "cannot send websocket.send before websocket.accept",
            "twice": "cannot send websocket.accept twice",
            "neither": 'cannot send websocket.send: it has neither "bytes" nor "text"',
            "number": 'cannot send websocket.send: its "bytes" must be bytes, not int',
            "bytes": 'cannot send websocket.send: its "text" must be str, not bytes',
            "code": 'cannot send websocket.close: its "code" must be int, not str',
            "reason": 'cannot send websocket.close: its "reason" must be str, not bytes',
            "protocol": 'cannot send websocket.accept: its "subprotocol" must be str, not bytes',
            "http": "cannot send http.response.start: it is no message of a WebSocket",
            "late": "cannot send websocket.http.response.start after websocket.accept",
            "denied": "cannot send websocket.accept after websocket.http.response.start",
            "status": 'cannot send http.response.start: it has no "status"',
            "none": "cannot send None",
        }.items():
            aborted = worker.next(worker.connect("/" + case), ABORT).payload.decode()
            self.assertIn(want, aborted, case)


if __name__ == "__main__":
    unittest.main()
