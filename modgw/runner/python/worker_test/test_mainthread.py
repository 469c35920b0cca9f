"""A worker with one thread serves in its main thread, and the host reaches it all the same."""

import os
import signal

import fakehost
from fakehost import DUMP, RETIRE, WorkerTestCase

APP = """
import os, signal, threading, time

class Late(Exception):
    pass

def application(environ, start_response):
    path = environ["PATH_INFO"]
    body = b"main" if threading.current_thread() is threading.main_thread() else b"other"
    if path == "/alarm":
        body = late(environ["QUERY_STRING"], environ["wsgi.input"])
    elif path == "/forgotten":
        signal.signal(signal.SIGALRM, lambda number, frame: fail(TimeoutError()))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
    elif path == "/gate":
        open("begun", "w").close()
        with open("gate") as gate:  # a FIFO: waits for the test
            gate.read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]

def fail(error):
    raise error

def late(where, body):
    signal.signal(signal.SIGALRM, lambda number, frame: fail(TimeoutError("it took too long")))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        if where == "reading":
            body.read()
        else:
            time.sleep(60)
    except TimeoutError as error:
        return str(error).encode()
"""


class OneThread(WorkerTestCase):
    def test_requests_run_in_the_main_thread(self):
        self.assertEqual(self.serve(APP).get().body, b"main")
        self.assertEqual(self.serve(APP, threads=2).get().body, b"other")

    def test_an_alarm_ends_what_takes_too_long(self):
        worker = self.serve(APP)
        self.assertEqual(worker.get("/alarm?sleeping").body, b"it took too long")
        stream = worker.begin("POST", "/alarm?reading", b"begin", end=False, CONTENT_LENGTH="10")
        self.assertEqual(worker.finish(stream).body, b"it took too long")
        self.assertEqual(worker.get().body, b"main")

    def test_an_alarm_between_requests_costs_none(self):
        worker = self.serve(APP)
        self.assertEqual(worker.get("/forgotten").body, b"main")
        self.assertIn("TimeoutError", worker.control_frame(RETIRE).payload.decode())
        self.assertIn("TimeoutError", worker.logs[0]["message"])
        self.assertEqual(worker.get().body, b"main")
        self.assertEqual(worker.stop(), 0)

    def test_stop_lets_a_request_finish(self):
        os.mkfifo(os.path.join(self.folder, "gate"))
        worker = self.serve(APP)
        stream = worker.begin(path="/gate")
        self.eventually(lambda: os.path.exists(os.path.join(self.folder, "begun")), "the request")
        worker.control.send(fakehost.STOP)
        with open(os.path.join(self.folder, "gate"), "w"):
            pass
        self.assertEqual(worker.finish(stream).body, b"main")
        self.assertEqual(worker.process.wait(fakehost.PATIENCE), 0)

    def test_sigterm_ends_an_idle_worker_and_one_that_is_busy(self):
        for busy in (False, True):
            with self.subTest(busy=busy):
                if busy:
                    os.mkfifo(os.path.join(self.folder, "gate"))
                worker = self.serve(APP)
                self.assertEqual(worker.get().body, b"main")
                if busy:
                    stream = worker.begin(path="/gate")
                    self.eventually(
                        lambda: os.path.exists(os.path.join(self.folder, "begun")), "the request"
                    )
                os.kill(worker.process.pid, signal.SIGTERM)
                if busy:
                    with open(os.path.join(self.folder, "gate"), "w"):
                        pass
                    self.assertEqual(worker.finish(stream).body, b"main")
                self.assertEqual(worker.process.wait(fakehost.PATIENCE), 0)

    def test_the_stacks_of_a_busy_worker_name_the_request(self):
        os.mkfifo(os.path.join(self.folder, "gate"))
        worker = self.serve(APP)
        stream = worker.begin(path="/gate")
        self.eventually(lambda: os.path.exists(os.path.join(self.folder, "begun")), "the request")
        worker.control.send(DUMP, payload=b"it took too long")
        self.assertIn("thread MainThread, serving GET /gate", worker.log()["traceback"])
        with open(os.path.join(self.folder, "gate"), "w"):
            pass
        self.assertEqual(worker.finish(stream).body, b"main")
