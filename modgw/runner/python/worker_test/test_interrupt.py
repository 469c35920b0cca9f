"""A request whose time is up is ended by an exception, and nothing but that request is."""

import os
import struct
import sys
import threading
import time
import unittest
from unittest import mock

from fakehost import BODY, INTERRUPT, WINDOW, WorkerTestCase

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "worker"))

from modgw_worker import interrupt  # noqa: E402

APP = """
import os, sys, time
from modgw_worker.interrupt import RequestTimeout

def touch(name):
    open(os.path.join(%(folder)r, name), "w").close()

def spin():
    touch("began")
    while True:
        time.sleep(0.001)

def hold(environ, start_response):
    spin()

def tidy(environ, start_response):
    import mod_wsgi
    try:
        spin()
    except mod_wsgi.RequestTimeout:
        touch("tidied")
        raise

def answer_late(environ, start_response):
    try:
        spin()
    except RequestTimeout:
        start_response("200 OK", [])
        return [b"late"]

def shield(environ, start_response):
    try:
        spin()
    except Exception:
        touch("caught")
        return []

def pieces(environ, start_response):
    start_response("200 OK", [])
    yield b"first"
    spin()

class Closing(list):
    def close(self):
        spin()

def close(environ, start_response):
    start_response("200 OK", [])
    return Closing([b"x"])

def upload(environ, start_response):
    touch("began")
    environ["wsgi.input"].read()
    touch("read")

def write(environ, start_response):
    write = start_response("200 OK", [])
    write(b"first")
    spin()

def fast(environ, start_response):
    start_response("200 OK", [])
    return [environ["PATH_INFO"].encode()]

def application(environ, start_response):
    name = environ["PATH_INFO"][1:].partition("/")[0]
    return globals().get(name, fast)(environ, start_response)
"""


@unittest.skipUnless(interrupt.is_possible(), "needs exceptions for other threads")
class Interrupted(WorkerTestCase):
    def start(self, threads=1):
        return self.serve(APP % {"folder": self.folder}, threads=threads)

    def await_file(self, name):
        path = os.path.join(self.folder, name)
        deadline = time.monotonic() + 60
        while not os.path.exists(path):
            self.assertLess(time.monotonic(), deadline, name)
            time.sleep(0.005)
        os.remove(path)

    def interrupt(self, worker, stream, thread=0):
        payload = struct.pack("<II", thread, stream) + b"it took longer than 1s"
        worker.control.send(INTERRUPT, payload=payload)

    def test_the_thread_is_free_again_and_the_place_is_logged(self):
        for threads in 1, 3:
            worker = self.start(threads)
            for path in "/hold", "/shield", "/write", "/pieces":
                stream = worker.begin(path=path, conn=threads - 1)
                self.await_file("began")
                self.interrupt(worker, stream, threads - 1)
                got = worker.finish(stream, threads - 1)
                self.assertEqual(got.aborted, "it took longer than 1s", path)
                record = worker.log()
                self.assertEqual(record["message"], "request interrupted: it took longer than 1s")
                self.assertEqual(record["level"], "warning")
                self.assertEqual(record["request"], "request-%d" % stream)
                self.assertIn("in spin", record["traceback"])
                self.assertTrue(record["file"].endswith("app.wsgi"), record)
                self.assertGreater(record["line"], 0)
                self.assertEqual(worker.get("/next", conn=threads - 1).body, b"/next")
            self.assertNotIn("caught", os.listdir(self.folder))
            self.assertEqual(worker.stop(), 0)

    def test_the_app_may_tidy_up_and_may_answer(self):
        worker = self.start()
        stream = worker.begin(path="/tidy")
        self.await_file("began")
        self.interrupt(worker, stream)
        self.assertEqual(worker.finish(stream).aborted, "it took longer than 1s")
        self.await_file("tidied")
        stream = worker.begin(path="/answer_late")
        self.await_file("began")
        self.interrupt(worker, stream)
        self.assertEqual(worker.finish(stream).body, b"late")
        self.assertEqual(worker.get("/next").body, b"/next")

    def test_what_the_app_does_after_the_response_is_ended_too(self):
        worker = self.start()
        stream = worker.begin(path="/close")
        self.assertEqual(worker.finish(stream).body, b"x")
        self.await_file("began")
        self.interrupt(worker, stream)
        self.assertEqual(worker.get("/next").body, b"/next")

    def test_a_request_that_waits_for_its_body_ends_where_it_waits(self):
        worker = self.start()
        stream = worker.begin("POST", "/upload", b"", end=False, CONTENT_LENGTH="5")
        self.await_file("began")
        self.interrupt(worker, stream)
        worker.log()
        worker.conns[0].send(BODY, stream, b"x")
        self.assertEqual(worker.finish(stream).aborted, "it took longer than 1s")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "read")))

    def test_no_other_request_is_interrupted(self):
        worker = self.start()
        first = worker.begin(path="/fast/1")
        self.assertEqual(worker.finish(first).body, b"/fast/1")
        self.interrupt(worker, first)
        self.interrupt(worker, first + 1)
        stream = worker.begin(path="/pieces")
        self.await_file("began")
        self.interrupt(worker, first)
        self.interrupt(worker, stream + 1)
        self.interrupt(worker, stream)
        self.assertEqual(worker.finish(stream).aborted, "it took longer than 1s")
        worker.log()
        self.assertEqual(worker.stop(), 0)
        self.assertEqual(worker.logs[1:], [])


def _after_a_pause(function):
    """The function, before which the other thread gets on by several steps."""

    def pause(*arguments):
        time.sleep(0.0001)
        return function(*arguments)

    return pause


class FakeExchange:
    def __init__(self, stream):
        self.stream, self.cancelled, self.environ = stream, None, {}


class FakeControl:
    def log(self, *arguments, **named):
        pass


@unittest.skipUnless(interrupt.is_possible(), "needs exceptions for other threads")
class Races(unittest.TestCase):
    """Interruptions at any time, of a thread that goes from request to request."""

    def test_an_interruption_never_reaches_the_next_request_or_the_worker(self):
        conn = interrupt.Interruptible()
        conn.current = None
        outcome = {"hit": 0, "missed": 0}
        wrong = []
        ended = threading.Event()

        def serve():
            try:
                for stream in range(1, 500):
                    exchange = conn.current = FakeExchange(stream)
                    hit = False
                    try:
                        try:
                            conn.inside = True
                            if exchange.cancelled is None:
                                for _ in range(stream % 5):
                                    time.sleep(0.00007)
                            conn.inside = False
                            if conn.settled != conn.asked:
                                conn.settle()
                        except interrupt.RequestTimeout:
                            hit = True
                            conn.inside = False
                            conn.settle()
                    except interrupt.RequestTimeout:
                        conn.settle()
                        hit = True
                    for _ in range(stream % 3):  # the worker's actions between two requests
                        time.sleep(0.00005)
                    if hit and exchange.cancelled is None:
                        wrong.append(stream)
                    outcome["hit" if hit else "missed"] += 1
            except interrupt.RequestTimeout:
                wrong.append("outside")
            finally:
                ended.set()

        conn.thread = threading.Thread(target=serve)
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            for module, name in (interrupt, "_set_exception"), (interrupt.stacks, "running"):
                mock.patch.object(module, name, _after_a_pause(getattr(module, name))).start()
            conn.thread.start()
            while not ended.is_set():
                exchange = conn.current
                if exchange is None or exchange.cancelled is not None:
                    time.sleep(0.00005)
                else:
                    conn.interrupt(exchange.stream, "late", FakeControl())
            conn.thread.join()
        finally:
            mock.patch.stopall()
            sys.setswitchinterval(before)
        self.assertEqual(wrong, [])
        self.assertGreater(outcome["hit"], 0)
        self.assertGreater(outcome["missed"], 0)


if __name__ == "__main__":
    unittest.main()
