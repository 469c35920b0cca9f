"""The behaviour of a connection's thread with several requests, and the requests that it gives
back."""

import array
import os
import socket
import struct
import sys
import threading
import time
import types
import unittest

from fakehost import (
    CANCEL,
    Connection,
    END,
    frame,
    JOIN,
    RESPONSE,
    UNQUEUE,
    UNQUEUED,
    WORKER,
    WorkerTestCase,
)

sys.path.insert(0, WORKER)
from modgw_worker.conn import Conn  # noqa: E402

HELD = """
    import os, time

    def application(environ, start_response):
        path = environ["PATH_INFO"][1:]
        with open("ledger", "a") as file: file.write(path + " ")
        while path == "hold" and not os.path.exists("go"):
            time.sleep(0.005)
        while path == "spin" and not os.path.exists("go"):
            sum(range(10000))
        start_response("200 OK", [])
        return [path.encode()]
"""


class Recalled(WorkerTestCase):
    def ledger(self):
        try:
            with open(os.path.join(self.folder, "ledger")) as file:
                return file.read().split()
        except FileNotFoundError:
            return []

    def unqueue(self, worker, conn=0, busy=0):
        worker.control.send(UNQUEUE, payload=struct.pack("<II", conn, busy))

    def returned(self, worker):
        payload = worker.control_frame(UNQUEUED).payload
        return sorted(struct.unpack("<%dI" % (len(payload) // 4), payload)[1:])

    def test_what_was_not_begun_is_given_back(self):
        worker = self.serve(HELD)
        held = worker.begin("GET", "/hold")
        self.eventually(self.ledger, "the first request")
        behind = [worker.begin("GET", "/behind") for _ in range(3)]
        self.unqueue(worker)
        self.assertEqual(self.returned(worker), behind)
        self.write("go", "")
        self.assertEqual(worker.finish(held).body, b"hold")
        self.assertEqual(worker.get("/next").body, b"next")
        self.assertEqual(self.ledger(), ["hold", "next"])

    def test_what_was_answered_is_sent(self):
        worker = self.serve(HELD)
        for _ in range(200):
            worker.get("/fast")  # so that answers wait for the end of their batch
        first = worker.conns[0]
        batch = [worker.frame("GET", path) for path in ("/fast", "/hold", "/behind")]
        first.socket.sendall(b"".join(data for _, data in batch))
        self.eventually(lambda: "hold" in self.ledger(), "the request that takes long")
        self.unqueue(worker)
        self.assertEqual(worker.finish(batch[0][0]).body, b"fast")
        self.assertEqual(self.returned(worker), [batch[2][0]])
        self.write("go", "")
        self.assertEqual(worker.finish(batch[1][0]).body, b"hold")

    def test_a_request_whose_body_is_still_to_come_stays(self):
        worker = self.serve(HELD)
        held = worker.begin("GET", "/hold")
        self.eventually(self.ledger, "the first request")
        worker.begin("POST", "/upload", b"a", end=False)
        self.unqueue(worker)
        self.assertTrue(worker.control.quiet())
        self.write("go", "")
        self.assertEqual(worker.finish(held).body, b"hold")
        self.assertEqual(worker.conns[0].receive().kind, RESPONSE)

    def test_a_thread_that_has_gone_on_gives_nothing_back(self):
        worker = self.serve(HELD)
        first = worker.begin("GET", "/fast")
        worker.finish(first)
        held = worker.begin("GET", "/hold")
        self.eventually(lambda: "hold" in self.ledger(), "the request that takes long")
        worker.begin("GET", "/behind")
        self.unqueue(worker, busy=first)
        self.assertTrue(worker.control.quiet())
        self.write("go", "")
        self.assertEqual(worker.finish(held).body, b"hold")

    @unittest.skipUnless(
        hasattr(time, "pthread_getcpuclockid"), "this Python reads no clocks of threads"
    )
    def test_whoever_asks_twice_hears_whether_the_thread_has_computed(self):
        worker = self.serve(HELD, threads=2)
        for path, computed in (("/spin", END), ("/hold", 0)):
            with self.subTest(path):
                busy = worker.begin("GET", path)
                self.eventually(lambda: path[1:] in self.ledger(), "the request that takes long")
                self.unqueue(worker, busy=busy)
                self.assertEqual(worker.control_frame(UNQUEUED).flags, 0)
                # On a busy machine the thread may have had no processor meanwhile.
                for _ in range(500):
                    time.sleep(0.02)
                    self.unqueue(worker, busy=busy)
                    heard = worker.control_frame(UNQUEUED).flags
                    if heard == computed:
                        break
                self.assertEqual(heard, computed)
                self.write("go", "")
                worker.finish(busy)
                os.remove(os.path.join(self.folder, "go"))

    def test_a_request_behind_an_app_that_goes_on_after_its_response_is_given_back(self):
        worker = self.serve(
            """
            import os, time

            def application(environ, start_response):
                start_response("200 OK", [("Content-Length", "1")])
                yield b"x"
                while environ["PATH_INFO"] == "/late" and not os.path.exists("go"):
                    time.sleep(0.005)
            """
        )
        self.assertEqual(worker.get("/late").body, b"x")
        waiting = worker.begin("GET", "/next")
        self.unqueue(worker, busy=waiting)
        away = worker.control_frame(JOIN)
        self.assertEqual((away.flags, away.payload), (0, struct.pack("<II", 0, waiting)))
        self.write("go", "")
        back = worker.control_frame(JOIN)
        self.assertEqual((back.flags, back.payload), (END, struct.pack("<I", 0)))
        self.assertEqual(worker.get("/next").body, b"x")

    def test_a_thread_is_back_when_a_host_has_gone_whose_request_it_was_busy_with(self):
        worker = self.serve(HELD)
        first, second = worker.control, Connection()
        held = worker.conns[0]
        worker.conns = [Connection()]
        ends = [second.theirs.fileno(), worker.conns[0].theirs.fileno()]
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", ends))
        first.socket.sendmsg([frame(JOIN)], [rights])
        second.theirs.close()
        worker.conns[0].theirs.close()
        worker.control_frame(JOIN)
        worker.control = second
        held.send(CANCEL, 2**32 - 1)  # which wakes the thread
        worker.ready()
        held.socket.sendall(worker.frame("GET", "/hold")[1])
        self.eventually(self.ledger, "the request that takes long")
        self.assertEqual(worker.control_frame(JOIN).flags, 0)
        held.close()
        first.close()
        self.assertTrue(second.quiet())
        self.write("go", "")
        back = worker.control_frame(JOIN)
        self.assertEqual((back.flags, back.payload), (END, struct.pack("<I", 0)))
        self.assertEqual(worker.get("/next").body, b"next")

    def test_an_idle_connection_has_nothing_to_return(self):
        worker = self.serve(HELD, threads=2)
        self.unqueue(worker, 1)
        self.assertTrue(worker.control.quiet())
        self.assertEqual(worker.get("/next", conn=1).body, b"next")


class Control:
    def __init__(self):
        self.sent = []

    def tell(self, kind, payload=b"", flags=0):
        self.sent.append((kind, payload, flags))


class ThreadOfTwoHosts(unittest.TestCase):
    def test_a_thread_is_back_when_the_app_has_gone_on_to_its_end(self):
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        control = Control()
        conn = Conn(1, ours.detach(), None, None, {}, control)
        self.addCleanup(conn.socket.close)
        self.addCleanup(conn.stop)
        conn.current = types.SimpleNamespace(stream=1, ended=True)
        conn.step_aside()
        away = (JOIN, struct.pack("<I", 0), 0)
        self.assertEqual(control.sent, [away])
        conn.serving.give_way(time.perf_counter())
        self.assertEqual(control.sent, [away])
        conn.current = None
        conn.serving.give_way(time.perf_counter())
        self.assertEqual(control.sent, [away, (JOIN, struct.pack("<I", 0), END)])

    def test_a_thread_that_goes_on_while_it_is_said_to_be_busy_is_said_to_be_back(self):
        class Overtaken(Conn):
            """Its thread goes on right after it was seen to be busy."""

            current = property(lambda self: self._go_on(), lambda self, value: None)
            busy = types.SimpleNamespace(stream=1, ended=True)
            back = None

            def _go_on(self):
                busy = self.busy
                if self._searching.locked():
                    self.busy = None
                    if self.away and self.back is None:
                        self.back = threading.Thread(target=self.come_back)
                        self.back.start()
                return busy

        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        control = Control()
        conn = Overtaken(1, ours.detach(), None, None, {}, control)
        self.addCleanup(conn.socket.close)
        conn.step_aside()
        if conn.back:
            conn.back.join()
        self.assertFalse(conn.away)
        number = struct.pack("<I", 0)
        self.assertEqual(control.sent, [(JOIN, number, 0), (JOIN, number, END)])
