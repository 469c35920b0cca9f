"""The plain path: a request comes on a connection and is answered on it."""

import os
import subprocess
import sys
import unittest

from fakehost import WorkerTestCase

HELLO = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello " + environ["PATH_INFO"].encode("latin-1")]
"""


class Hello(WorkerTestCase):
    def test_ready_names_the_process_and_the_callable(self):
        worker = self.worker(self.write("app.wsgi", HELLO), own_interpreter=True)
        ready = worker.ready()
        self.assertEqual(ready["pid"], worker.process.pid)
        self.assertEqual(ready["callable"], "application")
        self.assertRegex(ready["python"], r"^(CPython|PyPy) 3\.\d+\.\d+")

    def test_a_short_answer_is_one_frame(self):
        worker = self.serve(HELLO)
        response = worker.get("/world")
        self.assertEqual((response.status, response.reason), (200, "OK"))
        self.assertEqual(response.headers, [("Content-Type", "text/plain")])
        self.assertEqual(response.pieces, [b"hello /world"])

    def test_many_requests_in_one_batch_are_answered_in_order(self):
        worker = self.serve(HELLO)
        streams = [worker.begin(path="/%d" % n) for n in range(100)]
        self.assertEqual(
            [worker.finish(s).body for s in streams], [b"hello /%d" % n for n in range(100)]
        )

    def test_every_connection_answers(self):
        worker = self.serve(HELLO, threads=4)
        for conn in range(4):
            self.assertEqual(worker.get("/%d" % conn, conn=conn).body, b"hello /%d" % conn)

    def test_a_small_app_carries_no_modules_that_only_large_ones_need(self):
        worker = self.serve(
            "import sys\n"
            "def application(environ, start_response):\n"
            "    start_response('200 OK', [])\n"
            "    heavy = {'ast', 'dis', 'inspect', 'platform', 'sysconfig'}\n"
            "    return [' '.join(sorted(heavy & set(sys.modules))).encode()]\n",
            own_interpreter=True,
        )
        loaded = worker.get().body.decode().split()
        bare = subprocess.run(
            [sys.executable, "-c", "import sys; print(*sys.modules)"],
            stdout=subprocess.PIPE,
            check=True,
        )
        self.assertEqual([name for name in loaded if name not in bare.stdout.decode().split()], [])

    def test_stop_ends_the_process_with_exit_code_0(self):
        worker = self.serve(HELLO, threads=4, own_interpreter=True)
        worker.get()
        self.assertEqual(worker.stop(), 0)
        self.assertEqual(worker.output(), "")


if __name__ == "__main__":
    unittest.main()
