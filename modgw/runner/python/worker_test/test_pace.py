"""A thread's measurements of itself: the part of its requests' time for which it keeps the
interpreter."""

import sys
import sysconfig
import unittest

from fakehost import WorkerTestCase

APP = """
    import hashlib, time

    DATA = b"x" * (2 << 20)

    def compute(seconds):
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            for _ in range(100): pass

    def wait():
        time.sleep(0.001)

    def native():
        hashlib.sha256(DATA).digest()

    def half():
        compute(0.001)
        time.sleep(0.004)

    DO = {"/compute": lambda: compute(0.0005), "/wait": wait, "/native": native, "/half": half}

    def application(environ, start_response):
        DO[environ["PATH_INFO"]]()
        start_response("200 OK", [])
        return [b"done"]

    def streaming(environ, start_response):
        DO[environ["PATH_INFO"]]()
        start_response("200 OK", [("Content-Length", "8")])
        yield b"done"
        yield b"done"
"""

HIGH = 190  # from here on the host leaves work on the thread
free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")


class Measured(WorkerTestCase):
    def start(self, name="application", threads=2):
        self.write("app.py", APP)
        worker = self.worker("app:" + name, threads=threads)
        worker.ready()
        return worker

    def assert_low(self, worker, path):
        self.eventually(
            lambda: 0 < worker.get(path).cpu < HIGH, "%s is known to leave the interpreter" % path
        )

    def assert_high(self, worker, path):
        self.eventually(
            lambda: worker.get(path).cpu >= HIGH, "%s is known to keep the interpreter" % path
        )

    def test_it_is_high_for_what_computes_and_low_for_what_waits(self):
        for name in "application", "streaming":
            with self.subTest(name):
                worker = self.start(name)
                self.assert_high(worker, "/compute")
                self.assert_low(worker, "/wait")
                self.assert_high(worker, "/compute")
                self.assert_low(worker, "/half")

    @unittest.skipIf(free_threaded, "threads do not take turns")
    @unittest.skipUnless(sys.implementation.name == "cpython", "hashlib keeps the interpreter")
    def test_it_is_low_for_native_code_that_leaves_the_interpreter_to_others(self):
        worker = self.start()
        self.assert_high(worker, "/compute")
        self.assert_low(worker, "/native")
        self.assert_high(worker, "/compute")

    def test_requests_of_two_kinds_that_take_turns_are_both_seen(self):
        worker = self.start()
        self.assert_high(worker, "/compute")
        self.eventually(
            lambda: [worker.get(path).cpu for path in ("/compute", "/wait", "/compute", "/wait")][
                -1
            ]
            < HIGH,
            "one of two that waits",
        )

    @unittest.skipIf(free_threaded, "threads do not take turns")
    def test_threads_that_fight_for_the_interpreter_know_that_they_compute(self):
        for name in "application", "streaming":
            with self.subTest(name):
                worker = self.start(name, threads=4)
                high = []
                for _ in range(60):
                    streams = [worker.begin("GET", "/compute", conn=conn) for conn in range(4)]
                    for conn, stream in enumerate(streams):
                        high.append(worker.finish(stream, conn).cpu >= HIGH)
                self.assertGreater(sum(high[40:]), 100, "of 200 answers")
